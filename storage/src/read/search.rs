use evertask_core::storage::StorageError;
use evertask_core::storage::query::{TaskCursor, TaskPage, TaskSearch, TaskSummary};
use evertask_core::task::TaskRecord;
use evertask_entities::task::{Column, Entity};
use evertask_entities::under;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Select};

use super::Reads;
use super::list::{List, merge};
use super::summary::SummaryRow;
use crate::database_error::database_error;
use crate::record::task_record;

impl Reads {
    pub(super) async fn holder_of(&self, key: &str) -> Result<Option<TaskRecord>, StorageError> {
        if key.contains('\0') {
            return Ok(None);
        }
        let query = Entity::find().filter(Column::ActiveKey.eq(key));
        let row = under(query, &self.prefix.tasks())
            .one(&self.readers)
            .await
            .map_err(|error| database_error("read the task of a key", error))?;
        Ok(row.map(task_record).transpose()?)
    }

    pub(super) async fn page_of_tasks(
        &self,
        search: &TaskSearch,
    ) -> Result<TaskPage, StorageError> {
        let sort = search.sort();
        let rows = search.limit().rows();
        let mut tasks = Vec::new();
        if !search.filter().is_unmatchable() {
            let list = List {
                search,
                wording: self.wording,
                table: &self.prefix.tasks(),
            };
            // One more than asked for tells that another page follows.
            let look_at = rows + 1;
            for query in list.with_value(look_at) {
                self.read(query, &mut tasks).await?;
            }
            merge(&mut tasks, sort);
            if tasks.len() < look_at && sort.key.is_optional() {
                let query = list.without_value(look_at - tasks.len());
                self.read(query, &mut tasks).await?;
            }
        }
        let has_more = tasks.len() > rows;
        tasks.truncate(rows);
        let last = tasks.last().filter(|_| has_more);
        Ok(TaskPage {
            next: last.map(|last| TaskCursor::after(sort, last)),
            tasks,
        })
    }

    async fn read(
        &self,
        query: Select<Entity>,
        tasks: &mut Vec<TaskSummary>,
    ) -> Result<(), StorageError> {
        let rows: Vec<SummaryRow> = query
            .into_model()
            .all(&self.readers)
            .await
            .map_err(|error| database_error("search tasks", error))?;
        for row in rows {
            tasks.push(row.try_into()?);
        }
        Ok(())
    }
}
