//! Mistakes by which tasks are lost that are not over.

use async_trait::async_trait;
use evertask_core::retention::{RetentionCursor, RetentionStep, RetentionTarget};
use evertask_core::storage::{StorageError, TaskStorage, WriteGroup};
use evertask_core::task::{TaskId, TaskRecord};

use super::tasks::Tasks;
use crate::wrong::bent::{Applied, Batched, Mistake};

/// Purges also what is not over.
#[derive(Debug)]
pub(super) struct PurgesWhatIsNotOver {
    is_taken: fn(&TaskRecord) -> bool,
    tasks: Tasks,
}

impl PurgesWhatIsNotOver {
    /// Open tasks that have not run for long.
    pub(super) fn open() -> Self {
        let is_taken = |record: &TaskRecord| !record.state.status.is_terminal();
        let tasks = Tasks::default();
        Self { is_taken, tasks }
    }

    /// Series that have not run for long and wait for their next run.
    pub(super) fn between_runs() -> Self {
        let is_taken = |record: &TaskRecord| {
            let state = &record.state;
            state.status.is_terminal() && !state.is_over()
        };
        let tasks = Tasks::default();
        Self { is_taken, tasks }
    }
}

#[async_trait]
impl Mistake for PurgesWhatIsNotOver {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        self.tasks.note(group);
        inner.apply(group).await
    }

    async fn task(
        &self,
        inner: &dyn TaskStorage,
        id: TaskId,
    ) -> Result<Option<TaskRecord>, StorageError> {
        let found = inner.task(id).await?;
        Ok(found.filter(|_| !self.tasks.is_lost(id)))
    }

    async fn retain(
        &self,
        inner: &dyn TaskStorage,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
        limit: u32,
    ) -> Batched {
        if let RetentionTarget::Tasks(purge) = &step.target {
            for record in self.tasks.records(inner).await? {
                let last_ran_at = record.state.last_execution_at;
                if (self.is_taken)(&record) && last_ran_at.is_some_and(|at| at < purge.before) {
                    self.tasks.lose(record.definition.id);
                }
            }
        }
        inner.retain(step, from, limit).await
    }
}

/// Purges what it found, also what somebody brought back to life meanwhile.
#[derive(Debug, Default)]
pub(super) struct PurgesWhatIsRevived(Tasks);

#[async_trait]
impl Mistake for PurgesWhatIsRevived {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        self.0.note(group);
        inner.apply(group).await
    }

    async fn task(
        &self,
        inner: &dyn TaskStorage,
        id: TaskId,
    ) -> Result<Option<TaskRecord>, StorageError> {
        let found = inner.task(id).await?;
        Ok(found.filter(|_| !self.0.is_lost(id)))
    }

    async fn retain(
        &self,
        inner: &dyn TaskStorage,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
        limit: u32,
    ) -> Batched {
        let found = self.0.records(inner).await?;
        tokio::task::yield_now().await;
        let batch = inner.retain(step, from, limit).await?;
        let over = found.iter().filter(|record| record.state.is_over());
        for id in over.map(|record| record.definition.id) {
            let is_revived = |record: TaskRecord| !record.state.is_over();
            if inner.task(id).await?.is_some_and(is_revived) {
                self.0.lose(id);
            }
        }
        Ok(batch)
    }
}
