//! Mistakes with the changes of rows.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use evertask_core::storage::{Answer, ChangeAnswer, RowChange, TaskStorage, Write, WriteGroup};
use evertask_core::task::{AttemptId, Generation, TaskId};
use parking_lot::Mutex;
use uuid::Uuid;

use super::bent::{Applied, Mistake};

/// Calls `edit` with each change of a group, in order.
pub(super) fn edited(group: &WriteGroup, mut edit: impl FnMut(&mut RowChange)) -> WriteGroup {
    let mut group = group.clone();
    for write in &mut group.writes {
        if let Write::Change(change) = write {
            edit(change);
        }
    }
    group
}

/// Changes rows without writing their audit.
#[derive(Debug)]
pub(super) struct LosesAudit;

#[async_trait]
impl Mistake for LosesAudit {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        inner
            .apply(&edited(group, |change| change.audit.clear()))
            .await
    }
}

/// Forgets how long a retry was to wait.
#[derive(Debug)]
pub(super) struct ForgetsRetryDelays;

#[async_trait]
impl Mistake for ForgetsRetryDelays {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let forget = |change: &mut RowChange| change.state.retry_delay = None;
        inner.apply(&edited(group, forget)).await
    }
}

/// Forgets how often and why a task asked to be called later.
#[derive(Debug)]
pub(super) struct ForgetsSnoozes;

#[async_trait]
impl Mistake for ForgetsSnoozes {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let forget = |change: &mut RowChange| {
            change.state.snoozes = 0;
            change.state.snooze_reason = None;
        };
        inner.apply(&edited(group, forget)).await
    }
}

/// Merges a chain of changes and keeps the audit of the first only.
#[derive(Debug)]
pub(super) struct LosesAuditOfChains;

#[async_trait]
impl Mistake for LosesAuditOfChains {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut seen = HashSet::new();
        let merged = edited(group, |change| {
            if !seen.insert(change.id) {
                change.audit.clear();
            }
        });
        inner.apply(&merged).await
    }
}

/// Changes rows whatever their generation.
#[derive(Debug)]
pub(super) struct IgnoresGeneration;

#[async_trait]
impl Mistake for IgnoresGeneration {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut present = HashMap::new();
        for write in &group.writes {
            if let Write::Change(change) = write
                && let Some(record) = inner.task(change.id).await?
            {
                present.insert(change.id, record.generation);
            }
        }
        let unconditional = edited(group, |change| {
            if let Some(generation) = present.insert(change.id, change.generation) {
                change.expected = generation;
            }
        });
        inner.apply(&unconditional).await
    }
}

/// Takes any row of the generation that a change would have made for a row that it made.
#[derive(Debug)]
pub(super) struct ComparesGenerationsOnly;

#[async_trait]
impl Mistake for ComparesGenerationsOnly {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut answers = inner.apply(group).await?;
        for (write, answer) in group.writes.iter().zip(&mut answers) {
            if let (Write::Change(change), Answer::Change(ChangeAnswer::Refused(found))) =
                (write, &*answer)
                && found.generation == change.generation
            {
                *answer = Answer::Change(ChangeAnswer::Applied);
            }
        }
        Ok(answers)
    }
}

/// Says of a change that was refused that it was made.
#[derive(Debug)]
pub(super) struct HidesRefusals;

#[async_trait]
impl Mistake for HidesRefusals {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut answers = inner.apply(group).await?;
        for answer in &mut answers {
            if let Answer::Change(ChangeAnswer::Refused(_)) = answer {
                *answer = Answer::Change(ChangeAnswer::Applied);
            }
        }
        Ok(answers)
    }
}

/// Refuses changes of rows that are not there instead of missing the rows.
#[derive(Debug)]
pub(super) struct AppliesToNothing;

#[async_trait]
impl Mistake for AppliesToNothing {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut answers = inner.apply(group).await?;
        for answer in &mut answers {
            if let Answer::Change(ChangeAnswer::Missing) = answer {
                *answer = Answer::Change(ChangeAnswer::Applied);
            }
        }
        Ok(answers)
    }
}

/// Stores an attempt again that is stored already.
#[derive(Debug, Default)]
pub(super) struct RepeatsAttempts(Mutex<HashSet<AttemptId>>);

#[async_trait]
impl Mistake for RepeatsAttempts {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let again = edited(group, |change| {
            for attempt in &mut change.attempts {
                if !self.0.lock().insert(attempt.id) {
                    attempt.id = AttemptId(Uuid::now_v7());
                }
            }
        });
        inner.apply(&again).await
    }
}

/// Refuses a change that was made before, instead of recognising it.
#[derive(Debug)]
pub(super) struct RefusesRepetitions;

#[async_trait]
impl Mistake for RefusesRepetitions {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut before: HashMap<TaskId, _> = HashMap::new();
        for write in &group.writes {
            if let Write::Change(change) = write
                && let Some(record) = inner.task(change.id).await?
            {
                before.insert(change.id, record);
            }
        }
        let mut answers = inner.apply(group).await?;
        for (write, answer) in group.writes.iter().zip(&mut answers) {
            if let Write::Change(change) = write
                && let Some(record) = before.get(&change.id)
                && change.is_applied_to(record)
            {
                *answer = Answer::Change(ChangeAnswer::Refused(Box::new(record.clone())));
            }
        }
        Ok(answers)
    }
}

/// Counts generations by itself instead of storing the one it is told.
#[derive(Debug)]
pub(super) struct CountsGenerations;

#[async_trait]
impl Mistake for CountsGenerations {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let counted = edited(group, |change| change.generation = change.expected.next());
        inner.apply(&counted).await
    }
}

/// Merges a chain only as long as nothing stands between its changes, and refuses the rest.
#[derive(Debug)]
pub(super) struct BreaksInterleavedChains;

#[async_trait]
impl Mistake for BreaksInterleavedChains {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut seen = HashSet::new();
        let mut last = None;
        let broken = edited(group, |change| {
            let is_first = seen.insert(change.id);
            if !is_first && last != Some(change.id) {
                change.expected = Generation(-1);
            }
            last = Some(change.id);
        });
        inner.apply(&broken).await
    }
}
