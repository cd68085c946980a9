use evertask_core::storage::{Answer, StorageError, StorageErrorKind, Write, WriteGroup};
use evertask_migration::TablePrefix;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, QueryResult, Statement, Value};
use uuid::Uuid;

use super::rows::{Row, json};
use super::statements::Statements;
use crate::database_error::database_error;

/// What every group of one session is applied with.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) statements: Statements,
    pub(super) prefix: TablePrefix,
    /// This process.
    pub(super) me: Uuid,
    /// The owners whose rows are taken as if they had none.
    pub(super) dead: Vec<Uuid>,
}

/// A group of writes being applied in a transaction.
///
/// Audit and attempts of all its writes are collected and written at the end, each in one statement.
pub(super) struct Group<'a> {
    pub(super) setting: &'a Setting,
    pub(super) transaction: &'a DatabaseTransaction,
    pub(super) audit: Vec<Row<'static>>,
    pub(super) attempts: Vec<Row<'static>>,
    /// Whether anything is different now.
    pub(super) has_written: bool,
}

impl<'a> Group<'a> {
    pub(super) fn new(setting: &'a Setting, transaction: &'a DatabaseTransaction) -> Self {
        Self {
            setting,
            transaction,
            audit: Vec::new(),
            attempts: Vec::new(),
            has_written: false,
        }
    }

    /// Applies the writes in the order the contract says and answers them in the order given.
    pub(super) async fn apply(&mut self, group: &WriteGroup) -> Result<Vec<Answer>, StorageError> {
        let (mut inserts, mut changes, mut cancels) = (Vec::new(), Vec::new(), Vec::new());
        let (mut reconsiderations, mut claims) = (Vec::new(), Vec::new());
        for write in &group.writes {
            match write {
                Write::Insert(insert) => inserts.push(insert.as_ref()),
                Write::Change(change) => changes.push(change.as_ref()),
                Write::Cancel(cancel) => cancels.push(cancel),
                Write::Reconsider(reconsideration) => reconsiderations.push(reconsideration),
                Write::Claim(claim) => claims.push(claim),
            }
        }
        let mut inserted = self.insert(&inserts).await?.into_iter();
        let mut moved_on = self.change(&changes).await?.into_iter();
        let mut cancelled = self.cancel(&cancels).await?.into_iter();
        self.reconsider(&reconsiderations).await?;
        let mut claimed = self.claim(&claims).await?.into_iter();
        self.write_history().await?;
        let answers = group.writes.iter().map(|write| match write {
            Write::Insert(_) => inserted.next().map(Answer::Insert),
            Write::Change(_) => moved_on.next().map(Answer::Change),
            Write::Cancel(_) => cancelled.next().map(Answer::Cancel),
            Write::Reconsider(_) => Some(Answer::Reconsidered),
            Write::Claim(_) => claimed.next().map(Answer::Claim),
        });
        answers.collect::<Option<Vec<_>>>().ok_or_else(|| {
            StorageError::new(StorageErrorKind::Rejected, "answer every write of a group")
        })
    }

    async fn write_history(&mut self) -> Result<(), StorageError> {
        let statements = &self.setting.statements;
        if !self.audit.is_empty() {
            let rows = json(&self.audit)?;
            self.query("write the audit", &statements.insert_audit, [rows.into()])
                .await?;
        }
        if !self.attempts.is_empty() {
            let rows = json(&self.attempts)?;
            self.query("write attempts", &statements.insert_attempts, [rows.into()])
                .await?;
        }
        Ok(())
    }

    pub(super) async fn query<const N: usize>(
        &self,
        doing: &str,
        sql: &str,
        values: [Value; N],
    ) -> Result<Vec<QueryResult>, StorageError> {
        self.transaction
            .query_all_raw(statement(sql, values))
            .await
            .map_err(|error| database_error(doing, error))
    }

    /// Runs a statement that answers the ids it wrote.
    pub(super) async fn query_ids<const N: usize>(
        &self,
        doing: &str,
        sql: &str,
        values: [Value; N],
    ) -> Result<Vec<Uuid>, StorageError> {
        let rows = self.query(doing, sql, values).await?;
        rows.iter()
            .map(|row| row.try_get("", "id"))
            .collect::<Result<_, _>>()
            .map_err(|error| database_error(doing, error))
    }
}

pub(super) fn statement<const N: usize>(sql: &str, values: [Value; N]) -> Statement {
    Statement::from_sql_and_values(DbBackend::Sqlite, sql, values)
}
