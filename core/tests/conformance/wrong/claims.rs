//! Mistakes with claims.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use evertask_core::audit::AuditLevel;
use evertask_core::concurrency::{ClaimQuota, QuotaKeys};
use evertask_core::rank::Rank;
use evertask_core::storage::{
    Answer, AuditEntry, ClaimAnswer, ClaimTasks, ClaimedTask, QueueSelector, ReconsiderWaiting,
    RowChange, StorageError, TaskStorage, Write, WriteGroup,
};
use evertask_core::task::{ProcessId, RowState, TaskId, TaskRecord};
use evertask_core::time::Timestamp;
use parking_lot::Mutex;

use super::bent::{Applied, Mistake};

/// Calls `edit` with each claim of a group.
fn edited(group: &WriteGroup, edit: impl Fn(&mut ClaimTasks)) -> WriteGroup {
    let mut group = group.clone();
    for write in &mut group.writes {
        if let Write::Claim(claim) = write {
            edit(claim);
        }
    }
    group
}

fn claims(group: &WriteGroup) -> impl Iterator<Item = &ClaimTasks> {
    group.writes.iter().filter_map(|write| match write {
        Write::Claim(claim) => Some(claim),
        Write::Insert(_)
        | Write::Change(_)
        | Write::InsertAll(_)
        | Write::Redefine(_)
        | Write::Cancel(_)
        | Write::Delete(_)
        | Write::Reconsider(_)
        | Write::ChangeQueue(_)
        | Write::AppendLogs(_) => None,
    })
}

/// Calls `edit` with what each claim of a group brought.
async fn answered(
    inner: &dyn TaskStorage,
    group: &WriteGroup,
    edit: impl Fn(&ClaimTasks, &mut ClaimAnswer) + Send + Sync,
) -> Applied {
    let mut answers = inner.apply(group).await?;
    for (write, answer) in group.writes.iter().zip(&mut answers) {
        if let (Write::Claim(claim), Answer::Claim(answer)) = (write, answer) {
            edit(claim, answer);
        }
    }
    Ok(answers)
}

/// Clears the owner of a row.
async fn set_free(inner: &dyn TaskStorage, record: &TaskRecord) -> Applied {
    let change = RowChange {
        id: record.definition.id,
        expected: record.generation,
        generation: record.generation,
        state: RowState {
            owner: None,
            ..record.state.clone()
        },
        audit: Vec::new(),
        attempts: Vec::new(),
        runs: Vec::new(),
        follow_ups: Vec::new(),
        missed: 0,
        has_progressed: false,
        audit_level: AuditLevel::Full,
    };
    let writes = vec![Write::Change(Box::new(change))];
    inner.apply(&WriteGroup { writes }).await
}

/// Takes rows whose time has not come.
#[derive(Debug)]
pub(super) struct ClaimsEarly(Mutex<Timestamp>);

impl ClaimsEarly {
    const LATE: Timestamp = Timestamp::MAX_UTC;

    pub(super) fn new() -> Self {
        Self(Mutex::new(Timestamp::UNIX_EPOCH))
    }
}

#[async_trait]
impl Mistake for ClaimsEarly {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        for claim in claims(group) {
            *self.0.lock() = claim.now;
        }
        inner
            .apply(&edited(group, |claim| claim.now = Self::LATE))
            .await
    }

    async fn audit(
        &self,
        inner: &dyn TaskStorage,
        id: TaskId,
    ) -> Result<Vec<AuditEntry>, StorageError> {
        let mut audit = inner.audit(id).await?;
        for entry in audit.iter_mut().filter(|entry| entry.at == Self::LATE) {
            entry.at = *self.0.lock();
        }
        Ok(audit)
    }
}

/// Takes only what is due.
#[derive(Debug)]
pub(super) struct ClaimsNothingAhead;

#[async_trait]
impl Mistake for ClaimsNothingAhead {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let none = |claim: &mut ClaimTasks| claim.ahead = Duration::ZERO;
        inner.apply(&edited(group, none)).await
    }
}

/// Claims ahead as if it were that late already.
#[derive(Debug)]
pub(super) struct ClaimsInTheFuture;

#[async_trait]
impl Mistake for ClaimsInTheFuture {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let late = |claim: &mut ClaimTasks| {
            claim.now = claim.horizon();
            claim.ahead = Duration::ZERO;
        };
        inner.apply(&edited(group, late)).await
    }
}

/// Takes rows whose owner lives.
#[derive(Debug, Default)]
pub(super) struct ClaimsFromTheLiving(Mutex<Vec<ProcessId>>);

#[async_trait]
impl Mistake for ClaimsFromTheLiving {
    fn opened(&self, _: &Arc<dyn TaskStorage>, process: ProcessId) {
        self.0.lock().push(process);
    }

    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let [Write::Claim(claim)] = &group.writes[..] else {
            return inner.apply(group).await;
        };
        let processes = self.0.lock().clone();
        for process in processes {
            for (id, _) in inner.owned(process, &claim.queues).await? {
                if let Some(record) = inner.task(id).await? {
                    set_free(inner, &record).await?;
                }
            }
        }
        inner.apply(group).await
    }
}

