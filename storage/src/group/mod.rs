//! A group of writes, applied in one transaction.

mod cancel;
mod change;
mod claim;
mod delete;
mod insert;
mod insert_all;
mod logs;
mod queues;
mod reconsider;
mod redefine;
mod statement;

use std::collections::BTreeSet;

use evertask_core::storage::{
    Answer, AppendLogs, CancelTask, DeleteTask, Redefinition, RowChange, StorageError,
    StorageErrorKind, Write, WriteGroup,
};
use evertask_migration::TablePrefix;
use sea_orm::DatabaseTransaction;
use uuid::Uuid;

use crate::dialect::Dialect;
use crate::liveness::Liveness;
use crate::rows::Row;

/// What every group of one session is applied with.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) dialect: Box<dyn Dialect>,
    pub(crate) liveness: Box<dyn Liveness>,
    pub(crate) prefix: TablePrefix,
    /// This process.
    pub(crate) me: Uuid,
    /// The owners that were found dead when the storage was opened; their rows are taken as if they
    /// had none.
    pub(crate) dead: Vec<Uuid>,
}

/// A group of writes being applied in a transaction.
///
/// Audit, attempts and runs of its writes are collected and written at the end, each in one statement.
pub(crate) struct Group<'a> {
    setting: &'a Setting,
    transaction: &'a DatabaseTransaction,
    audit: Vec<Row<'static>>,
    attempts: Vec<Row<'static>>,
    runs: Vec<Row<'static>>,
    /// Whose rows may be taken, once that has been asked.
    dead: Option<Vec<Uuid>>,
    /// Whether anything is different now.
    pub(crate) has_written: bool,
}

impl<'a> Group<'a> {
    pub(crate) fn new(setting: &'a Setting, transaction: &'a DatabaseTransaction) -> Self {
        Self {
            setting,
            transaction,
            audit: Vec::new(),
            attempts: Vec::new(),
            runs: Vec::new(),
            dead: None,
            has_written: false,
        }
    }

    /// Applies the writes in the order the contract says and answers them in the order given.
    pub(crate) async fn apply(&mut self, group: &WriteGroup) -> Result<Vec<Answer>, StorageError> {
        let (mut inserts, mut changes, mut cancels) = (Vec::new(), Vec::new(), Vec::new());
        let (mut redefinitions, mut all_or_nothing) = (Vec::new(), Vec::new());
        let (mut logs, mut reconsiderations, mut claims) = (Vec::new(), Vec::new(), Vec::new());
        let (mut deletions, mut queues) = (Vec::new(), Vec::new());
        for write in &group.writes {
            match write {
                Write::Insert(insert) => inserts.push(insert.as_ref()),
                Write::InsertAll(tasks) => all_or_nothing.push(tasks.as_slice()),
                Write::Change(change) => changes.push(change.as_ref()),
                Write::Redefine(redefinition) => redefinitions.push(redefinition.as_ref()),
                Write::AppendLogs(append) => logs.push(append),
                Write::Cancel(cancel) => cancels.push(cancel),
                Write::Delete(delete) => deletions.push(delete.as_ref()),
                Write::Reconsider(reconsideration) => reconsiderations.push(reconsideration),
                Write::ChangeQueue(change) => queues.push(change),
                Write::Claim(claim) => claims.push(claim),
            }
        }
        let mut inserted = self.insert(&inserts).await?.into_iter();
        let mut inserted_all = self.insert_all(&all_or_nothing).await?.into_iter();
        self.lock(&changes, &redefinitions, &logs, &cancels, &deletions)
            .await?;
        let mut moved_on = self.change(&changes).await?.into_iter();
        let mut redefined = self.redefine(&redefinitions).await?.into_iter();
        let mut logged = self.append_logs(&logs).await?.into_iter();
        let mut cancelled = self.cancel(&cancels).await?.into_iter();
        let mut deleted = self.delete(&deletions).await?.into_iter();
        self.reconsider(&reconsiderations).await?;
        let mut queues_changed = self.change_queues(&queues).await?.into_iter();
        let mut claimed = self.claim(&claims).await?.into_iter();
        self.write_history().await?;
        let answers = group.writes.iter().map(|write| match write {
            Write::Insert(_) => inserted.next().map(Answer::Insert),
            Write::InsertAll(_) => inserted_all.next().map(Answer::InsertAll),
            Write::Change(_) => moved_on.next().map(Answer::Change),
            Write::Redefine(_) => redefined.next().map(Answer::Redefine),
            Write::AppendLogs(_) => logged.next().map(Answer::AppendLogs),
            Write::Cancel(_) => cancelled.next().map(Answer::Cancel),
            Write::Delete(_) => deleted.next().map(Answer::Delete),
            Write::Reconsider(_) => Some(Answer::Reconsidered),
            Write::ChangeQueue(_) => queues_changed.next().map(Answer::ChangeQueue),
            Write::Claim(_) => claimed.next().map(Answer::Claim),
        });
        answers.collect::<Option<Vec<_>>>().ok_or_else(|| {
            StorageError::new(StorageErrorKind::Rejected, "answer every write of a group")
        })
    }

    /// After the inserts, which may wait for those of another group: whoever waits for a row then
    /// holds nothing that an insert could want.
    async fn lock(
        &self,
        changes: &[&RowChange],
        redefinitions: &[&Redefinition],
        logs: &[&AppendLogs],
        cancels: &[&CancelTask],
        deletions: &[&DeleteTask],
    ) -> Result<(), StorageError> {
        let to_change = changes.iter().map(|change| change.id.0);
        let to_cancel = cancels.iter().map(|cancel| cancel.id.0);
        let to_delete = deletions.iter().map(|delete| delete.deletion.id.0);
        let to_log = logs.iter().map(|append| append.id.0);
        let to_redefine = redefinitions.iter().map(|new| new.record.id().0);
        let to_move = to_change.chain(to_redefine).chain(to_delete);
        let ids: BTreeSet<_> = to_move.chain(to_log).chain(to_cancel).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = ids.into_iter().collect();
        let dialect = &self.setting.dialect;
        dialect.lock_tasks(self.transaction, &ids).await
    }

    /// Whose rows may be taken, for as long as the transaction lasts.
    async fn dead(&mut self) -> Result<&[Uuid], StorageError> {
        if self.dead.is_none() {
            let found = &self.setting.dead;
            let still = if found.is_empty() {
                Vec::new()
            } else {
                let liveness = &self.setting.liveness;
                liveness.still_dead(self.transaction, found).await?
            };
            self.dead = Some(still);
        }
        Ok(self.dead.as_deref().unwrap_or_default())
    }

    /// Writes what was collected so far.
    async fn write_history(&mut self) -> Result<(), StorageError> {
        let (dialect, transaction) = (&self.setting.dialect, self.transaction);
        let audit = std::mem::take(&mut self.audit);
        if !audit.is_empty() {
            dialect.insert_audit(transaction, &audit).await?;
        }
        let attempts = std::mem::take(&mut self.attempts);
        if !attempts.is_empty() {
            dialect.insert_attempts(transaction, &attempts).await?;
        }
        let runs = std::mem::take(&mut self.runs);
        if !runs.is_empty() {
            dialect.insert_runs(transaction, &runs).await?;
        }
        Ok(())
    }
}
