use evertask_core::storage::{InsertAllAnswer, InsertAnswer, NewTask, StorageError};
use evertask_entities::task;
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query};
use uuid::Uuid;

use super::Group;
use crate::database_error::database_error;

impl Group<'_> {
    /// Stores sets of tasks, each of them whole or not at all.
    ///
    /// What was stored of a set that is refused is deleted again: nobody but this transaction has seen it.
    /// A savepoint would cost a round trip for every set, and there is none for a part of a group.
    pub(super) async fn insert_all(
        &mut self,
        sets: &[&[NewTask]],
    ) -> Result<Vec<InsertAllAnswer>, StorageError> {
        let mut answers = Vec::with_capacity(sets.len());
        for tasks in sets {
            let audited = self.audit.len();
            let of_each = self.insert(&tasks.iter().collect::<Vec<_>>()).await?;
            let stored: Vec<_> = tasks
                .iter()
                .zip(&of_each)
                .filter(|(_, answer)| **answer == InsertAnswer::Stored)
                .map(|(task, _)| task.record.id().0)
                .collect();
            let answer = InsertAllAnswer::of(tasks, of_each);
            if let InsertAllAnswer::Refused(_) = answer {
                self.audit.truncate(audited);
                self.take_back(stored).await?;
            }
            answers.push(answer);
        }
        Ok(answers)
    }

    async fn take_back(&self, ids: Vec<Uuid>) -> Result<(), StorageError> {
        if ids.is_empty() {
            return Ok(());
        }
        let delete = Query::delete()
            .from_table(Alias::new(self.setting.prefix.tasks()))
            .and_where(Expr::col(task::Column::Id).is_in(ids))
            .to_owned();
        let deleted = self.transaction.execute(&delete).await;
        deleted.map_err(|error| database_error("take tasks back", error))?;
        Ok(())
    }
}
