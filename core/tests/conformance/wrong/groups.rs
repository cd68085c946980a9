//! Mistakes with whole groups, inserts and cancels.

use std::collections::HashSet;

use async_trait::async_trait;
use evertask_core::audit::AuditLevel;
use evertask_core::storage::{
    Answer, AuditEntry, CancelAnswer, InsertAnswer, RowChange, StorageError, StorageErrorKind,
    TaskStorage, Write, WriteGroup,
};
use evertask_core::task::{RowState, Status, TaskId, TaskRecord};
use evertask_core::time::Timestamp;
use parking_lot::Mutex;

use super::bent::{Applied, Mistake};

async fn apply_one(inner: &dyn TaskStorage, write: Write) -> Applied {
    inner
        .apply(&WriteGroup {
            writes: vec![write],
        })
        .await
}

async fn apply_in(
    inner: &dyn TaskStorage,
    group: &WriteGroup,
    order: impl IntoIterator<Item = usize>,
) -> Applied {
    let mut answers = Vec::new();
    for place in order {
        let answer = apply_one(inner, group.writes[place].clone()).await?;
        answers.extend(answer.into_iter().map(|answer| (place, answer)));
    }
    answers.sort_by_key(|(place, _)| *place);
    Ok(answers.into_iter().map(|(_, answer)| answer).collect())
}

fn by_kind(group: &WriteGroup) -> Vec<usize> {
    let mut order: Vec<_> = (0..group.writes.len()).collect();
    order.sort_by_key(|place| group.writes[*place].kind());
    order
}

/// Commits the writes of a group one by one, so that a rejected one leaves those before.
#[derive(Debug)]
pub(super) struct SplitsGroups;

#[async_trait]
impl Mistake for SplitsGroups {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        if group.writes.iter().all(is_insert) {
            // Otherwise thousands of inserts would take their time.
            return inner.apply(group).await;
        }
        apply_in(inner, group, by_kind(group)).await
    }
}

fn is_insert(write: &Write) -> bool {
    matches!(write, Write::Insert(_))
}

/// Applies the writes of a group in the order in which they are given.
#[derive(Debug)]
pub(super) struct IgnoresTheOrderOfKinds;

#[async_trait]
impl Mistake for IgnoresTheOrderOfKinds {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        if by_kind(group).is_sorted() {
            return inner.apply(group).await;
        }
        apply_in(inner, group, 0..group.writes.len()).await
    }
}

/// Answers in the order in which the writes were applied.
#[derive(Debug)]
pub(super) struct AnswersInTheWrongOrder;

#[async_trait]
impl Mistake for AnswersInTheWrongOrder {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut answers = inner.apply(group).await?;
        let order = by_kind(group);
        answers = order.iter().map(|place| answers[*place].clone()).collect();
        Ok(answers)
    }
}

/// Replaces what is stored when a task is inserted again.
#[derive(Debug)]
pub(super) struct OverwritesOnInsert;

#[async_trait]
impl Mistake for OverwritesOnInsert {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let answers = inner.apply(group).await?;
        for (write, answer) in group.writes.iter().zip(&answers) {
            if let (Write::Insert(new), Answer::Insert(InsertAnswer::Exists(found))) =
                (write, answer)
            {
                let state = new.record.state.clone();
                write_state(inner, found, state, new.audit.clone()).await?;
            }
        }
        Ok(answers)
    }
}

async fn write_state(
    inner: &dyn TaskStorage,
    found: &TaskRecord,
    state: RowState,
    audit: Vec<AuditEntry>,
) -> Applied {
    let change = RowChange {
        id: found.definition.id,
        expected: found.generation,
        generation: found.generation.superseded(),
        state,
        audit,
        attempts: Vec::new(),
        runs: Vec::new(),
        follow_ups: Vec::new(),
        missed: 0,
        has_progressed: false,
        audit_level: AuditLevel::Full,
    };
    apply_one(inner, Write::Change(Box::new(change))).await
}

/// Says of a task that was there that it was stored now.
#[derive(Debug)]
pub(super) struct HidesWhatExists;

#[async_trait]
impl Mistake for HidesWhatExists {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut answers = inner.apply(group).await?;
        for answer in &mut answers {
            if let Answer::Insert(InsertAnswer::Exists(_)) = answer {
                *answer = Answer::Insert(InsertAnswer::Stored);
            }
        }
        Ok(answers)
    }
}

/// Stores a second task for an occurrence of a series.
#[derive(Debug, Default)]
pub(super) struct RepeatsOccurrences(Mutex<HashSet<(TaskId, Timestamp)>>);

#[async_trait]
impl Mistake for RepeatsOccurrences {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut group = group.clone();
        for write in &mut group.writes {
            let Write::Insert(new) = write else { continue };
            let id = new.record.definition.id;
            if inner.task(id).await?.is_some() {
                continue;
            }
            let definition = &mut new.record.definition;
            if let Some(occurrence) = definition.series_id.zip(definition.occurrence_at)
                && !self.0.lock().insert(occurrence)
            {
                definition.occurrence_at = None;
            }
        }
        inner.apply(&group).await
    }
}

