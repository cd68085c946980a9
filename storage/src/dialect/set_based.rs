//! The dialect of databases that take each step in one statement with one JSON parameter.
//!
//! Such a statement is the same text for one row and for a thousand: prepared once, cached by the
//! driver, without a limit on parameters. The alternative, a statement of many `VALUES`, is another
//! text for every number of rows and no faster.

use async_trait::async_trait;
use evertask_core::storage::{ProcessStart, QueueSelector, StorageError};
use evertask_entities::{Instant, task};
use sea_orm::{DatabaseTransaction, FromQueryResult, TransactionOptions, Value};
use uuid::Uuid;

use super::{Candidate, Dialect, Lanes, Left, execute, query_as, query_ids};
use crate::record;
use crate::rows::{Cell, Encoding, Row, json, json_row, saturated, saturated_lanes};

/// Writes groups with statements that are given.
#[derive(Debug)]
pub(crate) struct SetBased {
    pub(crate) statements: Statements,
    pub(crate) encoding: Encoding,
    /// How the transaction of a group begins.
    pub(crate) transaction: TransactionOptions,
}

/// The statements for the tables of one prefix, with numbered parameters.
#[derive(Clone, Debug)]
pub(crate) struct Statements {
    /// `1` rows. Answers the ids that were not there before.
    pub(crate) insert_tasks: String,
    /// `1` sorted ids; none if a transaction holds everything anyway.
    pub(crate) lock_tasks: Option<String>,
    /// `1` rows. Answers the ids that had the expected generation.
    pub(crate) change_tasks: String,
    /// `1` rows. Answers the ids that had the expected generation.
    pub(crate) redefine_tasks: String,
    /// `1` rows.
    pub(crate) insert_audit: String,
    /// `1` rows.
    pub(crate) insert_attempts: String,
    /// `1` rows.
    pub(crate) insert_runs: String,
    /// `1` rows.
    pub(crate) insert_logs: String,
    /// `1` ids. Answers those that are there.
    pub(crate) existing_tasks: String,
    /// `1` process, `2` its start, `3` number of the group, `4` pid.
    pub(crate) note_group: String,
    /// `1` dead owners, `2` queues, `3` the horizon, `4` saturated types, `5` saturated keys, each after its
    /// type, `6` saturated lanes, `7` limit, `8` the worth of a step of priority in microseconds: the next
    /// rows of these queues.
    pub(crate) candidates_of: String,
    /// The same of every queue but these.
    pub(crate) candidates_except: String,
    /// `1` ids, `2` new owner. Answers the rows.
    pub(crate) claim: String,
    /// `1` dead owners, `2` queues, `3` the horizon, `4` saturated types, `5` saturated keys, `6` saturated
    /// lanes, `7` whether to look at what is due: `next`, when the next row of these queues becomes
    /// available, `is_due`, whether one is due that another transaction holds, `is_saturated`, whether one
    /// is due that is, and `throttled`, the saturated lanes that have one, as JSON.
    pub(crate) next_of: String,
    /// The same of every queue but these.
    pub(crate) next_except: String,
}

/// [`Left`], as a statement answers it.
#[derive(FromQueryResult)]
struct LeftRow {
    next: Option<Instant>,
    is_due: bool,
    is_saturated: bool,
    throttled: Option<String>,
}

#[async_trait]
impl Dialect for SetBased {
    fn transaction(&self) -> TransactionOptions {
        self.transaction
    }

