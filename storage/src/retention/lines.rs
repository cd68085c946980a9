use evertask_core::retention::{LogAge, LogGuard, RetentionScope};
use evertask_core::storage::{StorageError, StorageErrorKind};
use evertask_core::task::DeliveryId;
use evertask_core::time::Timestamp;
use evertask_entities::{Instant, log_line};
use evertask_migration::TablePrefix;
use sea_orm::sea_query::{Alias, Condition, Expr, Order, Query, SelectStatement};
use sea_orm::{ConnectionTrait, DbErr, ExprTrait, FromQueryResult, QueryResult};
use uuid::Uuid;

use super::instant::Instants;
use super::scope;
use crate::database_error::database_error;
use crate::writer::Writer;

/// The table of log lines, as far as it belongs to some tasks.
#[derive(Debug)]
pub(super) struct Lines {
    table: String,
    in_scope: Condition,
    instants: Instants,
}

/// Tasks that follow each other.
#[derive(Clone, Copy, Debug)]
pub(super) enum TaskSpan {
    /// From the first task, or the beginning, up to but without the second, or to the end.
    Between(Option<Uuid>, Option<Uuid>),
    /// One task.
    Only(Uuid),
}

/// What identifies a line.
#[derive(Clone, Copy, Debug, FromQueryResult)]
pub(super) struct LineKey {
    pub(super) task_id: Uuid,
    run: i64,
    delivery: Uuid,
    sequence: i64,
}

#[derive(Debug, FromQueryResult)]
struct TaskRow {
    task_id: Uuid,
}

#[derive(Debug, FromQueryResult)]
struct CountRow {
    task_id: Uuid,
    line_count: i64,
}

#[derive(Debug, FromQueryResult)]
struct AgeRow {
    at: Instant,
    sequence: i64,
    delivery: Uuid,
}

impl Lines {
    pub(super) fn of(prefix: &TablePrefix, instants: Instants, scope: &RetentionScope) -> Self {
        let table = prefix.logs();
        Self {
            in_scope: scope::of_line(prefix, &table, scope),
            table,
            instants,
        }
    }

    /// The task of the line that is so many lines on.
    pub(super) async fn task_at(
        &self,
        readers: &impl ConnectionTrait,
        from: Option<Uuid>,
        lines: u64,
    ) -> Result<Option<Uuid>, StorageError> {
        let rest = Condition::all().add_option(from.map(|from| self.task_id().gte(from)));
        let mut query = self.tasks(rest);
        query.limit(1).offset(lines);
        let row: Option<TaskRow> = all(readers, &query).await?.pop();
        Ok(row.map(|row| row.task_id))
    }

    /// The next task that has lines.
    pub(super) async fn task_after(
        &self,
        readers: &impl ConnectionTrait,
        task: Uuid,
    ) -> Result<Option<Uuid>, StorageError> {
        let mut query = self.tasks(Condition::all().add(self.task_id().gt(task)));
        query.limit(1);
        let row: Option<TaskRow> = all(readers, &query).await?.pop();
        Ok(row.map(|row| row.task_id))
    }

    /// Counts those lines of each task that has more than so many of them.
    pub(super) async fn counted(
        &self,
        readers: &impl ConnectionTrait,
        span: TaskSpan,
        which: Option<Expr>,
        more_than: u64,
    ) -> Result<Vec<(Uuid, u64)>, StorageError> {
        let count = self.column(log_line::Column::Sequence).count();
        let query = Query::select()
            .expr_as(self.task_id(), log_line::Column::TaskId)
            .expr_as(count.clone(), Alias::new("line_count"))
            .from(Alias::new(&self.table))
            .cond_where(self.of_span(span).add_option(which))
            .group_by_col((Alias::new(&self.table), log_line::Column::TaskId))
            .and_having(count.gt(i64::try_from(more_than).unwrap_or(i64::MAX)))
            .order_by_expr(self.task_id(), Order::Asc)
            .take();
        let rows: Vec<CountRow> = all(readers, &query).await?;
        let counted = rows.into_iter().map(|row| {
            let lines = u64::try_from(row.line_count).unwrap_or_default();
            (row.task_id, lines)
        });
        Ok(counted.collect())
    }

