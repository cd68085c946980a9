use std::collections::HashMap;

use evertask_core::storage::{
    AuditEntry, CancelAnswer, CancelTask, StorageError, StorageErrorKind,
};
use evertask_core::task::{Generation, Status, UnknownStatus};
use evertask_entities::{Instant, task, under};
use sea_orm::sea_query::{Alias, Expr, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::Group;
use crate::database_error::database_error;
use crate::rows::{self, Row};

/// A task as a cancel finds it.
struct Found {
    status: Status,
    is_over: bool,
    /// Until when it holds its key though it is over.
    key_until: Option<Instant>,
}

impl Group<'_> {
    /// Cancels tasks that are not over.
    pub(super) async fn cancel(
        &mut self,
        cancels: &[&CancelTask],
    ) -> Result<Vec<CancelAnswer>, StorageError> {
        if cancels.is_empty() {
            return Ok(Vec::new());
        }
        let mut found = self.ends(cancels).await?;
        let mut answers = Vec::new();
        let mut cancelled = Vec::new();
        let mut holding = Vec::new();
        for cancel in cancels {
            let Some(found) = found.get_mut(&cancel.id.0) else {
                answers.push(CancelAnswer::Unknown);
                continue;
            };
            if found.is_over {
                answers.push(CancelAnswer::AlreadyOver(found.status));
                continue;
            }
            answers.push(CancelAnswer::Cancelled(found.status));
            (found.status, found.is_over) = (Status::Cancelled, true);
            cancelled.push(cancel.id.0);
            if found.key_until > Some(Instant(cancel.at.timestamp_micros())) {
                holding.push(cancel.id.0);
            }
            self.audit.push(audit_of(cancel));
        }
        if !cancelled.is_empty() {
            self.has_written = true;
            self.write_cancelled(cancelled, holding).await?;
        }
        Ok(answers)
    }

    /// Reads what a cancel depends on of each task.
    async fn ends(&self, cancels: &[&CancelTask]) -> Result<HashMap<Uuid, Found>, StorageError> {
        let query = task::Entity::find()
            .select_only()
            .columns([
                task::Column::Id,
                task::Column::Status,
                task::Column::NextRunAt,
                task::Column::KeyUntil,
            ])
            .filter(task::Column::Id.is_in(cancels.iter().map(|cancel| cancel.id.0)));
        let rows: Vec<(Uuid, String, Option<Instant>, Option<Instant>)> =
            under(query, &self.setting.prefix.tasks())
                .into_tuple()
                .all(self.transaction)
                .await
                .map_err(|error| database_error("read the tasks to cancel", error))?;
        rows.into_iter()
            .map(|(id, status, next_run_at, key_until)| {
                let status: Status = status.parse()?;
                let is_over =
                    status == Status::Cancelled || (status.is_terminal() && next_run_at.is_none());
                let found = Found {
                    status,
                    is_over,
                    key_until,
                };
                Ok((id, found))
            })
            .collect::<Result<_, UnknownStatus>>()
            .map_err(|error| {
                let doing = "read the tasks to cancel";
                StorageError::new(StorageErrorKind::Rejected, doing).with_source(error)
            })
    }

    /// Writes what [`RowLease::cancel`](evertask_core::lease::RowLease::cancel) says of a cancelled
    /// row; when it last ran stays as it was. Those that are `holding` their keys for a time keep them.
    async fn write_cancelled(
        &self,
        ids: Vec<Uuid>,
        holding: Vec<Uuid>,
    ) -> Result<(), StorageError> {
        let nothing: [task::Column; 9] = [
            task::Column::Owner,
            task::Column::AvailableAt,
            task::Column::WaitReason,
            task::Column::Error,
            task::Column::ErrorKind,
            task::Column::ErrorFingerprint,
            task::Column::NextRunAt,
            task::Column::RetryDelayUs,
            task::Column::SnoozeReason,
        ];
        // A series keeps its key, so that it can be found and revived under it.
        let is_series = Expr::col(task::Column::Schedule).is_not_null();
        let keeps_key = if holding.is_empty() {
            is_series
        } else {
            is_series.or(Expr::col(task::Column::Id).is_in(holding))
        };
        let key = Expr::case(keeps_key, Expr::col(task::Column::ActiveKey));
        let update = Query::update()
            .table(Alias::new(self.setting.prefix.tasks()))
            .value(task::Column::Status, Status::Cancelled.as_str())
            .value(
                task::Column::Generation,
                Expr::col(task::Column::Generation).add(Generation::TERM),
            )
            .value(task::Column::OnProbation, false)
            .value(task::Column::ActiveKey, key)
            .values(nothing.map(|column| (column, Expr::null())))
            .and_where(Expr::col(task::Column::Id).is_in(ids))
            .to_owned();
        self.transaction
            .execute(&update)
            .await
            .map_err(|error| database_error("cancel tasks", error))?;
        Ok(())
    }
}

fn audit_of(cancel: &CancelTask) -> Row<'static> {
    let entry = AuditEntry {
        actor: cancel.actor.clone(),
        reason: cancel.reason.clone(),
        ..AuditEntry::of(Status::Cancelled, cancel.at)
    };
    rows::audit(cancel.id, &entry)
}
