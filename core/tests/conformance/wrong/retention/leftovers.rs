//! Mistakes with what a purged task leaves behind.

use std::collections::HashMap;

use async_trait::async_trait;
use evertask_core::log::{LogLine, LogPage, LogSearch};
use evertask_core::retention::{RetentionCursor, RetentionStep, RetentionTarget};
use evertask_core::storage::query::TaskQueries;
use evertask_core::storage::{
    Answer, AuditEntry, InsertAnswer, StorageError, StorageErrorKind, TaskStorage, Write,
    WriteGroup,
};
use evertask_core::task::{AttemptRecord, RunRecord, TaskId, TaskRecord};
use evertask_core::time::Timestamp;
use parking_lot::Mutex;

use super::tasks::Tasks;
use crate::wrong::bent::{Applied, Batched, Mistake};

/// A table with something about tasks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Table {
    Audit,
    Runs,
    Attempts,
    Logs,
}

/// Leaves the rows of purged tasks in one table.
#[derive(Debug)]
pub(super) struct Leaves {
    table: Table,
    tasks: Tasks,
    left: Mutex<HashMap<TaskId, Histories>>,
}

#[derive(Clone, Debug, Default)]
struct Histories {
    audit: Vec<AuditEntry>,
    runs: Vec<RunRecord>,
    attempts: Vec<AttemptRecord>,
    logs: Vec<LogLine>,
}

impl Leaves {
    pub(super) fn rows_in(table: Table) -> Self {
        let (tasks, left) = (Tasks::default(), Mutex::default());
        Self { table, tasks, left }
    }

    /// What is left of a task in that table, if it is the one where something is left.
    fn of(&self, table: Table, id: TaskId) -> Histories {
        let left = self.left.lock().get(&id).cloned();
        left.filter(|_| self.table == table).unwrap_or_default()
    }
}

async fn histories(inner: &dyn TaskStorage, id: TaskId) -> Result<Histories, StorageError> {
    Ok(Histories {
        audit: inner.audit(id).await?,
        runs: inner.runs(id).await?,
        attempts: inner.attempts(id).await?,
        logs: inner.queries().logs(&LogSearch::of(id)).await?.lines,
    })
}

#[async_trait]
impl Mistake for Leaves {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        self.tasks.note(group);
        inner.apply(group).await
    }

    async fn retain(
        &self,
        inner: &dyn TaskStorage,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
        limit: u32,
    ) -> Batched {
        let mut before = Vec::new();
        if matches!(step.target, RetentionTarget::Tasks(_)) {
            for record in self.tasks.records(inner).await? {
                let id = record.definition.id;
                before.push((id, histories(inner, id).await?));
            }
        }
        let batch = inner.retain(step, from, limit).await?;
        for (id, histories) in before {
            if inner.task(id).await?.is_none() {
                self.left.lock().insert(id, histories);
            }
        }
        Ok(batch)
    }

    async fn audit(
        &self,
        inner: &dyn TaskStorage,
        id: TaskId,
    ) -> Result<Vec<AuditEntry>, StorageError> {
        let left = self.of(Table::Audit, id).audit;
        Ok([left, inner.audit(id).await?].concat())
    }

    async fn runs(
        &self,
        inner: &dyn TaskStorage,
        id: TaskId,
    ) -> Result<Vec<RunRecord>, StorageError> {
        let left = self.of(Table::Runs, id).runs;
        Ok([left, inner.runs(id).await?].concat())
    }

    async fn attempts(
        &self,
        inner: &dyn TaskStorage,
        id: TaskId,
    ) -> Result<Vec<AttemptRecord>, StorageError> {
        let left = self.of(Table::Attempts, id).attempts;
        Ok([left, inner.attempts(id).await?].concat())
    }

    async fn logs(
        &self,
        inner: &dyn TaskQueries,
        search: &LogSearch,
    ) -> Result<LogPage, StorageError> {
        let mut page = inner.logs(search).await?;
        page.lines.extend(self.of(Table::Logs, search.task).logs);
        Ok(page)
    }
}

/// What one task at a time may have.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Unique {
    Key(String),
    Occurrence(TaskId, Timestamp),
}

impl Unique {
    fn of(record: &TaskRecord) -> impl Iterator<Item = Self> {
        let definition = &record.definition;
        let key = definition.key.clone().map(Self::Key);
        let occurrence = definition.series_id.zip(definition.occurrence_at);
        let occurrence = occurrence.map(|(series, at)| Self::Occurrence(series, at));
        key.into_iter().chain(occurrence)
    }
}

/// Keeps the keys and the occurrences of purged tasks from others.
#[derive(Debug, Default)]
pub(super) struct KeepsWhatIsUnique(Mutex<HashMap<Unique, TaskId>>);

#[async_trait]
impl Mistake for KeepsWhatIsUnique {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        for write in &group.writes {
            let Write::Insert(new) = write else {
                continue;
            };
            for unique in Unique::of(&new.record) {
                let holder = self.0.lock().get(&unique).copied();
                if let Some(holder) = holder
                    && inner.task(holder).await?.is_none()
                {
                    let doing = "store what a purged task still holds";
                    return Err(StorageError::new(StorageErrorKind::Rejected, doing));
                }
            }
        }
        let answers = inner.apply(group).await?;
        for (write, answer) in group.writes.iter().zip(&answers) {
            if let (Write::Insert(new), Answer::Insert(InsertAnswer::Stored)) = (write, answer) {
                let id = new.record.definition.id;
                let mut holders = self.0.lock();
                holders.extend(Unique::of(&new.record).map(|unique| (unique, id)));
            }
        }
        Ok(answers)
    }
}
