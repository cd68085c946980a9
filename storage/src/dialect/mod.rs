//! What each database has to be told in its own words: the writes of many rows at once, and claims.

mod set_based;

use std::collections::HashSet;
use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use evertask_core::concurrency::{QuotaKeys, Saturated};
use evertask_core::rank::MAX_AGEING;
use evertask_core::storage::{ProcessStart, QueueSelector, StorageError};
use evertask_core::time::Timestamp;
use evertask_entities::{Instant, task};
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbErr, ExecResult, FromQueryResult, QueryResult,
    Statement, TransactionOptions, Value,
};
use uuid::Uuid;

pub(crate) use self::set_based::{SetBased, Statements};
use crate::database_error::database_error;
use crate::rows::Row;

/// Says that a row is open and nothing but its owner and its time can keep it from being claimed.
///
/// These are the words of the partial index `claims`: a database uses it for a query that says
/// them.
pub(crate) const CLAIMABLE: &str = "available_at IS NOT NULL AND wait_reason IS NULL \
     AND status <> 'Cancelled' \
     AND (status NOT IN ('Completed', 'Failed') OR next_run_at IS NOT NULL)";

/// The statements of one database, for the tables of one prefix.
///
/// A step may take a database more than one statement. All of them run in the transaction of a
/// group, and groups of several processes may run at once unless [`transaction`](Self::transaction)
/// keeps them apart; a row that a step decides about is locked until the end.
#[async_trait]
pub(crate) trait Dialect: Debug + Send + Sync {
    /// How the transaction of a group begins.
    fn transaction(&self) -> TransactionOptions;

