//! Mistakes with the tasks that a step is about.

use async_trait::async_trait;
use evertask_core::retention::{RetentionScope, RetentionStep};
use evertask_core::storage::{StorageError, TaskStorage, WriteGroup};

use super::tasks::Tasks;
use crate::wrong::bent::{Applied, Mistake};

/// Lets the rules of one type or queue be those of all.
#[derive(Debug)]
pub(super) struct IgnoresScopes;

#[async_trait]
impl Mistake for IgnoresScopes {
    async fn step(
        &self,
        _: &dyn TaskStorage,
        step: &RetentionStep,
    ) -> Result<RetentionStep, StorageError> {
        let scope = RetentionScope::default();
        let target = step.target.clone();
        Ok(RetentionStep { scope, target })
    }
}

/// Takes two types for one if their names differ in case only.
#[derive(Debug, Default)]
pub(super) struct FoldsTypes(Tasks);

#[async_trait]
impl Mistake for FoldsTypes {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        self.0.note(group);
        inner.apply(group).await
    }

    async fn step(
        &self,
        inner: &dyn TaskStorage,
        step: &RetentionStep,
    ) -> Result<RetentionStep, StorageError> {
        let mut step = step.clone();
        if let Some(name) = step.scope.task.take() {
            let records = self.0.records(inner).await?.into_iter();
            let others = records
                .map(|record| record.definition.task)
                .filter(|other| !other.eq_ignore_ascii_case(&name));
            step.scope.except_tasks.extend(others);
        }
        Ok(step)
    }
}
