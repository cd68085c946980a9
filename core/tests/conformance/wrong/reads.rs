//! Mistakes with what is read back.

use async_trait::async_trait;
use evertask_core::storage::{
    AuditEntry, QueueSelector, StorageError, TaskStorage, Write, WriteGroup,
};
use evertask_core::task::{AttemptRecord, ProcessId, Status, TaskId, TaskRecord};
use evertask_core::time::Timestamp;

use super::bent::{Applied, Mistake, Owned};

/// Calls `edit` with each row of a group that is to be stored.
pub(super) fn edited(group: &WriteGroup, edit: impl Fn(&mut TaskRecord)) -> WriteGroup {
    let mut group = group.clone();
    for write in &mut group.writes {
        if let Write::Insert(new) = write {
            edit(&mut new.record);
        }
    }
    group
}

/// Reads payloads and writes them in its own way.
#[derive(Debug)]
pub(super) struct RewritesPayloads;

#[async_trait]
impl Mistake for RewritesPayloads {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let rewrite = |record: &mut TaskRecord| {
            let payload = &mut record.definition.payload;
            if let Ok(value) = serde_json::from_str::<serde_json::Value>(payload) {
                *payload = value.to_string();
            }
        };
        inner.apply(&edited(group, rewrite)).await
    }
}

/// Cuts instants to whole milliseconds.
#[derive(Debug)]
pub(super) struct CutsInstants;

#[async_trait]
impl Mistake for CutsInstants {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let cut = |at: &mut Option<Timestamp>| {
            *at = at.and_then(|at| Timestamp::from_timestamp_millis(at.timestamp_millis()));
        };
        let cut = |record: &mut TaskRecord| {
            cut(&mut record.definition.scheduled_at);
            cut(&mut record.state.available_at);
        };
        inner.apply(&edited(group, cut)).await
    }
}

/// Cannot tell nothing from empty.
#[derive(Debug)]
pub(super) struct TakesEmptyForNothing;

#[async_trait]
impl Mistake for TakesEmptyForNothing {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let empty = |record: &mut TaskRecord| {
            let correlation = &mut record.definition.correlation_id;
            *correlation = correlation.take().filter(|text| !text.is_empty());
        };
        inner.apply(&edited(group, empty)).await
    }
}

/// Reads audit lines by their instant and not in the order in which they were written.
#[derive(Debug)]
pub(super) struct SortsAuditByTime;

#[async_trait]
impl Mistake for SortsAuditByTime {
    async fn audit(
        &self,
        inner: &dyn TaskStorage,
        id: TaskId,
    ) -> Result<Vec<AuditEntry>, StorageError> {
        let mut audit = inner.audit(id).await?;
        audit.sort_by_key(|entry| entry.at);
        Ok(audit)
    }
}

/// Reads the newest audit line first.
#[derive(Debug)]
pub(super) struct ReadsAuditBackwards;

#[async_trait]
impl Mistake for ReadsAuditBackwards {
    async fn audit(
        &self,
        inner: &dyn TaskStorage,
        id: TaskId,
    ) -> Result<Vec<AuditEntry>, StorageError> {
        let mut audit = inner.audit(id).await?;
        audit.reverse();
        Ok(audit)
    }
}

/// Reads the newest attempt first.
#[derive(Debug)]
pub(super) struct ReadsAttemptsBackwards;

#[async_trait]
impl Mistake for ReadsAttemptsBackwards {
    async fn attempts(
        &self,
        inner: &dyn TaskStorage,
        id: TaskId,
    ) -> Result<Vec<AttemptRecord>, StorageError> {
        let mut attempts = inner.attempts(id).await?;
        attempts.reverse();
        Ok(attempts)
    }
}

/// Finds what an owner has in every queue.
#[derive(Debug)]
pub(super) struct OwnsInEveryQueue;

#[async_trait]
impl Mistake for OwnsInEveryQueue {
    async fn owned(&self, inner: &dyn TaskStorage, owner: ProcessId, _: &QueueSelector) -> Owned {
        let every = QueueSelector::AllExcept(Vec::new());
        inner.owned(owner, &every).await
    }
}

/// Does not count rows in progress among those of an owner.
#[derive(Debug)]
pub(super) struct ForgetsWhatIsInProgress;

#[async_trait]
impl Mistake for ForgetsWhatIsInProgress {
    async fn owned(
        &self,
        inner: &dyn TaskStorage,
        owner: ProcessId,
        queues: &QueueSelector,
    ) -> Owned {
        let mut kept = Vec::new();
        for (id, generation) in inner.owned(owner, queues).await? {
            let record = inner.task(id).await?;
            if record.is_none_or(|record| record.state.status != Status::InProgress) {
                kept.push((id, generation));
            }
        }
        Ok(kept)
    }
}
