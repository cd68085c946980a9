use evertask_core::storage::{DeleteAnswer, DeleteTask, Deletion, StorageError};
use evertask_entities::{deletion, task, under};
use sea_orm::sea_query::{Alias, Expr, OnConflict, Query};
use sea_orm::{EntityTrait, ExprTrait, QuerySelect};
use uuid::Uuid;

use super::Group;
use super::statement::insert;
use crate::database_error::database_error;

const DOING: &str = "delete a task";

impl Group<'_> {
    /// Removes tasks that are where the writers believe them to be, with everything kept about them.
    pub(super) async fn delete(
        &mut self,
        deletions: &[&DeleteTask],
    ) -> Result<Vec<DeleteAnswer>, StorageError> {
        if deletions.is_empty() {
            return Ok(Vec::new());
        }
        // What this group adds to the history of a task has to be there to go with it.
        self.write_history().await?;
        let ids = deletions.iter().map(|delete| delete.deletion.id.0);
        let mut found = self.records(ids.collect()).await?;
        let mut answers = Vec::with_capacity(deletions.len());
        let mut gone = Vec::new();
        for DeleteTask { expected, deletion } in deletions.iter().copied() {
            let id = deletion.id.0;
            answers.push(match found.remove(&id) {
                Some(record) if record.generation == *expected => {
                    gone.push(id);
                    self.keep_deletion(deletion).await?;
                    DeleteAnswer::Deleted
                }
                Some(record) => {
                    found.insert(id, record.clone());
                    DeleteAnswer::Refused(Box::new(record))
                }
                None if self.is_deleted(id).await? => DeleteAnswer::Deleted,
                None => DeleteAnswer::Missing,
            });
        }
        if !gone.is_empty() {
            self.has_written = true;
            let delete = Query::delete()
                .from_table(Alias::new(self.setting.prefix.tasks()))
                .and_where(Expr::col(task::Column::Id).is_in(gone))
                .to_owned();
            self.execute(DOING, &delete).await?;
        }
        Ok(answers)
    }

    /// The id may have been deleted before and used again since.
    async fn keep_deletion(&self, deletion: &Deletion) -> Result<(), StorageError> {
        use deletion::Column::{Actor, At, Id, Queue, Reason, Status, Task};
        let actor = self.text(Some(&deletion.actor)).unwrap_or_default();
        let row = [
            (Id, Expr::value(deletion.id.0)),
            (Task, Expr::value(deletion.task.as_str())),
            (Queue, Expr::value(deletion.queue.as_str())),
            (Status, Expr::value(deletion.status.as_str())),
            (At, self.instant(deletion.at)),
            (Actor, Expr::value(actor)),
            (Reason, Expr::value(self.text(deletion.reason.as_deref()))),
        ];
        let mut insert = insert(DOING, &self.setting.prefix.deletions(), row)?;
        let replaced = [Task, Queue, Status, At, Actor, Reason];
        let again = OnConflict::column(Id).update_columns(replaced).to_owned();
        insert.on_conflict(again);
        self.execute(DOING, &insert).await
    }

    async fn is_deleted(&self, id: Uuid) -> Result<bool, StorageError> {
        let query = deletion::Entity::find_by_id(id)
            .select_only()
            .column(deletion::Column::Id);
        let found: Option<Uuid> = under(query, &self.setting.prefix.deletions())
            .into_tuple()
            .one(self.transaction)
            .await
            .map_err(|error| database_error(DOING, error))?;
        Ok(found.is_some())
    }
}
