use std::collections::HashMap;

use evertask_core::storage::{
    AuditEntry, CancelAnswer, CancelTask, StorageError, StorageErrorKind,
};
use evertask_core::task::{Generation, Status, UnknownStatus};
use evertask_entities::{task, under};
use sea_orm::sea_query::{Alias, Expr, Query, Value};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::group::Group;
use super::rows::{self, Row};
use crate::database_error::database_error;

impl Group<'_> {
    /// Cancels tasks that are not over.
    pub(super) async fn cancel(
        &mut self,
        cancels: &[&CancelTask],
    ) -> Result<Vec<CancelAnswer>, StorageError> {
        if cancels.is_empty() {
            return Ok(Vec::new());
        }
        let mut statuses = self.statuses(cancels).await?;
        let mut answers = Vec::new();
        let mut cancelled = Vec::new();
        for cancel in cancels {
            let Some(status) = statuses.get_mut(&cancel.id.0) else {
                answers.push(CancelAnswer::Unknown);
                continue;
            };
            if status.is_terminal() {
                answers.push(CancelAnswer::AlreadyOver(*status));
                continue;
            }
            answers.push(CancelAnswer::Cancelled(*status));
            *status = Status::Cancelled;
            cancelled.push(cancel.id.0);
            self.audit.push(audit_of(cancel));
        }
        if !cancelled.is_empty() {
            self.has_written = true;
            self.write_cancelled(cancelled).await?;
        }
        Ok(answers)
    }

    async fn statuses(
        &self,
        cancels: &[&CancelTask],
    ) -> Result<HashMap<Uuid, Status>, StorageError> {
        let query = task::Entity::find()
            .select_only()
            .columns([task::Column::Id, task::Column::Status])
            .filter(task::Column::Id.is_in(cancels.iter().map(|cancel| cancel.id.0)));
        let rows: Vec<(Uuid, String)> = under(query, &self.setting.prefix.tasks())
            .into_tuple()
            .all(self.transaction)
            .await
            .map_err(|error| database_error("read the tasks to cancel", error))?;
        rows.into_iter()
            .map(|(id, status)| Ok((id, status.parse()?)))
            .collect::<Result<_, UnknownStatus>>()
            .map_err(|error| {
                let doing = "read the tasks to cancel";
                StorageError::new(StorageErrorKind::Rejected, doing).with_source(error)
            })
    }

    /// Writes what [`RowLease::cancel`](evertask_core::lease::RowLease::cancel) says of a cancelled
    /// row; when it last ran stays as it was.
    async fn write_cancelled(&self, ids: Vec<Uuid>) -> Result<(), StorageError> {
        let nothing: [task::Column; 6] = [
            task::Column::Owner,
            task::Column::AvailableAt,
            task::Column::WaitReason,
            task::Column::Error,
            task::Column::ErrorKind,
            task::Column::ErrorFingerprint,
        ];
        let update = Query::update()
            .table(Alias::new(self.setting.prefix.tasks()))
            .value(task::Column::Status, Status::Cancelled.as_str())
            .value(
                task::Column::Generation,
                Expr::col(task::Column::Generation).add(Generation::TERM),
            )
            .value(task::Column::OnProbation, false)
            .values(nothing.map(|column| (column, Expr::value(Value::String(None)))))
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
