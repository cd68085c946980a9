//! A dispatch with a key that a task holds already.
//!
//! Nobody locks a key. What the holder is was answered by the storage a moment ago; what is decided
//! from that is written only if the row has not moved on, and decided again if it has.

use evertask_core::key::{
    DispatchKind, Holder, KeptReason, KeyDecision, Redefined, decide, redefine,
};
use evertask_core::lease::RowLease;
use evertask_core::storage::{Answer, ChangeAnswer, InsertAnswer, Write};
use evertask_core::task::{Status, TaskDefinition, TaskRecord};

use super::admitted::Admitted;
use super::answer::{DispatchOutcome, Dispatched};
use super::error::DispatchError;
use crate::scheduler::{look_when_due, recall};

/// How often a row may move on under a dispatch before it gives up: other processes can make it do
/// so, but each of them has got what it wanted then.
const TRIES: usize = 16;

impl Admitted {
    /// Stores the task, or comes to terms with the one that holds its key.
    pub(super) async fn come_to_terms(
        self,
        holder: TaskRecord,
    ) -> Result<Dispatched, DispatchError> {
        let key = holder.state.active_key.clone().unwrap_or_default();
        let _turn = self.deps.key_turns.take(&key).await;
        let mut known = Some(holder);
        for _ in 0..TRIES {
            let found = match known.take() {
                Some(found) => found,
                None => match self.insert().await? {
                    InsertAnswer::Stored => return self.hand_over(DispatchOutcome::Created),
                    InsertAnswer::Exists(found) => return self.recognise(*found),
                    InsertAnswer::KeyTaken(found) => *found,
                },
            };
            if self.take_back(&found).await {
                continue;
            }
            let moved_on = match self.decide(&found).await {
                KeyDecision::Keep(reason) => return Ok(Self::leave(&found, reason)),
                KeyDecision::Redefine(how) => {
                    let answer = self.redefine(&found, how).await?;
                    if answer.is_applied() {
                        return Ok(Dispatched::new(found.id(), how.into()));
                    }
                    answer
                }
                KeyDecision::Insert => continue,
                KeyDecision::ReleaseAndInsert => self.release(&found).await?,
            };
            // Only as long as it holds the key, the row is what this is about.
            known = match moved_on {
                ChangeAnswer::Refused(current) => {
                    Some(*current).filter(|row| row.state.active_key.as_ref() == Some(&key))
                }
                ChangeAnswer::Applied | ChangeAnswer::AppliedWithout(_) | ChangeAnswer::Missing => {
                    None
                }
            };
        }
        Err(DispatchError::KeyContended { key })
    }

    /// A holder that waits in memory for its instant is not under way yet: its row is given back.
    async fn take_back(&self, found: &TaskRecord) -> bool {
        let deps = &self.deps;
        let held = (&deps.scheduler, &deps.registry);
        recall(found.id(), held, (&*deps.clock, deps.patience)).await
    }

    async fn decide(&self, found: &TaskRecord) -> KeyDecision {
        let registry = &self.deps.registry;
        let id = found.id();
        let wanted = kind_of(&self.row.record.definition);
        let is_own = self.row.record.definition.parent_id == Some(id);
        if found.state.status == Status::Cancelled && wanted == DispatchKind::Series && !is_own {
            // Its last delivery, or one that a claim is bringing, would take the new life for the one
            // that was cancelled. It has been told to stop; how long it may take is bounded here.
            let patience = self.deps.clock.sleep(self.deps.patience);
            tokio::select! {
                () = registry.quiet(id) => {}
                () = patience => {}
            }
        }
        let is_delivered = !registry.is_quiet(id);
        let holder = Holder::of(found, is_delivered);
        let decision = decide(Some(&holder), wanted, self.deps.clock.now());
        match &self.row.record.definition.series {
            Some(series) => self.revive.restrict(decision, found, series),
            None => decision,
        }
    }

    fn leave(found: &TaskRecord, reason: KeptReason) -> Dispatched {
        let id = found.id();
        let (task, key) = (&found.definition.task, &found.definition.key);
        tracing::warn!(%id, task, ?key, ?reason, "a dispatch was left to the task that holds its key");
        Dispatched::new(id, DispatchOutcome::Existing(reason))
    }

    /// Gives the holder of the key this work, and has its queue look for it when it is due.
    async fn redefine(
        &self,
        found: &TaskRecord,
        how: Redefined,
    ) -> Result<ChangeAnswer, DispatchError> {
        let wanted = self.row.record.definition.clone();
        let now = self.deps.clock.now();
        let redefinition = redefine(found, wanted, how, now).map_err(|error| {
            let reason = error.to_string();
            DispatchError::Series { reason }
        })?;
        let due = redefinition.record.state.available_at;
        let answer = self.write(Write::Redefine(Box::new(redefinition))).await?;
        let Answer::Redefine(answer) = answer else {
            return Err(self.unknown());
        };
        if answer == ChangeAnswer::Applied {
            look_when_due(&self.deps.scheduler, &self.gate, due.unwrap_or(now), now);
        }
        Ok(answer)
    }

    /// Has a task that is over give up the key that it held for a time.
    async fn release(&self, found: &TaskRecord) -> Result<ChangeAnswer, DispatchError> {
        let change = RowLease::new(found).give_up_key();
        let answer = self.write(Write::Change(Box::new(change))).await?;
        let Answer::Change(answer) = answer else {
            return Err(self.unknown());
        };
        Ok(answer)
    }
}

/// What kind of task is asked for.
pub(super) fn kind_of(definition: &TaskDefinition) -> DispatchKind {
    match definition.scheduled_at {
        _ if definition.series.is_some() => DispatchKind::Series,
        Some(at) if at > definition.created_at => DispatchKind::Delayed,
        _ => DispatchKind::Immediate,
    }
}
