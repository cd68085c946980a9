//! Mistakes with what is stored of a row, and with rows seen from elsewhere.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use evertask_core::storage::{
    AuditEntry, QueueSelector, StorageError, StorageErrorKind, TaskStorage, Write, WriteGroup,
};
use evertask_core::task::{ProcessId, TaskId, TaskRecord};
use parking_lot::Mutex;

use super::bent::{Applied, Mistake, Owned};
use super::reads::edited;

/// Keeps the first 65,535 bytes of a payload, as a column of the type `TEXT` may.
#[derive(Debug)]
pub(super) struct CutsPayloads;

#[async_trait]
impl Mistake for CutsPayloads {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let cut = |record: &mut TaskRecord| {
            let payload = &mut record.definition.payload;
            payload.truncate(payload.floor_char_boundary(65_535));
        };
        inner.apply(&edited(group, cut)).await
    }
}

/// Stores the reason of a row that waits as none.
#[derive(Debug)]
pub(super) struct ForgetsWaitReasons;

#[async_trait]
impl Mistake for ForgetsWaitReasons {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let forget = |record: &mut TaskRecord| record.state.wait_reason = None;
        inner.apply(&edited(group, forget)).await
    }
}

/// Has every task start however late.
#[derive(Debug)]
pub(super) struct ForgetsDeadlines;

#[async_trait]
impl Mistake for ForgetsDeadlines {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let forget = |record: &mut TaskRecord| record.state.start_by = None;
        inner.apply(&edited(group, forget)).await
    }
}

/// Has every start cost one of its rate limits.
#[derive(Debug)]
pub(super) struct ForgetsCosts;

#[async_trait]
impl Mistake for ForgetsCosts {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let forget = |record: &mut TaskRecord| record.definition.limit_cost = 1;
        inner.apply(&edited(group, forget)).await
    }
}

/// Takes a row without an instant for one that is due since it was made.
#[derive(Debug)]
pub(super) struct TakesNeverForAlways;

#[async_trait]
impl Mistake for TakesNeverForAlways {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let fill = |record: &mut TaskRecord| {
            let created_at = record.definition.created_at;
            record.state.available_at.get_or_insert(created_at);
        };
        inner.apply(&edited(group, fill)).await
    }
}

/// Stores no text as an empty one.
#[derive(Debug)]
pub(super) struct TakesNothingForEmpty;

#[async_trait]
impl Mistake for TakesNothingForEmpty {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let fill = |record: &mut TaskRecord| {
            record.definition.limit_key.get_or_insert_default();
            record.definition.concurrency_key.get_or_insert_default();
        };
        inner.apply(&edited(group, fill)).await
    }
}

/// Allows one task for each series, whatever the occurrence.
#[derive(Debug, Default)]
pub(super) struct IgnoresWhichOccurrence(Mutex<HashMap<TaskId, TaskId>>);

#[async_trait]
impl Mistake for IgnoresWhichOccurrence {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        for write in &group.writes {
            if let Write::Insert(new) = write
                && let Some(series) = new.record.definition.series_id
            {
                let id = new.record.definition.id;
                if *self.0.lock().entry(series).or_insert(id) != id {
                    let doing = "store a second task of a series";
                    return Err(StorageError::new(StorageErrorKind::Rejected, doing));
                }
            }
        }
        inner.apply(group).await
    }
}

/// Reads the audit of all tasks as that of each.
#[derive(Debug, Default)]
pub(super) struct MixesHistories(Mutex<HashSet<TaskId>>);

#[async_trait]
impl Mistake for MixesHistories {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let ids = group.writes.iter().filter_map(|write| match write {
            Write::Insert(new) => Some(new.record.definition.id),
            Write::Change(_)
            | Write::InsertAll(_)
            | Write::Redefine(_)
            | Write::Cancel(_)
            | Write::Delete(_)
            | Write::Reconsider(_)
            | Write::AppendLogs(_)
            | Write::ChangeQueue(_)
            | Write::Claim(_) => None,
        });
        self.0.lock().extend(ids);
        inner.apply(group).await
    }

    async fn audit(
        &self,
        inner: &dyn TaskStorage,
        id: TaskId,
    ) -> Result<Vec<AuditEntry>, StorageError> {
        let others = self.0.lock().clone();
        let mut audit = inner.audit(id).await?;
        for other in others.into_iter().filter(|other| *other != id) {
            audit.extend(inner.audit(other).await?);
        }
        Ok(audit)
    }
}

/// Shows a process only the rows that it stored itself.
#[derive(Debug, Default)]
pub(super) struct KeepsProcessesApart {
    stored_by: Mutex<HashMap<TaskId, usize>>,
    /// As long as they are held, no later session gets the address of an earlier one.
    sessions: Mutex<Vec<Weak<dyn TaskStorage>>>,
}

fn address(inner: &dyn TaskStorage) -> usize {
    std::ptr::from_ref(inner).cast::<()>().addr()
}

#[async_trait]
impl Mistake for KeepsProcessesApart {
    fn opened(&self, session: &Arc<dyn TaskStorage>, _: ProcessId) {
        self.sessions.lock().push(Arc::downgrade(session));
    }

    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        for write in &group.writes {
            if let Write::Insert(new) = write {
                let id = new.record.definition.id;
                let mut stored_by = self.stored_by.lock();
                stored_by.entry(id).or_insert_with(|| address(inner));
            }
        }
        inner.apply(group).await
    }

    async fn task(
        &self,
        inner: &dyn TaskStorage,
        id: TaskId,
    ) -> Result<Option<TaskRecord>, StorageError> {
        let is_own = self.stored_by.lock().get(&id) == Some(&address(inner));
        Ok(inner.task(id).await?.filter(|_| is_own))
    }
}

/// Fails when a task is read that is not there.
#[derive(Debug)]
pub(super) struct FailsOnTheUnknown;

#[async_trait]
impl Mistake for FailsOnTheUnknown {
    async fn task(
        &self,
        inner: &dyn TaskStorage,
        id: TaskId,
    ) -> Result<Option<TaskRecord>, StorageError> {
        let found = inner.task(id).await?;
        let doing = "read a task that is not there";
        found
            .map(Some)
            .ok_or_else(|| StorageError::new(StorageErrorKind::Rejected, doing))
    }
}

/// Does not count rows that are due later among those of an owner.
#[derive(Debug)]
pub(super) struct ForgetsWhatIsDueLater;

#[async_trait]
impl Mistake for ForgetsWhatIsDueLater {
    async fn owned(
        &self,
        inner: &dyn TaskStorage,
        owner: ProcessId,
        queues: &QueueSelector,
    ) -> Owned {
        let mut kept = Vec::new();
        for (id, generation) in inner.owned(owner, queues).await? {
            let is_later =
                |record: TaskRecord| record.state.available_at > Some(record.definition.created_at);
            if !inner.task(id).await?.is_some_and(is_later) {
                kept.push((id, generation));
            }
        }
        Ok(kept)
    }
}