/// Hands rows out without keeping who has them.
#[derive(Debug)]
pub(super) struct ClaimsTwice;

#[async_trait]
impl Mistake for ClaimsTwice {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let answers = inner.apply(group).await?;
        for answer in &answers {
            let Answer::Claim(claimed) = answer else {
                continue;
            };
            for task in &claimed.tasks {
                set_free(inner, &task.record).await?;
            }
        }
        Ok(answers)
    }
}

/// Takes one row more than asked for.
#[derive(Debug)]
pub(super) struct ClaimsOneTooMany;

#[async_trait]
impl Mistake for ClaimsOneTooMany {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let more = |claim: &mut ClaimTasks| claim.limit = claim.limit.saturating_add(1);
        inner.apply(&edited(group, more)).await
    }
}

/// Does not look at the size of payloads.
#[derive(Debug)]
pub(super) struct IgnoresSize;

#[async_trait]
impl Mistake for IgnoresSize {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let all = |claim: &mut ClaimTasks| claim.max_bytes = usize::MAX;
        inner.apply(&edited(group, all)).await
    }
}

/// Takes rows that wait for a reason.
#[derive(Debug, Default)]
pub(super) struct IgnoresWaitReasons(Mutex<HashSet<String>>);

#[async_trait]
impl Mistake for IgnoresWaitReasons {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        for write in &group.writes {
            if let Write::Insert(new) = write {
                self.0.lock().insert(new.record.definition.task.clone());
            }
        }
        if let [Write::Claim(_)] = &group.writes[..] {
            let known_tasks = self.0.lock().iter().cloned().collect();
            let writes = vec![Write::Reconsider(ReconsiderWaiting { known_tasks })];
            inner.apply(&WriteGroup { writes }).await?;
        }
        inner.apply(group).await
    }
}

/// Takes two queues for one if their names differ in case only.
#[derive(Debug, Default)]
pub(super) struct IsCaseBlind(Mutex<HashSet<String>>);

#[async_trait]
impl Mistake for IsCaseBlind {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        for write in &group.writes {
            if let Write::Insert(new) = write {
                self.0.lock().insert(new.record.definition.queue.clone());
            }
        }
        let blind = edited(group, |claim| {
            let names = self.0.lock();
            let is_one = |name: &String, of: &[String]| {
                of.iter()
                    .any(|other| other.to_lowercase() == name.to_lowercase())
            };
            let excepted: Vec<_> = match &claim.queues {
                QueueSelector::Only(only) => {
                    let only = std::slice::from_ref(only);
                    let others = names.iter().filter(|name| !is_one(name, only));
                    others.cloned().collect()
                }
                QueueSelector::AllExcept(except) => {
                    let alike = names.iter().filter(|name| is_one(name, except));
                    alike.cloned().collect()
                }
            };
            claim.queues = QueueSelector::AllExcept(excepted);
        });
        inner.apply(&blind).await
    }
}

/// Says that nothing is left whenever it took less than asked for, and only then.
#[derive(Debug)]
pub(super) struct GuessesWhatIsLeft;

#[async_trait]
impl Mistake for GuessesWhatIsLeft {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        answered(inner, group, |claim, answer| {
            let limit = usize::try_from(claim.limit).unwrap_or(usize::MAX);
            answer.exhausted = answer.tasks.len() < limit;
        })
        .await
    }
}

/// Does not say when the next row is due.
#[derive(Debug)]
pub(super) struct ForgetsWhatIsToCome;

#[async_trait]
impl Mistake for ForgetsWhatIsToCome {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        answered(inner, group, |_, answer| answer.next_available_at = None).await
    }
}

/// Takes rows that are due for rows that are to come.
#[derive(Debug)]
pub(super) struct TakesDueForToCome;

#[async_trait]
impl Mistake for TakesDueForToCome {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        answered(inner, group, |claim, answer| {
            if !answer.exhausted {
                answer.next_available_at = Some(claim.now);
            }
        })
        .await
    }
}

/// Does not say which rows were taken from the dead.
#[derive(Debug)]
pub(super) struct ForgetsTheDead;

#[async_trait]
impl Mistake for ForgetsTheDead {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        answered(inner, group, |_, answer| {
            for task in &mut answer.tasks {
                task.interrupted = false;
            }
        })
        .await
    }
}

/// Does not notice when a process dies.
#[derive(Debug, Default)]
pub(super) struct NeverNoticesADeath(Mutex<Vec<Arc<dyn TaskStorage>>>);

impl Mistake for NeverNoticesADeath {
    fn opened(&self, session: &Arc<dyn TaskStorage>, _: ProcessId) {
        self.0.lock().push(Arc::clone(session));
    }
}

