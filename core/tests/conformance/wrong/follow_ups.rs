//! Mistakes with tasks that are stored with a change.

use async_trait::async_trait;
use evertask_core::storage::{
    Answer, ChangeAnswer, NewTask, RowChange, TaskStorage, Write, WriteGroup,
};
use evertask_core::task::TaskId;

use super::bent::{Applied, Mistake};
use super::changes::edited;

fn follow_ups(group: &WriteGroup) -> impl Iterator<Item = (usize, &NewTask)> {
    let changes = group.writes.iter().enumerate();
    changes.flat_map(|(place, write)| {
        let tasks: &[NewTask] = if let Write::Change(change) = write {
            &change.follow_ups
        } else {
            &[]
        };
        tasks.iter().map(move |task| (place, task))
    })
}

fn without_follow_ups(group: &WriteGroup) -> WriteGroup {
    edited(group, |change| change.follow_ups.clear())
}

fn insert_of(task: &NewTask) -> Write {
    Write::Insert(Box::new(task.clone()))
}

/// Stores no follow-up.
#[derive(Debug)]
pub(super) struct DropsFollowUps;

#[async_trait]
impl Mistake for DropsFollowUps {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        inner.apply(&without_follow_ups(group)).await
    }
}

/// Merges a chain of changes and forgets the follow-ups of all but the first.
#[derive(Debug)]
pub(super) struct DropsFollowUpsOfChains;

#[async_trait]
impl Mistake for DropsFollowUpsOfChains {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut seen = std::collections::HashSet::new();
        let merged = edited(group, |change| {
            if !seen.insert(change.id) {
                change.follow_ups.clear();
            }
        });
        inner.apply(&merged).await
    }
}

/// Stores follow-ups in the transaction of their change, whatever becomes of the change.
#[derive(Debug)]
pub(super) struct FollowsUpOnRefusals;

#[async_trait]
impl Mistake for FollowsUpOnRefusals {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut both = without_follow_ups(group);
        let inserts = follow_ups(group).map(|(_, task)| insert_of(task));
        both.writes.extend(inserts);
        let mut answers = inner.apply(&both).await?;
        answers.truncate(group.writes.len());
        Ok(answers)
    }
}

/// Splits the pair: stores the follow-ups of changes that were applied in a transaction of their own.
#[derive(Debug)]
pub(super) struct SplitsPairs;

#[async_trait]
impl Mistake for SplitsPairs {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let due = due_changes(inner, group).await?;
        let inserts = follow_ups(group).filter(|(place, _)| due.contains(place));
        let writes = inserts.map(|(_, task)| insert_of(task)).collect();
        inner.apply(&WriteGroup { writes }).await?;
        inner.apply(&without_follow_ups(group)).await
    }
}

/// Answers the places of the changes whose row has the generation they expect, or gets it here.
async fn due_changes(
    inner: &dyn TaskStorage,
    group: &WriteGroup,
) -> Result<Vec<usize>, evertask_core::storage::StorageError> {
    let mut due = Vec::new();
    let mut made: Vec<(TaskId, &RowChange)> = Vec::new();
    for (place, write) in group.writes.iter().enumerate() {
        let Write::Change(change) = write else {
            continue;
        };
        let before = made.iter().rev().find(|(id, _)| *id == change.id);
        let generation = match before {
            Some((_, before)) => Some(before.generation),
            None => inner.task(change.id).await?.map(|row| row.generation),
        };
        if generation == Some(change.expected) {
            due.push(place);
            made.push((change.id, change));
        }
    }
    Ok(due)
}

/// Stores follow-ups again when their change is repeated.
#[derive(Debug)]
pub(super) struct FollowsUpAgain;

#[async_trait]
impl Mistake for FollowsUpAgain {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let answers = inner.apply(group).await?;
        let applied = |place: &usize| {
            let answer = &answers[*place];
            matches!(answer, Answer::Change(ChangeAnswer::Applied))
        };
        let again = follow_ups(group).filter(|(place, _)| applied(place));
        let writes = again.map(|(_, task)| insert_of(task)).collect();
        inner.apply(&WriteGroup { writes }).await?;
        Ok(answers)
    }
}

/// Does not say which follow-ups were left out.
#[derive(Debug)]
pub(super) struct HidesWhatIsLeftOut;

#[async_trait]
impl Mistake for HidesWhatIsLeftOut {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut answers = inner.apply(group).await?;
        for answer in &mut answers {
            if let Answer::Change(ChangeAnswer::AppliedWithout(_)) = answer {
                *answer = Answer::Change(ChangeAnswer::Applied);
            }
        }
        Ok(answers)
    }
}

/// Stores follow-ups before their changes, so that a key is not given up yet.
#[derive(Debug)]
pub(super) struct FollowsUpTooEarly;

#[async_trait]
impl Mistake for FollowsUpTooEarly {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut early = group.clone();
        for write in &mut early.writes {
            let Write::Change(change) = write else {
                continue;
            };
            let holder = inner.task(change.id).await?;
            let key = holder.and_then(|row| row.state.active_key);
            let is_held = |task: &NewTask| key.is_some() && task.record.state.active_key == key;
            change.follow_ups.retain(|task| !is_held(task));
        }
        inner.apply(&early).await
    }
}

/// Stores follow-ups after the claims of their group.
#[derive(Debug)]
pub(super) struct FollowsUpTooLate;

#[async_trait]
impl Mistake for FollowsUpTooLate {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let claims = group
            .writes
            .iter()
            .any(|write| matches!(write, Write::Claim(_)));
        if !claims {
            return inner.apply(group).await;
        }
        let answers = inner.apply(&without_follow_ups(group)).await?;
        let writes = follow_ups(group).map(|(_, task)| insert_of(task)).collect();
        inner.apply(&WriteGroup { writes }).await?;
        Ok(answers)
    }
}