    /// Counts all lines of each of these tasks that has any.
    pub(super) async fn counted_of(
        &self,
        readers: &impl ConnectionTrait,
        tasks: Vec<Uuid>,
    ) -> Result<Vec<(Uuid, u64)>, StorageError> {
        let of_tasks = Some(self.of_tasks(tasks));
        self.counted(readers, TaskSpan::ALL, of_tasks, 0).await
    }

    /// Finds the oldest line of a task that is to stay.
    pub(super) async fn oldest_kept(
        &self,
        readers: &impl ConnectionTrait,
        task: Uuid,
        keep: u64,
        aged_before: Option<Timestamp>,
    ) -> Result<Option<LogAge>, StorageError> {
        let young = aged_before.map(|before| self.is_from(before));
        let mut query = Query::select()
            .from(Alias::new(&self.table))
            .cond_where(self.of_span(TaskSpan::Only(task)).add_option(young))
            .limit(1)
            .offset(keep.saturating_sub(1))
            .take();
        for column in [
            log_line::Column::At,
            log_line::Column::Sequence,
            log_line::Column::Delivery,
        ] {
            query.column((Alias::new(&self.table), column));
            query.order_by((Alias::new(&self.table), column), Order::Desc);
        }
        let row: Option<AgeRow> = all(readers, &query).await?.pop();
        row.map(AgeRow::age).transpose()
    }

    /// Finds the first lines that go, in the order of the key.
    pub(super) async fn keys(
        &self,
        readers: &impl ConnectionTrait,
        span: TaskSpan,
        goes: &Expr,
        limit: u32,
    ) -> Result<Vec<LineKey>, StorageError> {
        let mut query = Query::select()
            .from(Alias::new(&self.table))
            .cond_where(self.of_span(span))
            .and_where(goes.clone())
            .limit(limit.into())
            .take();
        for column in [
            log_line::Column::TaskId,
            log_line::Column::Run,
            log_line::Column::Delivery,
            log_line::Column::Sequence,
        ] {
            query.column((Alias::new(&self.table), column));
            query.order_by((Alias::new(&self.table), column), Order::Asc);
        }
        all(readers, &query).await
    }

    /// Finds the first lines of some.
    pub(super) async fn first_keys(
        &self,
        readers: &impl ConnectionTrait,
        which: Expr,
        limit: u32,
    ) -> Result<Vec<LineKey>, StorageError> {
        self.keys(readers, TaskSpan::ALL, &which, limit).await
    }

    /// Deletes lines, if they still may go.
    pub(super) async fn delete(
        &self,
        writer: &Writer,
        keys: &[LineKey],
        goes: Expr,
    ) -> Result<u64, StorageError> {
        if keys.is_empty() {
            return Ok(0);
        }
        let deliveries = keys.chunk_by(LineKey::is_of_delivery_of);
        let these = deliveries.fold(Condition::any(), |any, lines| any.add(self.these(lines)));
        let delete = Query::delete()
            .from_table(Alias::new(&self.table))
            .cond_where(these)
            .and_where(goes)
            .take();
        writer.delete("delete old log lines", &[], &delete).await
    }

    /// Says which lines hold their task, if any does: in which table, and which of them.
    pub(super) fn holding(&self, guard: LogGuard) -> Option<(&str, Option<Expr>)> {
        match guard {
            LogGuard::None => None,
            LogGuard::Any => Some((&self.table, None)),
            LogGuard::From(instant) => Some((&self.table, Some(self.is_from(instant)))),
        }
    }

    pub(super) fn of_tasks(&self, tasks: Vec<Uuid>) -> Expr {
        self.task_id().is_in(tasks)
    }

