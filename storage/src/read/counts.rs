use evertask_core::storage::StorageError;
use evertask_core::storage::query::{CappedCount, QueueCount, TaskFilter};
use evertask_core::time::Timestamp;
use evertask_entities::task::{Column, Entity};
use evertask_entities::under;
use sea_orm::sea_query::{Alias, Asterisk, Expr, ExprTrait, Func, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QuerySelect,
    QueryTrait,
};

use super::Reads;
use super::filter::condition;
use crate::database_error::database_error;
use crate::record::{UnreadableRow, named};

impl Reads {
    pub(super) async fn count_tasks(
        &self,
        filter: &TaskFilter,
        cap: u32,
    ) -> Result<CappedCount, StorageError> {
        if filter.is_unmatchable() {
            return Ok(CappedCount::of(0, cap));
        }
        let found = Entity::find()
            .select_only()
            .expr(Expr::value(1))
            .filter(condition(filter, None, self.wording))
            .limit(u64::from(cap) + 1);
        let found = under(found, &self.prefix.tasks()).into_query();
        let query = Query::select()
            .expr(Func::count(Expr::col(Asterisk)))
            .from_subquery(found, Alias::new("found"))
            .take();
        let row = self
            .readers
            .query_one(&query)
            .await
            .map_err(|error| database_error("count tasks", error))?;
        let counted: i64 = match row {
            None => 0,
            Some(row) => row
                .try_get_by_index(0)
                .map_err(|error| database_error("count tasks", error))?,
        };
        Ok(CappedCount::of(counted.unsigned_abs(), cap))
    }

    pub(super) async fn count_by_queue(
        &self,
        created_from: Option<Timestamp>,
    ) -> Result<Vec<QueueCount>, StorageError> {
        let mut query = Entity::find()
            .select_only()
            .columns([Column::Queue, Column::Status])
            .column_as(Column::Id.count(), "count");
        // The tasks of a stretch of time are found by it and then grouped. SQLite would rather read
        // all tasks in the order of an index that groups them.
        for column in [Column::Queue, Column::Status] {
            let column = column.into_expr();
            query = query.group_by(match created_from {
                Some(_) => self.wording.without_index(column),
                None => column,
            });
        }
        if let Some(from) = created_from {
            let from = self.wording.instant(from);
            query = query.filter(Column::CreatedAt.into_expr().gte(from));
        }
        let rows: Vec<CountRow> = under(query, &self.prefix.tasks())
            .into_model()
            .all(&self.readers)
            .await
            .map_err(|error| database_error("count tasks by queue and status", error))?;
        let counts: Result<Vec<QueueCount>, UnreadableRow> =
            rows.into_iter().map(TryInto::try_into).collect();
        let mut counts = counts?;
        counts.sort_unstable();
        Ok(counts)
    }
}

/// How many tasks of a queue have a status.
#[derive(Debug, FromQueryResult)]
struct CountRow {
    queue: String,
    status: String,
    count: i64,
}

impl TryFrom<CountRow> for QueueCount {
    type Error = UnreadableRow;

    fn try_from(row: CountRow) -> Result<Self, UnreadableRow> {
        Ok(Self {
            queue: row.queue,
            status: named("status", &row.status)?,
            count: row.count.unsigned_abs(),
        })
    }
}
