//! Mistakes with tasks that are stored all or not at all.

use async_trait::async_trait;
use evertask_core::storage::{
    Answer, InsertAllAnswer, InsertAnswer, NewTask, StorageError, TaskStorage, Write, WriteGroup,
};

use super::bent::{Applied, Mistake};

/// Takes each set out of a group, stores what it can of it if it `stores` anything, and puts the answers
/// in their places.
async fn stored_apart(inner: &dyn TaskStorage, group: &WriteGroup, stores: bool) -> Applied {
    let is_set = |write: &&Write| matches!(write, Write::InsertAll(_));
    let others: Vec<_> = group
        .writes
        .iter()
        .filter(|write| !is_set(write))
        .cloned()
        .collect();
    let (inserts, others): (Vec<_>, Vec<_>) = others
        .into_iter()
        .partition(|write| matches!(write, Write::Insert(_)));
    let inserted = inner.apply(&WriteGroup { writes: inserts }).await?;
    let mut sets = Vec::new();
    for write in &group.writes {
        if let Write::InsertAll(tasks) = write {
            let answer = if stores {
                InsertAllAnswer::of(tasks, each(inner, tasks).await?)
            } else {
                InsertAllAnswer::Stored(vec![InsertAnswer::Stored; tasks.len()])
            };
            sets.push(Answer::InsertAll(answer));
        }
    }
    let answers = inner.apply(&WriteGroup { writes: others }).await?;
    let (mut inserted, mut sets) = (inserted.into_iter(), sets.into_iter());
    let mut answers = answers.into_iter();
    let answer = |write: &Write| match write {
        Write::InsertAll(_) => sets.next(),
        Write::Insert(_) => inserted.next(),
        Write::Change(_)
        | Write::Redefine(_)
        | Write::AppendLogs(_)
        | Write::Cancel(_)
        | Write::Delete(_)
        | Write::Reconsider(_)
        | Write::ChangeQueue(_)
        | Write::Claim(_) => answers.next(),
    };
    Ok(group.writes.iter().filter_map(answer).collect())
}

async fn each(
    inner: &dyn TaskStorage,
    tasks: &[NewTask],
) -> Result<Vec<InsertAnswer>, StorageError> {
    let writes = tasks
        .iter()
        .map(|task| Write::Insert(Box::new(task.clone())));
    let group = WriteGroup {
        writes: writes.collect(),
    };
    let answers = inner.apply(&group).await?.into_iter();
    let inserts = answers.filter_map(|answer| {
        if let Answer::Insert(answer) = answer {
            Some(answer)
        } else {
            None
        }
    });
    Ok(inserts.collect())
}

/// Stores what it can of a set.
#[derive(Debug)]
pub(super) struct StoresWhatItCan;

#[async_trait]
impl Mistake for StoresWhatItCan {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        stored_apart(inner, group, true).await
    }
}

/// Stores nothing of a set and says that it did.
#[derive(Debug)]
pub(super) struct DropsSets;

#[async_trait]
impl Mistake for DropsSets {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        stored_apart(inner, group, false).await
    }
}

/// Takes a task that is stored already for another one.
#[derive(Debug)]
pub(super) struct RefusesRepeatedSets;

#[async_trait]
impl Mistake for RefusesRepeatedSets {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut answers = inner.apply(group).await?;
        for answer in &mut answers {
            let Answer::InsertAll(InsertAllAnswer::Stored(of_each)) = answer else {
                continue;
            };
            let found = of_each.iter().cloned().enumerate();
            let found: Vec<_> = found
                .filter(|(_, answer)| *answer != InsertAnswer::Stored)
                .collect();
            if !found.is_empty() {
                *answer = Answer::InsertAll(InsertAllAnswer::Refused(found));
            }
        }
        Ok(answers)
    }
}

/// Says of a set that is refused only what is in the way first.
#[derive(Debug)]
pub(super) struct SaysOneReason;

#[async_trait]
impl Mistake for SaysOneReason {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut answers = inner.apply(group).await?;
        for answer in &mut answers {
            if let Answer::InsertAll(InsertAllAnswer::Refused(refused)) = answer {
                refused.truncate(1);
            }
        }
        Ok(answers)
    }
}
