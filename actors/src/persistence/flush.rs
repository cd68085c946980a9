//! Committing one group after the other.

use std::time::Duration;

use evertask_core::storage::{
    Answer, AppendLogsAnswer, CancelAnswer, StorageError, StorageErrorKind, Write, WriteGroup,
};

use super::actor::PersistenceDeps;
use super::client::WriteError;
use super::group::{Reply, WriteSet};
use super::outcome_events::events_of;
use crate::runtime::FaultPoint;

/// The waits between attempts to reach a database that can't be used: doubling up to a limit.
const FIRST_BACKOFF: Duration = Duration::from_millis(10);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

/// A group on its way: the writes of several callers and what each of them is owed.
struct Group {
    writes: WriteGroup,
    callers: Vec<Caller>,
}

struct Caller {
    writes: usize,
    reply: Reply,
    deadline: Option<Duration>,
}

/// Commits what waits, group by group, until nothing waits.
pub(super) async fn flush(deps: PersistenceDeps) {
    let Ok(_lane) = deps.lane.acquire().await else {
        return;
    };
    loop {
        let sets = deps.waiting.next_group();
        if sets.is_empty() {
            return;
        }
        commit(&deps, Group::from(sets)).await;
    }
}

/// Commits a group; one that is rejected as a whole is halved until the write at fault is alone.
async fn commit(deps: &PersistenceDeps, group: Group) {
    let mut groups = vec![group];
    while let Some(mut group) = groups.pop() {
        match outlast_outages(deps, &mut group).await {
            Ok(answers) => settle(deps, group, answers),
            Err(error) if group.callers.len() > 1 => {
                tracing::warn!(%error, callers = group.callers.len(), "splitting a rejected group");
                let second = group.split();
                groups.push(second);
                groups.push(group);
            }
            Err(error) => group.refuse(&error),
        }
    }
}

/// Repeats a group until the database takes or rejects it, letting go of callers whose patience is
/// at its end.
async fn outlast_outages(
    deps: &PersistenceDeps,
    group: &mut Group,
) -> Result<Vec<Answer>, StorageError> {
    let mut backoff = FIRST_BACKOFF;
    if group.writes.writes.is_empty() {
        return Ok(Vec::new());
    }
    loop {
        let error = match deps.storage.apply(&group.writes).await {
            Ok(answers) => {
                deps.health.succeeded();
                return Ok(answers);
            }
            Err(error) => error,
        };
        match error.kind() {
            StorageErrorKind::Transient => {
                deps.health.failed(deps.clock.now(), &error);
                group.release_impatient(deps.clock.elapsed(), &error);
                if group.callers.is_empty() {
                    return Ok(Vec::new());
                }
            }
            // The very same group has to be repeated, so nobody can be let go.
            StorageErrorKind::OutcomeUnknown => deps.health.failed(deps.clock.now(), &error),
            StorageErrorKind::Rejected | StorageErrorKind::Unusable | _ => return Err(error),
        }
        let now = deps.clock.elapsed();
        deps.waiting.release_impatient(now, &error);
        tracing::warn!(%error, ?backoff, "the storage can't be used, trying again");
        deps.clock.sleep(backoff).await;
        backoff = (backoff * 2).min(LONGEST_BACKOFF);
    }
}

/// Tells the world, then the callers, what was committed.
fn settle(deps: &PersistenceDeps, group: Group, answers: Vec<Answer>) {
    deps.faults.hit(FaultPoint::AfterCommit);
    if deps.publisher.has_subscribers() {
        let pairs = group.writes.writes.iter().zip(&answers);
        let mut pairs: Vec<_> = pairs.collect();
        pairs.sort_by_key(|(write, _)| write.kind());
        let happened = pairs
            .into_iter()
            .flat_map(|(write, answer)| events_of(write, answer));
        deps.publisher.publish(happened.collect());
    }
    if deps.registry.tails().exist() || deps.ends.are_awaited() {
        for (write, answer) in group.writes.writes.iter().zip(&answers) {
            tell_followers(deps, write, answer);
        }
    }
    let mut answers = answers.into_iter();
    for caller in group.callers {
        let own = answers.by_ref().take(caller.writes).collect();
        // A caller that is gone does not need its answer.
        caller.reply.send(Ok(own)).ok();
    }
}

/// Tells those who follow a task what it logged, and everybody who waits for it that it is over.
fn tell_followers(deps: &PersistenceDeps, write: &Write, answer: &Answer) {
    let over = match (write, answer) {
        (Write::AppendLogs(append), Answer::AppendLogs(AppendLogsAnswer::Stored)) => {
            deps.registry.tails().publish(append);
            return;
        }
        (Write::Change(change), Answer::Change(answer))
            if answer.is_applied() && change.state.is_over() =>
        {
            change.id
        }
        (Write::Cancel(cancel), Answer::Cancel(CancelAnswer::Cancelled(_))) => cancel.id,
        _ => return,
    };
    deps.registry.task_over(over);
    deps.ends.tell(over);
}

impl Group {
    fn split(&mut self) -> Self {
        let callers = self.callers.split_off(self.callers.len() / 2);
        let kept = self.callers.iter().map(|caller| caller.writes).sum();
        let writes = self.writes.writes.split_off(kept);
        Self {
            writes: WriteGroup { writes },
            callers,
        }
    }

    fn refuse(self, error: &StorageError) {
        for caller in self.callers {
            caller.reply.send(Err(WriteError::rejected(error))).ok();
        }
    }

    fn release_impatient(&mut self, now: Duration, error: &StorageError) {
        let mut writes: Vec<Write> = Vec::new();
        let mut patient = Vec::new();
        let mut rest = std::mem::take(&mut self.writes.writes).into_iter();
        for caller in std::mem::take(&mut self.callers) {
            let own = rest.by_ref().take(caller.writes);
            if caller.deadline.is_some_and(|deadline| deadline <= now) {
                own.for_each(drop);
                caller.reply.send(Err(WriteError::unavailable(error))).ok();
            } else {
                writes.extend(own);
                patient.push(caller);
            }
        }
        self.writes.writes = writes;
        self.callers = patient;
    }
}

impl From<Vec<WriteSet>> for Group {
    fn from(sets: Vec<WriteSet>) -> Self {
        let mut writes = Vec::new();
        let mut callers = Vec::new();
        for set in sets {
            callers.push(Caller {
                writes: set.writes.len(),
                reply: set.reply,
                deadline: set.deadline,
            });
            writes.extend(set.writes);
        }
        Self {
            writes: WriteGroup { writes },
            callers,
        }
    }
}
