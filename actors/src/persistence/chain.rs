use std::pin::pin;
use std::sync::Arc;

use evertask_core::storage::{Answer, AppendLogs, ChangeAnswer, RowChange, Write};
use evertask_core::task::{Failure, TaskRecord};

use super::client::{Patience, PersistenceClient, Posted, WriteError};

/// The changes one delivery makes to its row, in order, until they are known to be committed.
///
/// Each change starts from the generation the one before ends with. So a change that was posted and
/// not awaited needs no answer: if it did not get through, the next one is refused, the row tells
/// how far it came, and the chain is sent again from there.
#[derive(Default)]
pub(crate) struct ChangeChain {
    changes: Vec<RowChange>,
    /// How many of them have been sent; the others are held.
    sent: usize,
    /// Lines that commit with the next change that is settled.
    logs: Option<AppendLogs>,
}

/// What became of a chain.
#[derive(Debug)]
pub(crate) enum Settled {
    /// All of it is committed.
    Applied,
    /// The row has moved on without this delivery, or is gone.
    Superseded,
    /// The storage refuses the last change with its follow-ups, which the chain has let go of: without
    /// them, or with another outcome, it may be taken.
    Unfollowed(Arc<str>),
    /// The runtime ended, or the storage refuses it for good; the next start decides.
    Abandoned,
}

/// What replaces a failure text that the storage refuses.
const UNSTORABLE: &str = "(the storage refused the text of this failure)";

/// How often a chain is sent at most when its replies are lost or its start is looked for.
const MAX_SENDS: u32 = 8;

impl ChangeChain {
    /// Holds a change until the next one is sent, or [`send_held`](Self::send_held).
    pub(crate) fn hold(&mut self, change: RowChange) {
        self.changes.push(change);
    }

    /// Has lines committed together with the next change that is settled.
    ///
    /// They never decide about the change: a storage that refuses them gets it without them.
    pub(crate) fn attach(&mut self, logs: AppendLogs) {
        self.logs = Some(logs).filter(|logs| !logs.lines.is_empty());
    }

    /// Sends what is held, without waiting for it.
    pub(crate) fn send_held(&mut self, client: &PersistenceClient) {
        if self.sent < self.changes.len() {
            drop(self.send(client));
        }
    }

    /// Lets `act` come to its end; unless it does so at once, what is held is sent meanwhile.
    ///
    /// A handler that has nothing to wait for so has its start committed with its outcome.
    pub(crate) async fn send_held_unless_over<F: Future>(
        &mut self,
        client: &PersistenceClient,
        act: F,
    ) -> F::Output {
        let mut act = pin!(act);
        tokio::select! {
            biased;
            over = &mut act => return over,
            () = tokio::task::yield_now() => {}
        }
        self.send_held(client);
        act.await
    }

    /// Sends a change, and what is held, without waiting for it.
    pub(crate) fn post(&mut self, client: &PersistenceClient, change: RowChange) -> Posted {
        self.changes.push(change);
        self.send(client)
    }

    fn send(&mut self, client: &PersistenceClient) -> Posted {
        let writes = self.writes(self.sent);
        self.sent = self.changes.len();
        client.post(writes, Patience::Endless, false)
    }

    /// Sends a change and waits until it and everything posted before is committed or refused.
    pub(crate) async fn settle(
        &mut self,
        client: &PersistenceClient,
        change: RowChange,
    ) -> Settled {
        let mut from = self.sent;
        self.changes.push(change);
        self.sent = self.changes.len();
        let mut crashed = false;
        let mut texts_replaced = false;
        let mut logs = self.logs.take();
        for _ in 0..MAX_SENDS {
            let append = logs.clone().map(Write::AppendLogs);
            let writes = append.into_iter().chain(self.writes(from)).collect();
            match client.once(writes, Patience::Endless, crashed).await {
                Ok(answers) => match last_change(answers) {
                    Some(answer @ (ChangeAnswer::Applied | ChangeAnswer::AppliedWithout(_))) => {
                        for id in answer.left_out() {
                            tracing::info!(%id, "a follow-up was left out, its id or key is taken");
                        }
                        self.changes.clear();
                        self.sent = 0;
                        return Settled::Applied;
                    }
                    Some(ChangeAnswer::Refused(current)) => match self.continues_at(&current) {
                        Some(position) if position != from => from = position,
                        _ => return Settled::Superseded,
                    },
                    Some(ChangeAnswer::Missing) => return Settled::Superseded,
                    None => from = 0,
                },
                Err(WriteError::Lost) => {
                    crashed = true;
                    from = 0;
                }
                Err(WriteError::Rejected(error)) if logs.is_some() => {
                    tracing::warn!(%error, "log lines were refused, storing the outcome without them");
                    logs = None;
                }
                Err(WriteError::Rejected(error)) if self.has_follow_ups() => {
                    self.changes.pop();
                    self.sent = self.changes.len();
                    return Settled::Unfollowed(error);
                }
                Err(WriteError::Rejected(error)) if !texts_replaced => {
                    tracing::warn!(%error, "an outcome was refused, storing it without its result and its texts");
                    texts_replaced = true;
                    self.replace_texts();
                }
                Err(error @ (WriteError::Rejected(_) | WriteError::Unavailable(_))) => {
                    tracing::error!(%error, "an outcome can't be stored, the task will run again");
                    return Settled::Abandoned;
                }
                Err(WriteError::Ended) => return Settled::Abandoned,
            }
        }
        tracing::error!("an outcome got no answer again and again, the task will run again");
        Settled::Abandoned
    }

    fn writes(&self, from: usize) -> Vec<Write> {
        let changes = self.changes[from..].iter().cloned();
        changes
            .map(|change| Write::Change(Box::new(change)))
            .collect()
    }

    fn has_follow_ups(&self) -> bool {
        let last = self.changes.last();
        last.is_some_and(|change| !change.follow_ups.is_empty())
    }

    /// The first change that the row, as it is, has not seen.
    fn continues_at(&self, current: &TaskRecord) -> Option<usize> {
        self.changes
            .iter()
            .position(|change| change.expected == current.generation)
    }

    fn replace_texts(&mut self) {
        let replace = |failure: &mut Option<Failure>| {
            if let Some(failure) = failure {
                UNSTORABLE.clone_into(&mut failure.text);
            }
        };
        for change in &mut self.changes {
            change.state.result = None;
            change.state.progress = None;
            replace(&mut change.state.failure);
            change
                .audit
                .iter_mut()
                .for_each(|entry| replace(&mut entry.failure));
            change
                .attempts
                .iter_mut()
                .for_each(|attempt| replace(&mut attempt.failure));
        }
    }
}

fn last_change(answers: Vec<Answer>) -> Option<ChangeAnswer> {
    match answers.into_iter().next_back()? {
        Answer::Change(answer) => Some(answer),
        Answer::Insert(_)
        | Answer::InsertAll(_)
        | Answer::Redefine(_)
        | Answer::AppendLogs(_)
        | Answer::Cancel(_)
        | Answer::Delete(_)
        | Answer::Reconsidered
        | Answer::ChangeQueue(_)
        | Answer::Claim(_) => None,
    }
}