    async fn insert_tasks(
        &self,
        transaction: &DatabaseTransaction,
        rows: &[Row<'_>],
    ) -> Result<Vec<Uuid>, StorageError> {
        let values = [self.rows(rows)?];
        query_ids(
            transaction,
            "insert tasks",
            &self.statements.insert_tasks,
            values,
        )
        .await
    }

    async fn lock_tasks(
        &self,
        transaction: &DatabaseTransaction,
        ids: &[Uuid],
    ) -> Result<(), StorageError> {
        if let Some(sql) = &self.statements.lock_tasks {
            execute(transaction, "lock tasks", sql, [self.ids(ids)?]).await?;
        }
        Ok(())
    }

    async fn change_tasks(
        &self,
        transaction: &DatabaseTransaction,
        rows: &[Row<'_>],
    ) -> Result<Vec<Uuid>, StorageError> {
        let values = [self.rows(rows)?];
        query_ids(
            transaction,
            "change tasks",
            &self.statements.change_tasks,
            values,
        )
        .await
    }

    async fn redefine_tasks(
        &self,
        transaction: &DatabaseTransaction,
        rows: &[Row<'_>],
    ) -> Result<Vec<Uuid>, StorageError> {
        let values = [self.rows(rows)?];
        let sql = &self.statements.redefine_tasks;
        query_ids(transaction, "redefine tasks", sql, values).await
    }

    async fn insert_audit(
        &self,
        transaction: &DatabaseTransaction,
        rows: &[Row<'_>],
    ) -> Result<(), StorageError> {
        let values = [self.rows(rows)?];
        execute(
            transaction,
            "write the audit",
            &self.statements.insert_audit,
            values,
        )
        .await?;
        Ok(())
    }

    async fn insert_attempts(
        &self,
        transaction: &DatabaseTransaction,
        rows: &[Row<'_>],
    ) -> Result<(), StorageError> {
        let values = [self.rows(rows)?];
        execute(
            transaction,
            "write attempts",
            &self.statements.insert_attempts,
            values,
        )
        .await?;
        Ok(())
    }

    async fn insert_runs(
        &self,
        transaction: &DatabaseTransaction,
        rows: &[Row<'_>],
    ) -> Result<(), StorageError> {
        let values = [self.rows(rows)?];
        execute(
            transaction,
            "write runs",
            &self.statements.insert_runs,
            values,
        )
        .await?;
        Ok(())
    }

    async fn insert_logs(
        &self,
        transaction: &DatabaseTransaction,
        rows: &[Row<'_>],
    ) -> Result<(), StorageError> {
        let values = [self.rows(rows)?];
        let sql = &self.statements.insert_logs;
        execute(transaction, "write log lines", sql, values).await?;
        Ok(())
    }

    async fn existing_tasks(
        &self,
        transaction: &DatabaseTransaction,
        ids: &[Uuid],
    ) -> Result<Vec<Uuid>, StorageError> {
        let values = [self.ids(ids)?];
        let sql = &self.statements.existing_tasks;
        query_ids(transaction, "look for tasks", sql, values).await
    }

    async fn note_group(
        &self,
        transaction: &DatabaseTransaction,
        start: ProcessStart,
        number: i64,
    ) -> Result<(), StorageError> {
        let values: [Value; 4] = [
            start.id.0.into(),
            self.encoding.instant(start.at),
            number.into(),
            i64::from(std::process::id()).into(),
        ];
        let doing = "note the number of the group";
        execute(transaction, doing, &self.statements.note_group, values).await?;
        Ok(())
    }

    async fn candidates(
        &self,
        transaction: &DatabaseTransaction,
        lanes: Lanes<'_>,
        limit: i64,
    ) -> Result<Vec<Candidate>, StorageError> {
        let sql = match lanes.queues {
            QueueSelector::Only(_) => &self.statements.candidates_of,
            QueueSelector::AllExcept(_) => &self.statements.candidates_except,
        };
        let ageing = lanes.ageing_us().into();
        let [dead, queues, horizon, tasks, keys, limits] = self.lanes(lanes)?;
        let values = [
            dead,
            queues,
            horizon,
            tasks,
            keys,
            limits,
            limit.into(),
            ageing,
        ];
        query_as(transaction, "look for tasks to claim", sql, values).await
    }

    async fn claim(
        &self,
        transaction: &DatabaseTransaction,
        ids: &[Uuid],
        owner: Uuid,
    ) -> Result<Vec<task::Model>, StorageError> {
        let values = [self.ids(ids)?, owner.into()];
        query_as(transaction, "claim tasks", &self.statements.claim, values).await
    }

    async fn left(
        &self,
        transaction: &DatabaseTransaction,
        lanes: Lanes<'_>,
        exhausted: bool,
    ) -> Result<Left, StorageError> {
        let sql = match lanes.queues {
            QueueSelector::Only(_) => &self.statements.next_of,
            QueueSelector::AllExcept(_) => &self.statements.next_except,
        };
        let [dead, queues, horizon, tasks, keys, limits] = self.lanes(lanes)?;
        let exhausted = exhausted.into();
        let values = [dead, queues, horizon, tasks, keys, limits, exhausted];
        let doing = "look for the next task that becomes available";
        let left: Vec<LeftRow> = query_as(transaction, doing, sql, values).await?;
        left.into_iter()
            .next()
            .map_or_else(|| Ok(Left::default()), LeftRow::read)
    }
}

impl LeftRow {
    fn read(self) -> Result<Left, StorageError> {
        let throttled = self.throttled.as_deref();
        let throttled = throttled.map(|lanes| record::json("throttled", lanes));
        Ok(Left {
            next: self.next,
            is_due: self.is_due,
            is_saturated: self.is_saturated,
            throttled: throttled.transpose()?.unwrap_or_default(),
        })
    }
}

impl SetBased {
    fn rows(&self, rows: &[Row<'_>]) -> Result<Value, StorageError> {
        Ok(json(rows, self.encoding)?.into())
    }

    fn ids(&self, ids: &[Uuid]) -> Result<Value, StorageError> {
        let ids: Row<'_> = ids.iter().copied().map(Cell::Id).collect();
        Ok(json_row(&ids, self.encoding)?.into())
    }

    /// The dead owners, the names of the queues, the horizon, and what is saturated.
    fn lanes(&self, lanes: Lanes<'_>) -> Result<[Value; 6], StorageError> {
        let queues = match lanes.queues {
            QueueSelector::Only(queue) => std::slice::from_ref(queue),
            QueueSelector::AllExcept(queues) => queues.as_slice(),
        };
        let queues: Row<'_> = queues.iter().map(|queue| queue.as_str().into()).collect();
        let queues = json_row(&queues, self.encoding)?;
        let (tasks, keys) = saturated(lanes.saturated);
        let limits = saturated_lanes(lanes.saturated);
        Ok([
            self.ids(lanes.dead)?,
            queues.into(),
            self.encoding.instant(lanes.horizon),
            json_row(&tasks, self.encoding)?.into(),
            json(&keys, self.encoding)?.into(),
            json_row(&limits, self.encoding)?.into(),
        ])
    }
}
