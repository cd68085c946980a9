//! Mistakes with removing tasks.

use std::collections::HashMap;

use async_trait::async_trait;
use evertask_core::storage::{
    Answer, DeleteAnswer, DeleteTask, Deletion, StorageError, TaskStorage, Write, WriteGroup,
};
use evertask_core::task::{AttemptRecord, TaskId};
use parking_lot::Mutex;

use super::bent::{Applied, Mistake};

fn deletions(group: &mut WriteGroup) -> impl Iterator<Item = &mut DeleteTask> {
    group.writes.iter_mut().filter_map(|write| {
        if let Write::Delete(delete) = write {
            Some(delete.as_mut())
        } else {
            None
        }
    })
}

/// Calls `edit` with each answer to a deletion.
async fn answered(
    inner: &dyn TaskStorage,
    group: &WriteGroup,
    edit: impl Fn(&mut DeleteAnswer),
) -> Applied {
    let mut answers = inner.apply(group).await?;
    for answer in &mut answers {
        if let Answer::Delete(answer) = answer {
            edit(answer);
        }
    }
    Ok(answers)
}

/// Removes whatever has the id.
#[derive(Debug)]
pub(super) struct DeletesAtAnyGeneration;

#[async_trait]
impl Mistake for DeletesAtAnyGeneration {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut group = group.clone();
        for delete in deletions(&mut group) {
            if let Some(found) = inner.task(delete.deletion.id).await? {
                delete.expected = found.generation;
            }
        }
        inner.apply(&group).await
    }
}

/// Removes nothing and says that it did.
#[derive(Debug)]
pub(super) struct DeletesNothing;

#[async_trait]
impl Mistake for DeletesNothing {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut group = group.clone();
        for delete in deletions(&mut group) {
            delete.expected = delete.expected.superseded();
        }
        answered(inner, &group, |answer| *answer = DeleteAnswer::Deleted).await
    }
}

/// Leaves the attempts of what it removes.
#[derive(Debug, Default)]
pub(super) struct LeavesAttempts(Mutex<HashMap<TaskId, Vec<AttemptRecord>>>);

#[async_trait]
impl Mistake for LeavesAttempts {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        for delete in deletions(&mut group.clone()) {
            let id = delete.deletion.id;
            let attempts = inner.attempts(id).await?;
            self.0.lock().entry(id).or_insert(attempts);
        }
        inner.apply(group).await
    }

    async fn attempts(
        &self,
        inner: &dyn TaskStorage,
        id: TaskId,
    ) -> Result<Vec<AttemptRecord>, StorageError> {
        let left = self.0.lock().get(&id).cloned();
        match left {
            Some(left) => Ok(left),
            None => inner.attempts(id).await,
        }
    }
}

/// Says that a task which is gone already was never there.
#[derive(Debug)]
pub(super) struct ForgetsDeletions;

#[async_trait]
impl Mistake for ForgetsDeletions {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut answers = inner.apply(group).await?;
        let mut seen = Vec::new();
        for (write, answer) in group.writes.iter().zip(&mut answers) {
            let (Write::Delete(delete), Answer::Delete(answer)) = (write, answer) else {
                continue;
            };
            let id = delete.deletion.id;
            let kept = inner.queries().deletion(id).await?;
            if seen.contains(&id) || kept.is_some_and(|kept| kept.at != delete.deletion.at) {
                *answer = DeleteAnswer::Missing;
            }
            seen.push(id);
        }
        Ok(answers)
    }
}

/// Says of what was never there that it is gone.
#[derive(Debug)]
pub(super) struct DeletesTheUnknown;

#[async_trait]
impl Mistake for DeletesTheUnknown {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        answered(inner, group, |answer| {
            if *answer == DeleteAnswer::Missing {
                *answer = DeleteAnswer::Deleted;
            }
        })
        .await
    }
}

/// Keeps who removed the first task of an id, and never who removed a later one.
#[derive(Debug, Default)]
pub(super) struct KeepsTheFirstDeletion(Mutex<HashMap<TaskId, Deletion>>);

#[async_trait]
impl Mistake for KeepsTheFirstDeletion {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut group = group.clone();
        for delete in deletions(&mut group) {
            let mut first = self.0.lock();
            let first = first.entry(delete.deletion.id);
            delete.deletion = first.or_insert(delete.deletion.clone()).clone();
        }
        inner.apply(&group).await
    }
}

/// Forgets who removed a task and why.
#[derive(Debug)]
pub(super) struct KeepsNoNames;

#[async_trait]
impl Mistake for KeepsNoNames {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut group = group.clone();
        for delete in deletions(&mut group) {
            delete.deletion.actor = String::new();
            delete.deletion.reason = None;
        }
        inner.apply(&group).await
    }
}

/// Removes before anything else of the group is done.
#[derive(Debug)]
pub(super) struct DeletesFirst;

#[async_trait]
impl Mistake for DeletesFirst {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let is_deletion = |write: &Write| matches!(write, Write::Delete(_));
        let (first, rest): (Vec<_>, Vec<_>) = group.writes.iter().cloned().partition(is_deletion);
        if first.is_empty() || rest.is_empty() {
            return inner.apply(group).await;
        }
        let mut first = inner
            .apply(&WriteGroup { writes: first })
            .await?
            .into_iter();
        let mut rest = inner.apply(&WriteGroup { writes: rest }).await?.into_iter();
        let answer = |write: &Write| {
            if is_deletion(write) {
                first.next()
            } else {
                rest.next()
            }
        };
        Ok(group.writes.iter().filter_map(answer).collect())
    }
}
