use async_trait::async_trait;
use evertask_core::storage::{ProcessStart, StorageError};
use evertask_entities::task;
use sea_orm::{DatabaseTransaction, TransactionOptions};
use uuid::Uuid;

use super::claim;
use super::insert;
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
        let mut changed = Vec::new();
        let doing = "change tasks";
        for rows in self.packets.split(rows)? {
            let statements = &self.statements;
            let rows = self.packets.rows(rows)?;
            let values = [rows.clone().into()];
            changed.extend(query_ids(transaction, doing, &statements.unchanged, values).await?);
            execute(transaction, doing, &statements.change_tasks, [rows.into()]).await?;
        }
        Ok(changed)
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
    ) -> Result<Left, StorageError> {
        claim::left(self, transaction, lanes).await
    }
}

impl MySqlDialect {
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