/// Says that more is left even when nothing is.
#[derive(Debug)]
pub(super) struct IsNeverExhausted;

#[async_trait]
impl Mistake for IsNeverExhausted {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        answered(inner, group, |_, answer| answer.exhausted = false).await
    }
}

/// Takes rows from whatever queue.
#[derive(Debug)]
pub(super) struct IgnoresQueues;

#[async_trait]
impl Mistake for IgnoresQueues {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let every = |claim: &mut ClaimTasks| {
            claim.queues = QueueSelector::AllExcept(Vec::new());
        };
        inner.apply(&edited(group, every)).await
    }
}

/// Says of every row that it was taken from the dead.
#[derive(Debug)]
pub(super) struct SuspectsEverybody;

#[async_trait]
impl Mistake for SuspectsEverybody {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        answered(inner, group, |_, answer| {
            for task in &mut answer.tasks {
                task.interrupted = true;
            }
        })
        .await
    }
}

/// Takes rows in the order of their instants, whatever their priority.
#[derive(Debug)]
pub(super) struct IgnoresPriorities;

#[async_trait]
impl Mistake for IgnoresPriorities {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let none = |claim: &mut ClaimTasks| claim.ageing = Duration::ZERO;
        inner.apply(&edited(group, none)).await
    }
}

/// Lets nobody who has waited overtake a higher priority.
#[derive(Debug)]
pub(super) struct NeverAges;

#[async_trait]
impl Mistake for NeverAges {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let strict = |claim: &mut ClaimTasks| claim.ageing = Duration::MAX;
        inner.apply(&edited(group, strict)).await
    }
}

/// Ranks the rows it takes, after it has taken those that were due first.
#[derive(Debug)]
pub(super) struct RanksOnlyWhatItTakes;

#[async_trait]
impl Mistake for RanksOnlyWhatItTakes {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let none = |claim: &mut ClaimTasks| claim.ageing = Duration::ZERO;
        let mut answers = inner.apply(&edited(group, none)).await?;
        for (write, answer) in group.writes.iter().zip(&mut answers) {
            if let (Write::Claim(claim), Answer::Claim(answer)) = (write, answer) {
                let rank = |task: &ClaimedTask| Rank::of(&task.record, claim.ageing);
                answer.tasks.sort_by_key(rank);
            }
        }
        Ok(answers)
    }
}

/// Takes rows of which no more may run.
#[derive(Debug)]
pub(super) struct IgnoresQuotas;

#[async_trait]
impl Mistake for IgnoresQuotas {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let none = |claim: &mut ClaimTasks| claim.quota = ClaimQuota::default();
        inner.apply(&edited(group, none)).await
    }
}

/// Does not say that it passed over rows.
#[derive(Debug)]
pub(super) struct PassesOverInSilence;

#[async_trait]
impl Mistake for PassesOverInSilence {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        answered(inner, group, |_, answer| answer.passed_over = false).await
    }
}

/// Says of every claim that it passed over rows.
#[derive(Debug)]
pub(super) struct AlwaysPassesOver;

#[async_trait]
impl Mistake for AlwaysPassesOver {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        answered(inner, group, |_, answer| answer.passed_over = true).await
    }
}

/// Takes rows of keys that have no budget.
#[derive(Debug)]
pub(super) struct IgnoresThrottles;

#[async_trait]
impl Mistake for IgnoresThrottles {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let none = |claim: &mut ClaimTasks| {
            if !claim.quota.saturated().lanes.is_empty() {
                claim.quota = ClaimQuota::default();
            }
        };
        inner.apply(&edited(group, none)).await
    }
}

/// Names keys without budget whether they have rows or not.
#[derive(Debug)]
pub(super) struct NamesEveryThrottle;

#[async_trait]
impl Mistake for NamesEveryThrottle {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        answered(inner, group, |claim, answer| {
            let mut quota = claim.quota.clone();
            for task in &answer.tasks {
                quota.take(QuotaKeys::of(&task.record.definition));
            }
            if answer.exhausted {
                answer.throttled = quota.throttled(|_| true);
            }
        })
        .await
    }
}

/// Names only keys that had no budget from the start.
#[derive(Debug)]
pub(super) struct ForgetsWhatBecameThrottled;

#[async_trait]
impl Mistake for ForgetsWhatBecameThrottled {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        answered(inner, group, |claim, answer| {
            let told = claim.quota.throttled(|_| true);
            answer.throttled.retain(|key| told.contains(key));
        })
        .await
    }
}

/// Says of rows without budget that they wait for a turn.
#[derive(Debug)]
pub(super) struct TakesThrottledForSaturated;

#[async_trait]
impl Mistake for TakesThrottledForSaturated {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        answered(inner, group, |_, answer| {
            answer.passed_over |= !answer.throttled.is_empty();
        })
        .await
    }
}
