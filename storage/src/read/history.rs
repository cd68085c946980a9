use evertask_core::storage::query::{HistoryPage, HistoryPlace, HistorySearch};
use evertask_core::storage::{AuditEntry, StorageError};
use evertask_core::task::{AttemptOutcome, AttemptRecord, RunRecord, Status};
use evertask_core::time::Timestamp;
use evertask_entities::{attempt, run, status_audit, under};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::Reads;
use crate::database_error::database_error;
use crate::record::{attempt_record, audit_entry, run_record};

impl Reads {
    pub(super) async fn page_of_audit(
        &self,
        search: &HistorySearch<Status>,
    ) -> Result<HistoryPage<AuditEntry>, StorageError> {
        use status_audit::Column;
        let mut query = status_audit::Entity::find()
            .filter(Column::TaskId.eq(search.task().0))
            .order_by(Column::Id, order(search))
            .limit(look_at(search));
        if !search.wanted().is_empty() {
            let wanted = search.wanted().iter().map(|status| status.as_str());
            query = query.filter(Column::Status.is_in(wanted));
        }
        if let Some(HistoryPlace::Number(last)) = search.cursor() {
            query = query.filter(if search.is_newest_first() {
                Column::Id.lt(last)
            } else {
                Column::Id.gt(last)
            });
        }
        let rows = under(query, &self.prefix.status_audit())
            .all(&self.readers)
            .await
            .map_err(|error| database_error("read the audit of a task", error))?;
        let mut lines = Vec::with_capacity(rows.len());
        for row in rows {
            lines.push((HistoryPlace::Number(row.id), audit_entry(row)?));
        }
        Ok(search.page(lines))
    }

    pub(super) async fn page_of_attempts(
        &self,
        search: &HistorySearch<AttemptOutcome>,
    ) -> Result<HistoryPage<AttemptRecord>, StorageError> {
        use attempt::Column;
        let mut query = attempt::Entity::find()
            .filter(Column::TaskId.eq(search.task().0))
            .order_by(Column::StartedAt, order(search))
            .order_by(Column::Id, order(search))
            .limit(look_at(search));
        if !search.wanted().is_empty() {
            let wanted = search.wanted().iter().map(|outcome| outcome.as_str());
            query = query.filter(Column::Outcome.is_in(wanted));
        }
        if let Some(HistoryPlace::Moment(at, id)) = search.cursor() {
            let place = [Column::StartedAt.into_expr(), Column::Id.into_expr()];
            query = query.filter(self.is_behind(search, place, at, id));
        }
        let rows = under(query, &self.prefix.attempts())
            .all(&self.readers)
            .await
            .map_err(|error| database_error("read the attempts of a task", error))?;
        let mut lines = Vec::with_capacity(rows.len());
        for row in rows {
            let attempt = attempt_record(row)?;
            let place = HistoryPlace::Moment(attempt.started_at, attempt.id.0);
            lines.push((place, attempt));
        }
        Ok(search.page(lines))
    }

    pub(super) async fn page_of_runs(
        &self,
        search: &HistorySearch<Status>,
    ) -> Result<HistoryPage<RunRecord>, StorageError> {
        use run::Column;
        let mut query = run::Entity::find()
            .filter(Column::TaskId.eq(search.task().0))
            .order_by(Column::At, order(search))
            .order_by(Column::Id, order(search))
            .limit(look_at(search));
        if !search.wanted().is_empty() {
            let wanted = search.wanted().iter().map(|status| status.as_str());
            query = query.filter(Column::Status.is_in(wanted));
        }
        if let Some(HistoryPlace::Moment(at, id)) = search.cursor() {
            let place = [Column::At.into_expr(), Column::Id.into_expr()];
            query = query.filter(self.is_behind(search, place, at, id));
        }
        let rows = under(query, &self.prefix.runs())
            .all(&self.readers)
            .await
            .map_err(|error| database_error("read the runs of a series", error))?;
        let mut lines = Vec::with_capacity(rows.len());
        for row in rows {
            let run = run_record(row)?;
            lines.push((HistoryPlace::Moment(run.at, run.id.0), run));
        }
        Ok(search.page(lines))
    }

    fn is_behind<Outcome>(
        &self,
        search: &HistorySearch<Outcome>,
        place: [Expr; 2],
        at: Timestamp,
        id: Uuid,
    ) -> Expr {
        let last = [Expr::value(self.wording.instant(at)), Expr::value(id)];
        self.wording.is_after(place, last, search.is_newest_first())
    }
}

fn order<Outcome>(search: &HistorySearch<Outcome>) -> Order {
    if search.is_newest_first() {
        Order::Desc
    } else {
        Order::Asc
    }
}

/// One more than a page holds tells that another one follows.
fn look_at<Outcome>(search: &HistorySearch<Outcome>) -> u64 {
    u64::try_from(search.rows() + 1).unwrap_or(u64::MAX)
}
