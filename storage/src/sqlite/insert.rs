use std::collections::{HashMap, HashSet};

use evertask_core::storage::{InsertAnswer, NewTask, StorageError};
use evertask_core::task::TaskRecord;
use evertask_entities::{task, under};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::group::Group;
use super::rows::{self, json};
use crate::database_error::database_error;
use crate::record::task_record;

impl Group<'_> {
    /// Stores tasks that are not there yet.
    pub(super) async fn insert(
        &mut self,
        tasks: &[&NewTask],
    ) -> Result<Vec<InsertAnswer>, StorageError> {
        if tasks.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<_> = tasks
            .iter()
            .map(|task| rows::task(&task.record))
            .collect::<Result<_, _>>()?;
        let insert = &self.setting.statements.insert_tasks;
        let mut stored: HashSet<Uuid> = self
            .query_ids("insert tasks", insert, [json(&rows)?.into()])
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
                .extend(task.audit.iter().map(|entry| rows::audit(id, entry)));
        }
        let refused = tasks.iter().zip(&is_stored).filter(|(_, stored)| !**stored);
        let existing = self
            .records(
                refused
                    .map(|(task, _)| task.record.definition.id.0)
                    .collect(),
            )
            .await?;
        let answer = |task: &NewTask| match existing.get(&task.record.definition.id.0) {
            Some(record) => InsertAnswer::Exists(Box::new(record.clone())),
            None => InsertAnswer::Stored,
        };
        Ok(tasks
            .iter()
            .zip(is_stored)
            .map(|(task, stored)| {
                if stored {
                    InsertAnswer::Stored
                } else {
                    answer(task)
                }
            })
            .collect())
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