/// Cancels tasks that are over.
#[derive(Debug)]
pub(super) struct CancelsWhatIsOver;

#[async_trait]
impl Mistake for CancelsWhatIsOver {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut answers = inner.apply(group).await?;
        for (write, answer) in group.writes.iter().zip(&mut answers) {
            if let (Write::Cancel(cancel), Answer::Cancel(CancelAnswer::AlreadyOver(before))) =
                (write, &*answer)
                && let Some(found) = inner.task(cancel.id).await?
            {
                let audit = AuditEntry {
                    actor: cancel.actor.clone(),
                    reason: cancel.reason.clone(),
                    ..AuditEntry::of(Status::Cancelled, cancel.at)
                };
                let before = *before;
                let state = RowState {
                    status: Status::Cancelled,
                    ..found.state.clone()
                };
                write_state(inner, &found, state, vec![audit]).await?;
                *answer = Answer::Cancel(CancelAnswer::Cancelled(before));
            }
        }
        Ok(answers)
    }
}

/// Cancels without raising the generation, so the delivery does not notice.
#[derive(Debug)]
pub(super) struct CancelsBehindTheDelivery;

#[async_trait]
impl Mistake for CancelsBehindTheDelivery {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut before = Vec::new();
        for write in &group.writes {
            if let Write::Cancel(cancel) = write {
                before.extend(inner.task(cancel.id).await?);
            }
        }
        let answers = inner.apply(group).await?;
        for record in before {
            let id = record.definition.id;
            let Some(found) = inner.task(id).await? else {
                continue;
            };
            if found.generation != record.generation {
                let change = RowChange {
                    id,
                    expected: found.generation,
                    generation: record.generation,
                    state: found.state,
                    audit: Vec::new(),
                    attempts: Vec::new(),
                    runs: Vec::new(),
                    follow_ups: Vec::new(),
                    missed: 0,
                    has_progressed: false,
                    audit_level: AuditLevel::Full,
                };
                apply_one(inner, Write::Change(Box::new(change))).await?;
            }
        }
        Ok(answers)
    }
}

/// Does not keep who cancelled a task.
#[derive(Debug)]
pub(super) struct ForgetsWhoCancelled;

#[async_trait]
impl Mistake for ForgetsWhoCancelled {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut group = group.clone();
        for write in &mut group.writes {
            if let Write::Cancel(cancel) = write {
                cancel.actor = None;
            }
        }
        inner.apply(&group).await
    }
}

/// Takes every row that waits for a reason for one that may run now.
#[derive(Debug, Default)]
pub(super) struct ReconsidersEverything(Mutex<HashSet<String>>);

#[async_trait]
impl Mistake for ReconsidersEverything {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut group = group.clone();
        for write in &mut group.writes {
            match write {
                Write::Insert(new) => _ = self.0.lock().insert(new.record.definition.task.clone()),
                Write::Reconsider(reconsider) => {
                    reconsider.known_tasks = self.0.lock().iter().cloned().collect();
                }
                Write::Change(_)
                | Write::InsertAll(_)
                | Write::Redefine(_)
                | Write::Cancel(_)
                | Write::Delete(_)
                | Write::AppendLogs(_)
                | Write::ChangeQueue(_)
                | Write::Claim(_) => {}
            }
        }
        inner.apply(&group).await
    }
}

/// Refuses a group without a write.
#[derive(Debug)]
pub(super) struct RefusesEmptyGroups;

#[async_trait]
impl Mistake for RefusesEmptyGroups {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        if group.writes.is_empty() {
            let doing = "apply nothing";
            return Err(StorageError::new(StorageErrorKind::Rejected, doing));
        }
        inner.apply(group).await
    }
}

/// Says of a task that is not there that it was cancelled.
#[derive(Debug)]
pub(super) struct CancelsTheUnknown;

#[async_trait]
impl Mistake for CancelsTheUnknown {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut answers = inner.apply(group).await?;
        for answer in &mut answers {
            if let Answer::Cancel(CancelAnswer::Unknown) = answer {
                *answer = Answer::Cancel(CancelAnswer::Cancelled(Status::WaitingQueue));
            }
        }
        Ok(answers)
    }
}

/// Audits a cancel and leaves the row as it is.
#[derive(Debug)]
pub(super) struct CancelsOnPaperOnly;

#[async_trait]
impl Mistake for CancelsOnPaperOnly {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut before = Vec::new();
        for write in &group.writes {
            if let Write::Cancel(cancel) = write {
                before.extend(inner.task(cancel.id).await?);
            }
        }
        let answers = inner.apply(group).await?;
        for record in before {
            if let Some(found) = inner.task(record.definition.id).await?
                && found.generation != record.generation
            {
                write_state(inner, &found, record.state, Vec::new()).await?;
            }
        }
        Ok(answers)
    }
}
