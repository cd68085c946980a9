//! Mistakes with series, keys and levels of audit.

use async_trait::async_trait;
use evertask_core::audit::AuditLevel;
use evertask_core::storage::{AuditEntry, RowChange, StorageError, TaskStorage, Write, WriteGroup};
use evertask_core::task::{MAX_RUN_COUNT, RowState, RunRecord, Status, TaskId, TaskRecord};

use super::bent::{Applied, Mistake};
use super::changes::edited as edited_changes;
use super::reads::edited as edited_inserts;

/// Keeps all of the history at every level.
#[derive(Debug)]
pub(super) struct IgnoresAuditLevels;

#[async_trait]
impl Mistake for IgnoresAuditLevels {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let full = |change: &mut RowChange| change.audit_level = AuditLevel::Full;
        inner.apply(&edited_changes(group, full)).await
    }
}

/// Hides what persons did to tasks without an audit.
#[derive(Debug)]
pub(super) struct HidesPersons;

#[async_trait]
impl Mistake for HidesPersons {
    async fn audit(
        &self,
        inner: &dyn TaskStorage,
        id: TaskId,
    ) -> Result<Vec<AuditEntry>, StorageError> {
        let mut audit = inner.audit(id).await?;
        let record = inner.task(id).await?;
        let level = record.map_or(AuditLevel::Full, |record| record.definition.audit_level);
        audit.retain(|entry| level.keeps_status(entry.status, entry.failure.as_ref()));
        Ok(audit)
    }
}

/// Audits claims at every level.
#[derive(Debug)]
pub(super) struct AuditsEveryClaim;

#[async_trait]
impl Mistake for AuditsEveryClaim {
    async fn audit(
        &self,
        inner: &dyn TaskStorage,
        id: TaskId,
    ) -> Result<Vec<AuditEntry>, StorageError> {
        let mut audit = inner.audit(id).await?;
        if let Some(record) = inner.task(id).await?
            && record.state.status == Status::Queued
            && audit
                .last()
                .is_none_or(|entry| entry.status != Status::Queued)
        {
            audit.push(AuditEntry::of(Status::Queued, record.definition.created_at));
        }
        Ok(audit)
    }
}

/// Does not store the runs of a series.
#[derive(Debug)]
pub(super) struct LosesRuns;

#[async_trait]
impl Mistake for LosesRuns {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        inner
            .apply(&edited_changes(group, |change| change.runs.clear()))
            .await
    }
}

/// Reads the newest run first.
#[derive(Debug)]
pub(super) struct ReadsRunsBackwards;

#[async_trait]
impl Mistake for ReadsRunsBackwards {
    async fn runs(
        &self,
        inner: &dyn TaskStorage,
        id: TaskId,
    ) -> Result<Vec<RunRecord>, StorageError> {
        let mut runs = inner.runs(id).await?;
        runs.reverse();
        Ok(runs)
    }
}

/// Lets the counter of runs begin again when it is full.
#[derive(Debug)]
pub(super) struct OverflowsCounters;

#[async_trait]
impl Mistake for OverflowsCounters {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let wrap = |change: &mut RowChange| change.state.run_count %= MAX_RUN_COUNT;
        inner.apply(&edited_changes(group, wrap)).await
    }
}

/// Counts no run.
#[derive(Debug)]
pub(super) struct ForgetsToCount;

#[async_trait]
impl Mistake for ForgetsToCount {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let forget = |change: &mut RowChange| change.state.run_count = 0;
        inner.apply(&edited_changes(group, forget)).await
    }
}

/// Takes a series between two runs for one that is over.
#[derive(Debug)]
pub(super) struct EndsSeriesWithTheirRun;

#[async_trait]
impl Mistake for EndsSeriesWithTheirRun {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let end = |state: &mut RowState| {
            if state.status.is_terminal() {
                state.available_at = None;
            }
        };
        let group = edited_changes(group, |change| end(&mut change.state));
        let group = edited_inserts(&group, |record| end(&mut record.state));
        inner.apply(&group).await
    }
}

/// Takes what is over for a series between two runs.
#[derive(Debug)]
pub(super) struct NeverEndsASeries;

#[async_trait]
impl Mistake for NeverEndsASeries {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let go_on = |record: &mut TaskRecord| {
            let state = &mut record.state;
            if state.status.is_terminal() && state.available_at.is_some() {
                state.next_run_at = state.available_at;
            }
        };
        inner.apply(&edited_inserts(group, go_on)).await
    }
}

/// Stores tasks without their key.
#[derive(Debug)]
pub(super) struct ForgetsKeys;

#[async_trait]
impl Mistake for ForgetsKeys {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let forget = |record: &mut TaskRecord| record.state.active_key = None;
        inner.apply(&edited_inserts(group, forget)).await
    }
}

/// Takes two keys for one if they differ in case only.
#[derive(Debug)]
pub(super) struct FoldsKeys;

#[async_trait]
impl Mistake for FoldsKeys {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let fold = |record: &mut TaskRecord| {
            let key = &mut record.state.active_key;
            *key = key.take().map(|key| key.to_lowercase());
        };
        inner.apply(&edited_inserts(group, fold)).await
    }
}

/// Takes its key from a series that is over.
#[derive(Debug)]
pub(super) struct FreesKeysOfSeries;

#[async_trait]
impl Mistake for FreesKeysOfSeries {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let free = |change: &mut RowChange| {
            if change.state.is_over() {
                change.state.active_key = None;
            }
        };
        inner.apply(&edited_changes(group, free)).await
    }
}

/// Leaves its key to a task that is over.
#[derive(Debug)]
pub(super) struct KeepsKeysForEver;

#[async_trait]
impl Mistake for KeepsKeysForEver {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut group = group.clone();
        for write in &mut group.writes {
            if let Write::Change(change) = write
                && let Some(record) = inner.task(change.id).await?
            {
                change.state.active_key = record.definition.key;
            }
        }
        inner.apply(&group).await
    }
}

/// Counts an occurrence that was skipped.
#[derive(Debug)]
pub(super) struct CountsWhatIsSkipped;

#[async_trait]
impl Mistake for CountsWhatIsSkipped {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let count = |change: &mut RowChange| {
            let state = &mut change.state;
            if state.status == Status::WaitingQueue && state.next_run_at.is_some() {
                state.run_count += 1;
            }
        };
        inner.apply(&edited_changes(group, count)).await
    }
}