    pub(super) fn is_before(&self, instant: Timestamp) -> Expr {
        self.column(log_line::Column::At)
            .lt(self.instants.value(instant))
    }

    pub(super) fn is_from(&self, instant: Timestamp) -> Expr {
        self.column(log_line::Column::At)
            .gte(self.instants.value(instant))
    }

    pub(super) fn is_older(&self, than: LogAge) -> Expr {
        let sequence = i64::from(than.sequence);
        let at_once = self
            .column(log_line::Column::At)
            .eq(self.instants.value(than.at));
        let lower = self.column(log_line::Column::Sequence).lt(sequence);
        let as_low = self.column(log_line::Column::Sequence).eq(sequence);
        let earlier = self.column(log_line::Column::Delivery).lt(than.delivery.0);
        self.is_before(than.at)
            .or(at_once.and(lower.or(as_low.and(earlier))))
    }

    /// Lines of one delivery.
    fn these(&self, lines: &[LineKey]) -> Condition {
        let sequences = lines.iter().map(|line| line.sequence);
        let these = Condition::all().add(self.column(log_line::Column::Sequence).is_in(sequences));
        lines.iter().take(1).fold(these, |these, line| {
            these
                .add(self.task_id().eq(line.task_id))
                .add(self.column(log_line::Column::Run).eq(line.run))
                .add(self.column(log_line::Column::Delivery).eq(line.delivery))
        })
    }

    /// The tasks that lines belong to, in order, each as often as it has lines.
    fn tasks(&self, which: Condition) -> SelectStatement {
        Query::select()
            .expr_as(self.task_id(), log_line::Column::TaskId)
            .from(Alias::new(&self.table))
            .cond_where(which)
            .order_by_expr(self.task_id(), Order::Asc)
            .take()
    }

    fn of_span(&self, span: TaskSpan) -> Condition {
        let span = match span {
            TaskSpan::Between(from, before) => Condition::all()
                .add_option(from.map(|from| self.task_id().gte(from)))
                .add_option(before.map(|before| self.task_id().lt(before))),
            TaskSpan::Only(task) => Condition::all().add(self.task_id().eq(task)),
        };
        span.add(self.in_scope.clone())
    }

    fn task_id(&self) -> Expr {
        self.column(log_line::Column::TaskId)
    }

    fn column(&self, column: log_line::Column) -> Expr {
        Expr::col((Alias::new(&self.table), column))
    }
}

impl TaskSpan {
    const ALL: Self = Self::Between(None, None);

    /// The task that follows, if there is one.
    pub(super) fn next(self) -> Option<Uuid> {
        match self {
            Self::Between(_, before) => before,
            Self::Only(_) => None,
        }
    }
}

impl LineKey {
    fn is_of_delivery_of(&self, other: &Self) -> bool {
        (self.task_id, self.run, self.delivery) == (other.task_id, other.run, other.delivery)
    }
}

impl AgeRow {
    fn age(self) -> Result<LogAge, StorageError> {
        let at = Timestamp::from_timestamp_micros(self.at.0);
        let age = at.zip(u32::try_from(self.sequence).ok());
        let (at, sequence) = age.ok_or_else(|| {
            let doing = "read the age of a log line";
            StorageError::new(StorageErrorKind::Unusable, doing)
        })?;
        Ok(LogAge {
            at,
            sequence,
            delivery: DeliveryId(self.delivery),
        })
    }
}

async fn all<T: FromQueryResult>(
    readers: &impl ConnectionTrait,
    query: &SelectStatement,
) -> Result<Vec<T>, StorageError> {
    let rows = readers.query_all(query).await;
    let read = |row: &QueryResult| T::from_query_result(row, "");
    let rows: Result<_, DbErr> = rows.and_then(|rows| rows.iter().map(read).collect());
    rows.map_err(|error| database_error("look for old log lines", error))
}
