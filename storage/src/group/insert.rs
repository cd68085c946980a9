use std::collections::{HashMap, HashSet};

use evertask_core::storage::{InsertAnswer, NewTask, StorageError, StorageErrorKind};
use evertask_core::task::TaskRecord;
use evertask_entities::{task, under};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::Group;
use crate::database_error::database_error;
use crate::record::task_record;
use crate::rows;

impl Group<'_> {
    /// Stores tasks that are not there yet.
    pub(super) async fn insert(
        &mut self,
        tasks: &[&NewTask],
    ) -> Result<Vec<InsertAnswer>, StorageError> {
        let is_stored = self.store(tasks).await?;
        let refused: Vec<_> = tasks
            .iter()
            .zip(&is_stored)
            .filter(|(_, stored)| !**stored)
            .map(|(task, _)| *task)
            .collect();
        let mut reasons = self.reasons(&refused).await?.into_iter();
        is_stored
            .into_iter()
            .map(|stored| {
                if stored {
                    Ok(InsertAnswer::Stored)
                } else {
                    reasons.next().unwrap_or_else(|| Err(unexplained()))
                }
            })
            .collect()
    }

    /// Stores the tasks that can be, and answers of each whether it is.
    pub(super) async fn store(&mut self, tasks: &[&NewTask]) -> Result<Vec<bool>, StorageError> {
        if tasks.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<_> = tasks
            .iter()
            .map(|task| rows::task(&task.record))
            .collect::<Result<_, _>>()?;
        let dialect = &self.setting.dialect;
        let mut stored: HashSet<Uuid> = dialect
            .insert_tasks(self.transaction, &rows)
            .await?
            .into_iter()
            .collect();
        self.has_written |= !stored.is_empty();
        // Of two inserts of one id in a group, the first one stored it.
        let is_stored: Vec<_> = tasks
            .iter()
            .map(|task| stored.remove(&task.record.definition.id.0))
            .collect();
        for (task, _) in tasks.iter().zip(&is_stored).filter(|(_, stored)| **stored) {
            let id = task.record.definition.id;
            self.audit
                .extend(task.kept_audit().map(|entry| rows::audit(id, entry)));
        }
        Ok(is_stored)
    }

    /// Answers why these tasks were not stored.
    async fn reasons(
        &self,
        refused: &[&NewTask],
    ) -> Result<Vec<Result<InsertAnswer, StorageError>>, StorageError> {
        let id = |task: &NewTask| task.record.definition.id.0;
        let by_id = self
            .records(refused.iter().map(|task| id(task)).collect())
            .await?;
        let key = |task: &NewTask| task.record.state.active_key.clone();
        let keys: Vec<_> = refused
            .iter()
            .filter(|task| !by_id.contains_key(&id(task)))
            .filter_map(|task| key(task))
            .collect();
        let by_key = self.holders(keys).await?;
        let reason = |task: &&NewTask| {
            if let Some(record) = by_id.get(&id(task)) {
                return Ok(InsertAnswer::Exists(Box::new(record.clone())));
            }
            match key(task).and_then(|key| by_key.get(&key)) {
                Some(holder) => Ok(InsertAnswer::KeyTaken(Box::new(holder.clone()))),
                None => Err(unexplained_of(task)),
            }
        };
        Ok(refused.iter().map(reason).collect())
    }

    /// Reads the rows that hold these active keys.
    async fn holders(
        &self,
        keys: Vec<String>,
    ) -> Result<HashMap<String, TaskRecord>, StorageError> {
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let query = task::Entity::find().filter(task::Column::ActiveKey.is_in(keys));
        let rows = under(query, &self.setting.prefix.tasks())
            .all(self.transaction)
            .await
            .map_err(|error| database_error("read tasks by their keys", error))?;
        let mut holders = HashMap::new();
        for row in rows {
            if let Some(key) = row.active_key.clone() {
                holders.insert(key, task_record(row)?);
            }
        }
        Ok(holders)
    }

    /// Reads rows as they are in this transaction.
    pub(super) async fn records(
        &self,
        ids: Vec<Uuid>,
    ) -> Result<HashMap<Uuid, TaskRecord>, StorageError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let query = task::Entity::find().filter(task::Column::Id.is_in(ids));
        let rows = under(query, &self.setting.prefix.tasks())
            .all(self.transaction)
            .await
            .map_err(|error| database_error("read tasks", error))?;
        let mut records = HashMap::new();
        for row in rows {
            records.insert(row.id, task_record(row)?);
        }
        Ok(records)
    }
}

fn unexplained_of(task: &NewTask) -> StorageError {
    if task.record.definition.occurrence_at.is_some() {
        return unexplained();
    }
    // Between two statements, another process let go of what was taken.
    let doing = "store a task whose key or id was taken a moment ago and is not any more";
    StorageError::new(StorageErrorKind::Transient, doing)
}

/// Neither the id nor the key of a refused task is taken: its occurrence is.
fn unexplained() -> StorageError {
    let doing = "store a second task for one occurrence of a series";
    StorageError::new(StorageErrorKind::Rejected, doing)
}
