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
        for cancel in cancels {
            let Some((status, is_over)) = found.get_mut(&cancel.id.0) else {
                answers.push(CancelAnswer::Unknown);
                continue;
            };
            if *is_over {
                answers.push(CancelAnswer::AlreadyOver(*status));
                continue;
            }
            answers.push(CancelAnswer::Cancelled(*status));
            (*status, *is_over) = (Status::Cancelled, true);
            cancelled.push(cancel.id.0);
            self.audit.push(audit_of(cancel));
        }
        if !cancelled.is_empty() {
            self.has_written = true;
            self.write_cancelled(cancelled).await?;
        }
        Ok(answers)
    }

    /// Reads the status of each task and whether it is over.
    async fn ends(
        &self,
        cancels: &[&CancelTask],
    ) -> Result<HashMap<Uuid, (Status, bool)>, StorageError> {
        let query = task::Entity::find()
            .select_only()
            .columns([
                task::Column::Id,
                task::Column::Status,
                task::Column::NextRunAt,
            ])
            .filter(task::Column::Id.is_in(cancels.iter().map(|cancel| cancel.id.0)));
        let rows: Vec<(Uuid, String, Option<Instant>)> = under(query, &self.setting.prefix.tasks())
            .into_tuple()
            .all(self.transaction)
            .await
            .map_err(|error| database_error("read the tasks to cancel", error))?;
        rows.into_iter()
            .map(|(id, status, next_run_at)| {
                let status: Status = status.parse()?;
                let is_over =
                    status == Status::Cancelled || (status.is_terminal() && next_run_at.is_none());
                Ok((id, (status, is_over)))
            })
            .collect::<Result<_, UnknownStatus>>()
            .map_err(|error| {
                let doing = "read the tasks to cancel";
                StorageError::new(StorageErrorKind::Rejected, doing).with_source(error)
            })
    }

    /// Writes what [`RowLease::cancel`](evertask_core::lease::RowLease::cancel) says of a cancelled
    /// row; when it last ran stays as it was.
    async fn write_cancelled(&self, ids: Vec<Uuid>) -> Result<(), StorageError> {
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
        let key = Expr::case(
            Expr::col(task::Column::Schedule).is_not_null(),
            Expr::col(task::Column::ActiveKey),
        );
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