    /// Inserts the tasks whose id, active key and occurrence are free and answers their ids. Of two
    /// rows that want the same, the first is inserted. Columns are those of [`fields::task`](crate::fields::task).
    async fn insert_tasks(
        &self,
        transaction: &DatabaseTransaction,
        rows: &[Row<'_>],
    ) -> Result<Vec<Uuid>, StorageError>;

    /// Locks the rows that the changes, redefinitions and cancels of a group will decide about, all at once and in
    /// the order of their ids: two groups that want the same rows then wait for each other and never
    /// in a circle. The ids are sorted.
    async fn lock_tasks(
        &self,
        transaction: &DatabaseTransaction,
        ids: &[Uuid],
    ) -> Result<(), StorageError>;

    /// Changes the rows that have the expected generation and answers their ids. All rows are of
    /// different tasks: id, expected generation, new generation, and
    /// [`STATE`](crate::fields::STATE).
    async fn change_tasks(
        &self,
        transaction: &DatabaseTransaction,
        rows: &[Row<'_>],
    ) -> Result<Vec<Uuid>, StorageError>;

    /// Gives the rows that have the expected generation other work and answers their ids. All rows
    /// are of different tasks: columns [`fields::task`](crate::fields::task), and the expected
    /// generation.
    async fn redefine_tasks(
        &self,
        transaction: &DatabaseTransaction,
        rows: &[Row<'_>],
    ) -> Result<Vec<Uuid>, StorageError>;

    /// Appends lines to the status audit, in this order: columns
    /// [`AUDIT`](crate::fields::AUDIT).
    async fn insert_audit(
        &self,
        transaction: &DatabaseTransaction,
        rows: &[Row<'_>],
    ) -> Result<(), StorageError>;

    /// Inserts the attempts whose id is not there: columns [`ATTEMPT`](crate::fields::ATTEMPT).
    async fn insert_attempts(
        &self,
        transaction: &DatabaseTransaction,
        rows: &[Row<'_>],
    ) -> Result<(), StorageError>;

    /// Inserts the runs whose id is not there: columns [`RUN`](crate::fields::RUN).
    async fn insert_runs(
        &self,
        transaction: &DatabaseTransaction,
        rows: &[Row<'_>],
    ) -> Result<(), StorageError>;

    /// Answers which of these tasks there are.
    async fn existing_tasks(
        &self,
        transaction: &DatabaseTransaction,
        ids: &[Uuid],
    ) -> Result<Vec<Uuid>, StorageError>;

    /// Inserts the log lines whose place is free: columns [`LOG`](crate::fields::LOG).
    async fn insert_logs(
        &self,
        transaction: &DatabaseTransaction,
        rows: &[Row<'_>],
    ) -> Result<(), StorageError>;

    /// Notes the number of a group in the row of its process, which is made if there is none.
    async fn note_group(
        &self,
        transaction: &DatabaseTransaction,
        start: ProcessStart,
        number: i64,
    ) -> Result<(), StorageError>;

    /// Finds the next rows to claim in the order of their ranks, at most `limit`, and locks them.
    /// Rows that another transaction holds are passed over, and so is what is saturated.
    async fn candidates(
        &self,
        transaction: &DatabaseTransaction,
        lanes: Lanes<'_>,
        limit: i64,
    ) -> Result<Vec<Candidate>, StorageError>;

    /// Gives rows to an owner and answers them as they are then, in any order.
    ///
    /// A row between two attempts is in progress without an owner and stays so; of a dead owner, it
    /// begins anew.
    async fn claim(
        &self,
        transaction: &DatabaseTransaction,
        ids: &[Uuid],
        owner: Uuid,
    ) -> Result<Vec<task::Model>, StorageError>;

    /// Looks at what a claim has left; at what is due only if it took all that is not saturated.
    async fn left(
        &self,
        transaction: &DatabaseTransaction,
        lanes: Lanes<'_>,
        exhausted: bool,
    ) -> Result<Left, StorageError>;
}

/// Where a claim may take from: the rows of nobody and of the dead, in some queues.
///
/// A *lane* is what one owner has in one queue at one priority under one limit key, or without one: a
/// stretch of the index `claims` that is in the order of a claim. A claim merges the heads of its lanes
/// by rank, so its cost depends on how many lanes there are and how many rows it takes, not on how many
/// rows are stored. The lanes of limit keys without budget are left out before any of their rows is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lanes<'a> {
    pub(crate) dead: &'a [Uuid],
    pub(crate) queues: &'a QueueSelector,
    /// Until when its rows have to be due.
    pub(crate) horizon: Timestamp,
    /// How much waiting a step of priority is worth.
    pub(crate) ageing: Duration,
    /// What is passed over.
    pub(crate) saturated: &'a Saturated,
}

impl Lanes<'_> {
    /// The worth of a step of priority, in microseconds.
    pub(crate) fn ageing_us(&self) -> i64 {
        i64::try_from(self.ageing.min(MAX_AGEING).as_micros()).unwrap_or(i64::MAX)
    }
}

/// A row that may be claimed, as it is before.
#[derive(Debug, FromQueryResult)]
pub(crate) struct Candidate {
    pub(crate) id: Uuid,
    /// Dead, if there is one.
    pub(crate) owner: Option<Uuid>,
    pub(crate) status: String,
    /// The length of the payload.
    pub(crate) bytes: i64,
    pub(crate) task: String,
    pub(crate) concurrency_key: Option<String>,
    /// None in the general lane, where a row may have one that no version gave a lane.
    pub(crate) limit_key: Option<String>,
}

impl Candidate {
    /// What it counts against.
    pub(crate) fn keys(&self) -> QuotaKeys<'_> {
        QuotaKeys {
            task: &self.task,
            concurrency_key: self.concurrency_key.as_deref(),
            limit_key: self.limit_key.as_deref(),
        }
    }
}

/// What a claim that took all it found has left.
#[derive(Clone, Debug, Default)]
pub(crate) struct Left {
    /// When the next row that is not due becomes claimable.
    pub(crate) next: Option<Instant>,
    /// Whether rows are due that were passed over because another transaction holds them.
    pub(crate) is_due: bool,
    /// Whether rows are due, in lanes with budget, that were passed over because they are saturated.
    pub(crate) is_saturated: bool,
    /// The limit lanes without budget that have rows which are due.
    pub(crate) throttled: HashSet<String>,
}

/// Runs a statement that answers rows.
pub(crate) async fn query<C: ConnectionTrait, const N: usize>(
    connection: &C,
    doing: &str,
    sql: &str,
    values: [Value; N],
) -> Result<Vec<QueryResult>, StorageError> {
    connection
        .query_all_raw(statement(connection, sql, values))
        .await
        .map_err(|error| database_error(doing, error))
}

/// Runs a statement that answers rows of one kind.
pub(crate) async fn query_as<T: FromQueryResult, const N: usize>(
    transaction: &DatabaseTransaction,
    doing: &str,
    sql: &str,
    values: [Value; N],
) -> Result<Vec<T>, StorageError> {
    let rows = query(transaction, doing, sql, values).await?;
    rows.iter()
        .map(|row| T::from_query_result(row, ""))
        .collect::<Result<_, _>>()
        .map_err(|error| database_error(doing, error))
}

/// Runs a statement that answers the ids it wrote.
pub(crate) async fn query_ids<C: ConnectionTrait, const N: usize>(
    connection: &C,
    doing: &str,
    sql: &str,
    values: [Value; N],
) -> Result<Vec<Uuid>, StorageError> {
    let rows = query(connection, doing, sql, values).await?;
    rows.iter()
        .map(|row| row.try_get("", "id"))
        .collect::<Result<_, DbErr>>()
        .map_err(|error| database_error(doing, error))
}

/// Runs a statement that answers nothing.
pub(crate) async fn execute<const N: usize>(
    transaction: &DatabaseTransaction,
    doing: &str,
    sql: &str,
    values: [Value; N],
) -> Result<ExecResult, StorageError> {
    transaction
        .execute_raw(statement(transaction, sql, values))
        .await
        .map_err(|error| database_error(doing, error))
}

fn statement<C: ConnectionTrait, const N: usize>(
    connection: &C,
    sql: &str,
    values: [Value; N],
) -> Statement {
    Statement::from_sql_and_values(connection.get_database_backend(), sql, values)
}
