//! Mistakes with the number of log lines that a task may keep.

use std::collections::BTreeSet;

use async_trait::async_trait;
use evertask_core::log::{LogLine, LogSearch};
use evertask_core::retention::{RetentionStep, RetentionTarget};
use evertask_core::storage::{StorageError, TaskStorage, WriteGroup};

use super::tasks::Tasks;
use crate::wrong::bent::{Applied, Mistake};

/// Keeps another number of lines than asked for, which depends on the lines of a task.
#[derive(Debug)]
pub(super) struct Keeps {
    kept: fn(u64, &[LogLine]) -> u64,
    tasks: Tasks,
}

impl Keeps {
    /// One more than the limit.
    pub(super) fn one_too_many() -> Self {
        Self::by(|keep, _| keep + 1)
    }

    /// So many of each run.
    pub(super) fn so_many_of_each_run() -> Self {
        Self::by(|keep, lines| {
            let runs: BTreeSet<_> = lines.iter().map(|line| line.run).collect();
            keep * u64::try_from(runs.len()).unwrap()
        })
    }

    /// All that are as old as the oldest one to keep.
    pub(super) fn all_of_an_instant() -> Self {
        Self::by(|keep, lines| {
            let mut instants: Vec<_> = lines.iter().map(|line| line.at).collect();
            instants.sort_unstable_by(|one, other| other.cmp(one));
            let oldest = usize::try_from(keep - 1).unwrap();
            let Some(oldest) = instants.get(oldest) else {
                return keep;
            };
            let kept = instants.iter().filter(|at| *at >= oldest).count();
            u64::try_from(kept).unwrap()
        })
    }

    fn by(kept: fn(u64, &[LogLine]) -> u64) -> Self {
        let tasks = Tasks::default();
        Self { kept, tasks }
    }
}

#[async_trait]
impl Mistake for Keeps {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        self.tasks.note(group);
        inner.apply(group).await
    }

    async fn step(
        &self,
        inner: &dyn TaskStorage,
        step: &RetentionStep,
    ) -> Result<RetentionStep, StorageError> {
        let mut step = step.clone();
        if let RetentionTarget::LogsByCount { keep, .. } = &mut step.target {
            let limit = *keep;
            for record in self.tasks.records(inner).await? {
                let search = LogSearch::of(record.definition.id);
                let page = inner.queries().logs(&search).await?;
                *keep = (self.kept)(limit, &page.lines).max(*keep);
            }
        }
        Ok(step)
    }
}
