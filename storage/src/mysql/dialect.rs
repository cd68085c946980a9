use async_trait::async_trait;
use evertask_core::storage::{ProcessStart, StorageError};
use evertask_entities::task;
use sea_orm::{DatabaseTransaction, TransactionOptions};
use uuid::Uuid;

use super::claim;
use super::insert::{self, Inserts};
use super::locks::LockNames;
use super::packets::Packets;
use super::statements::Statements;
use crate::dialect::{Candidate, Dialect, Lanes, Left, execute, query, query_ids};
use crate::rows::{Encoding, Row};

/// How groups are written to `MySQL` and `MariaDB`.
///
/// Every connection reads what is committed at the time of each statement (`READ COMMITTED`, set by
/// [`connection`](super::connection)): a range is then locked row by row and not with the gaps in
/// between, for which groups of other processes would wait, often in a circle.
#[derive(Debug)]
pub(super) struct MySqlDialect {
    pub(super) statements: Statements,
    pub(super) packets: Packets,
    pub(super) locks: LockNames,
}

#[async_trait]
impl Dialect for MySqlDialect {
    fn transaction(&self) -> TransactionOptions {
        TransactionOptions::default()
    }

    async fn insert_tasks(
        &self,
        transaction: &DatabaseTransaction,
        rows: &[Row<'_>],
    ) -> Result<Vec<Uuid>, StorageError> {
        let inserts = Inserts {
            statements: &self.statements,
            packets: self.packets,
        };
        insert::insert(inserts, transaction, rows).await
    }

    async fn lock_tasks(
        &self,
        transaction: &DatabaseTransaction,
        ids: &[Uuid],
    ) -> Result<(), StorageError> {
        let values = [self.packets.ids(ids)?.into()];
        let lock = &self.statements.lock_tasks;
        query(transaction, "lock tasks", lock, values).await?;
        Ok(())
    }

    async fn change_tasks(
        &self,
        transaction: &DatabaseTransaction,
        rows: &[Row<'_>],
    ) -> Result<Vec<Uuid>, StorageError> {
        let (find, change) = (&self.statements.unchanged, &self.statements.change_tasks);
        self.update(transaction, "change tasks", [find, change], rows)
            .await
    }

    async fn redefine_tasks(
        &self,
        transaction: &DatabaseTransaction,
        rows: &[Row<'_>],
    ) -> Result<Vec<Uuid>, StorageError> {
        let (find, redefine) = (&self.statements.undefined, &self.statements.redefine_tasks);
        self.update(transaction, "redefine tasks", [find, redefine], rows)
            .await
    }

    async fn insert_audit(
        &self,
        transaction: &DatabaseTransaction,
        rows: &[Row<'_>],
    ) -> Result<(), StorageError> {
        let insert = &self.statements.insert_audit;
        self.write(transaction, "write the audit", insert, rows)
            .await
    }

    async fn insert_attempts(
        &self,
        transaction: &DatabaseTransaction,
        rows: &[Row<'_>],
    ) -> Result<(), StorageError> {
        let insert = &self.statements.insert_attempts;
        self.write(transaction, "write attempts", insert, rows)
            .await
    }

    async fn insert_runs(
        &self,
        transaction: &DatabaseTransaction,
        rows: &[Row<'_>],
    ) -> Result<(), StorageError> {
        let insert = &self.statements.insert_runs;
        self.write(transaction, "write runs", insert, rows).await
    }

    async fn existing_tasks(
        &self,
        transaction: &DatabaseTransaction,
        ids: &[Uuid],
    ) -> Result<Vec<Uuid>, StorageError> {
        let values = [self.packets.ids(ids)?.into()];
        let existing = &self.statements.existing;
        query_ids(transaction, "look for tasks", existing, values).await
    }

    async fn insert_logs(
        &self,
        transaction: &DatabaseTransaction,
        rows: &[Row<'_>],
    ) -> Result<(), StorageError> {
        let insert = &self.statements.insert_logs;
        self.write(transaction, "write log lines", insert, rows)
            .await
    }

    async fn note_group(
        &self,
        transaction: &DatabaseTransaction,
        start: ProcessStart,
        number: i64,
    ) -> Result<(), StorageError> {
        let values = [
            start.id.0.into(),
            Encoding::MySql.instant(start.at),
            number.into(),
            i64::from(std::process::id()).into(),
            number.into(),
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
        claim::candidates(self, transaction, lanes, limit).await
    }

    async fn claim(
        &self,
        transaction: &DatabaseTransaction,
        ids: &[Uuid],
        owner: Uuid,
    ) -> Result<Vec<task::Model>, StorageError> {
        claim::take(self, transaction, ids, owner).await
    }

    async fn left(
        &self,
        transaction: &DatabaseTransaction,
        lanes: Lanes<'_>,
        exhausted: bool,
    ) -> Result<Left, StorageError> {
        claim::left(self, transaction, lanes, exhausted).await
    }
}

impl MySqlDialect {
    /// Finds the rows that have the expected generation, writes them and answers their ids.
    async fn update(
        &self,
        transaction: &DatabaseTransaction,
        doing: &str,
        [find, write]: [&String; 2],
        rows: &[Row<'_>],
    ) -> Result<Vec<Uuid>, StorageError> {
        let mut found = Vec::new();
        for rows in self.packets.split(rows)? {
            let rows = self.packets.rows(rows)?;
            found.extend(query_ids(transaction, doing, find, [rows.clone().into()]).await?);
            execute(transaction, doing, write, [rows.into()]).await?;
        }
        Ok(found)
    }

    /// Inserts rows that are not in the way of others.
    async fn write(
        &self,
        transaction: &DatabaseTransaction,
        doing: &str,
        insert: &str,
        rows: &[Row<'_>],
    ) -> Result<(), StorageError> {
        for rows in self.packets.split(rows)? {
            let values = [self.packets.rows(rows)?.into()];
            execute(transaction, doing, insert, values).await?;
        }
        Ok(())
    }
}
