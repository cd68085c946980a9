use evertask_core::retention::RetentionCursor;
use evertask_core::storage::StorageError;
use evertask_core::task::TaskId;
use sea_orm::sea_query::{
    Alias, Condition, DynIden, Expr, IntoIden, Order, Query, SelectStatement,
};
use sea_orm::{ConnectionTrait, DbErr, ExprTrait, QueryResult, Value};
use uuid::Uuid;

use crate::database_error::database_error;
use crate::writer::Writer;

/// How many rows one look around passes at most. It bounds each statement, however large the table.
const LOOK_AROUND: u64 = 10_000;

/// A walk through a table, in the order of its key.
#[derive(Debug)]
pub(super) struct Walk {
    table: String,
    key: Key,
    goes: Condition,
    /// Whether the rows are tasks, which others may be about to change.
    is_of_tasks: bool,
}

/// The kind of a table's key, which is the column `id`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Key {
    Number,
    Id,
}

/// The stretch of the table that one look around passes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// Begins after this key.
    after: Option<RetentionCursor>,
    /// Ends with this key; `None` ends with the table.
    pub(super) until: Option<RetentionCursor>,
}

/// What a look around came upon.
#[derive(Debug)]
pub(super) struct Found {
    keys: Vec<RetentionCursor>,
    /// Where to go on.
    pub(super) next: Option<RetentionCursor>,
}

impl Found {
    /// The ids of what was found, if it has ids.
    pub(super) fn ids(&self) -> Vec<Uuid> {
        let ids = self.keys.iter().filter_map(|key| match key {
            RetentionCursor::Id(id) => Some(*id),
            RetentionCursor::Number(_)
            | RetentionCursor::Task(_)
            | RetentionCursor::Surplus(..) => None,
        });
        ids.collect()
    }

    /// Leaves what would weigh too much together with what comes before it to the next batch; the
    /// first row stays, whatever its weight.
    pub(super) fn cut(&mut self, most: u64, weight: impl Fn(Uuid) -> u64) {
        let mut sum = 0_u64;
        let mut fits = |id: &Uuid| {
            sum = sum.saturating_add(weight(*id));
            sum <= most
        };
        let fitting = self.ids().iter().take_while(|id| fits(id)).count().max(1);
        if fitting < self.keys.len() {
            self.keys.truncate(fitting);
            self.next = self.keys.last().copied();
        }
    }
}

impl Walk {
    pub(super) fn through(table: String, key: Key, goes: Condition) -> Self {
        Self {
            table,
            key,
            goes,
            is_of_tasks: false,
        }
    }

    pub(super) fn through_tasks(table: String, goes: Condition) -> Self {
        Self {
            is_of_tasks: true,
            ..Self::through(table, Key::Id, goes)
        }
    }

    /// Measures the next part.
    pub(super) async fn part(
        &self,
        readers: &impl ConnectionTrait,
        after: Option<RetentionCursor>,
    ) -> Result<Part, StorageError> {
        let mut query = self.select(after, None);
        query.limit(1).offset(LOOK_AROUND - 1);
        let until = self.keys(readers, &query).await?.pop();
        Ok(Part { after, until })
    }

    /// Finds the first rows of a part that go.
    pub(super) async fn find(
        &self,
        readers: &impl ConnectionTrait,
        part: &Part,
        limit: u32,
    ) -> Result<Found, StorageError> {
        let mut query = self.select(part.after, part.until);
        query.cond_where(self.goes.clone()).limit(limit.into());
        let keys = self.keys(readers, &query).await?;
        let is_full = u32::try_from(keys.len()).is_ok_and(|found| found == limit);
        let next = match keys.last() {
            Some(last) if is_full => Some(*last),
            Some(_) | None => part.until,
        };
        Ok(Found { keys, next })
    }

    /// Counts the rows of a part that go.
    pub(super) async fn count(
        &self,
        readers: &impl ConnectionTrait,
        part: &Part,
    ) -> Result<u64, StorageError> {
        let doing = "count what would be deleted";
        let query = Query::select()
            .expr_as(Expr::col(self.key()).count(), Alias::new("rows"))
            .from(Alias::new(&self.table))
            .cond_where(self.stretch(part.after, part.until))
            .cond_where(self.goes.clone())
            .take();
        let row = readers
            .query_one(&query)
            .await
            .map_err(|error| database_error(doing, error))?;
        let rows: Option<i64> = row
            .map(|row| row.try_get("", "rows"))
            .transpose()
            .map_err(|error| database_error(doing, error))?;
        Ok(rows
            .and_then(|rows| u64::try_from(rows).ok())
            .unwrap_or_default())
    }

    /// Deletes rows, if they still may go.
    pub(super) async fn delete(&self, writer: &Writer, found: &Found) -> Result<u64, StorageError> {
        if found.keys.is_empty() {
            return Ok(0);
        }
        let keys = found.keys.iter().map(|key| value(*key));
        let delete = Query::delete()
            .from_table(Alias::new(&self.table))
            .and_where(Expr::col(self.key()).is_in(keys))
            .cond_where(self.goes.clone())
            .take();
        let tasks = if self.is_of_tasks {
            found.ids()
        } else {
            Vec::new()
        };
        writer
            .delete("delete what its windows have passed", &tasks, &delete)
            .await
    }

    fn select(
        &self,
        after: Option<RetentionCursor>,
        until: Option<RetentionCursor>,
    ) -> SelectStatement {
        Query::select()
            .column(self.key())
            .from(Alias::new(&self.table))
            .cond_where(self.stretch(after, until))
            .order_by(self.key(), Order::Asc)
            .take()
    }

    fn stretch(&self, after: Option<RetentionCursor>, until: Option<RetentionCursor>) -> Condition {
        Condition::all()
            .add_option(after.map(|key| Expr::col(self.key()).gt(value(key))))
            .add_option(until.map(|key| Expr::col(self.key()).lte(value(key))))
    }

    fn key(&self) -> (DynIden, DynIden) {
        let table = Alias::new(&self.table).into_iden();
        (table, Alias::new("id").into_iden())
    }

    async fn keys(
        &self,
        readers: &impl ConnectionTrait,
        query: &SelectStatement,
    ) -> Result<Vec<RetentionCursor>, StorageError> {
        let doing = "look for what its windows have passed";
        let read = |row: &QueryResult| -> Result<RetentionCursor, DbErr> {
            match self.key {
                Key::Number => row.try_get("", "id").map(RetentionCursor::Number),
                Key::Id => row.try_get::<Uuid>("", "id").map(RetentionCursor::Id),
            }
        };
        let rows = readers.query_all(query).await;
        let keys: Result<_, _> = rows.and_then(|rows| rows.iter().map(read).collect());
        keys.map_err(|error| database_error(doing, error))
    }
}

fn value(key: RetentionCursor) -> Value {
    match key {
        RetentionCursor::Number(number) => number.into(),
        RetentionCursor::Id(id)
        | RetentionCursor::Task(TaskId(id))
        | RetentionCursor::Surplus(TaskId(id), _) => id.into(),
    }
}
