use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;

use super::Faults;
use super::call::{Call, Method};
use super::plan::Fault;
use crate::retention::{RetentionBatch, RetentionCursor, RetentionStep};
use crate::storage::query::TaskQueries;
use crate::storage::{
    Answer, AuditEntry, QueueSelector, StorageError, StorageErrorKind, TaskStorage, WriteGroup,
};
use crate::task::{AttemptRecord, Generation, ProcessId, RunRecord, TaskId, TaskRecord};

/// One process's view of a faulty storage.
#[derive(Debug)]
pub(super) struct FaultySession {
    pub(super) inner: Arc<dyn TaskStorage>,
    pub(super) faults: Arc<Faults>,
    unresolved: Mutex<Option<Unresolved>>,
}

/// A group of which the caller does not know what became.
#[derive(Debug)]
struct Unresolved {
    /// Tells the group from any other.
    group: String,
    /// What its caller gets when it repeats the group; `None` if nothing was stored.
    answers: Option<Vec<Answer>>,
    /// How many repetitions learn nothing.
    gone_for: u32,
}

/// What a group meets that a lost reply went before.
enum Found {
    /// There is nothing to find out; the group is to be applied.
    Nothing,
    /// The line is still down.
    Gone,
    /// The group was committed the first time.
    Committed(Vec<Answer>),
}

impl FaultySession {
    pub(super) fn new(inner: Arc<dyn TaskStorage>, faults: Arc<Faults>) -> Self {
        Self {
            inner,
            faults,
            unresolved: Mutex::default(),
        }
    }

    /// Finds out about the group whose reply was lost last, if there is one.
    fn resolve(&self, group: &WriteGroup, number: u64) -> Found {
        let mut slot = self.unresolved.lock();
        let Some(mut unresolved) = slot.take() else {
            return Found::Nothing;
        };
        if unresolved.group != format!("{group:?}") {
            self.faults.log.note_unrepeated(number);
            return Found::Nothing;
        }
        if unresolved.gone_for > 0 && !self.faults.is_healed() {
            unresolved.gone_for -= 1;
            *slot = Some(unresolved);
            return Found::Gone;
        }
        unresolved.answers.map_or(Found::Nothing, Found::Committed)
    }

    async fn lose_reply(
        &self,
        group: &WriteGroup,
        committed: bool,
        gone_for: u32,
    ) -> Result<Vec<Answer>, StorageError> {
        let answers = if committed {
            Some(self.inner.apply(group).await?)
        } else {
            None
        };
        *self.unresolved.lock() = Some(Unresolved {
            group: format!("{group:?}"),
            answers,
            gone_for,
        });
        Err(error(StorageErrorKind::OutcomeUnknown, Method::Apply))
    }
}

impl Faults {
    /// Makes a call of which nothing has to be known when its reply is lost.
    pub(super) async fn call<T>(
        &self,
        method: Method,
        call: impl Future<Output = Result<T, StorageError>> + Send,
    ) -> Result<T, StorageError> {
        let number = self.count(method);
        let group = None;
        match self.strike(&Call {
            method,
            number,
            group,
        }) {
            Some(Fault::Fail(kind)) => Err(error(kind, method)),
            Some(Fault::LoseReply { .. }) => {
                call.await?;
                Err(error(StorageErrorKind::Transient, method))
            }
            late @ (Some(Fault::Delay(_) | Fault::Yield(_)) | None) => {
                self.wait(late).await;
                call.await
            }
        }
    }

    async fn wait(&self, fault: Option<Fault>) {
        match fault {
            Some(Fault::Delay(time)) => self.clock.sleep(time).await,
            Some(Fault::Yield(turns)) => {
                for _ in 0..turns {
                    tokio::task::yield_now().await;
                }
            }
            Some(Fault::Fail(_) | Fault::LoseReply { .. }) | None => {}
        }
    }
}

fn error(kind: StorageErrorKind, method: Method) -> StorageError {
    StorageError::new(kind, format!("{method}: a fault that was asked for"))
}

#[async_trait]
impl TaskStorage for FaultySession {
    async fn apply(&self, group: &WriteGroup) -> Result<Vec<Answer>, StorageError> {
        let number = self.faults.count(Method::Apply);
        match self.resolve(group, number) {
            Found::Nothing => {}
            Found::Gone => return Err(error(StorageErrorKind::OutcomeUnknown, Method::Apply)),
            Found::Committed(answers) => return Ok(answers),
        }
        match self.faults.strike(&Call {
            method: Method::Apply,
            number,
            group: Some(group),
        }) {
            Some(Fault::LoseReply {
                committed,
                gone_for,
            }) => self.lose_reply(group, committed, gone_for).await,
            Some(Fault::Fail(StorageErrorKind::OutcomeUnknown)) => {
                self.lose_reply(group, false, 0).await
            }
            Some(Fault::Fail(kind)) => Err(error(kind, Method::Apply)),
            late @ (Some(Fault::Delay(_) | Fault::Yield(_)) | None) => {
                self.faults.wait(late).await;
                self.inner.apply(group).await
            }
        }
    }

    async fn task(&self, id: TaskId) -> Result<Option<TaskRecord>, StorageError> {
        self.faults.call(Method::Task, self.inner.task(id)).await
    }

    async fn attempts(&self, id: TaskId) -> Result<Vec<AttemptRecord>, StorageError> {
        let attempts = self.inner.attempts(id);
        self.faults.call(Method::Attempts, attempts).await
    }

    async fn audit(&self, id: TaskId) -> Result<Vec<AuditEntry>, StorageError> {
        self.faults.call(Method::Audit, self.inner.audit(id)).await
    }

    async fn runs(&self, id: TaskId) -> Result<Vec<RunRecord>, StorageError> {
        self.faults.call(Method::Runs, self.inner.runs(id)).await
    }

    async fn owned(
        &self,
        owner: ProcessId,
        queues: &QueueSelector,
    ) -> Result<Vec<(TaskId, Generation)>, StorageError> {
        let rows = self.inner.owned(owner, queues);
        self.faults.call(Method::Owned, rows).await
    }

    async fn retain(
        &self,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
        limit: u32,
    ) -> Result<RetentionBatch, StorageError> {
        let batch = self.inner.retain(step, from, limit);
        self.faults.call(Method::Retain, batch).await
    }

    /// Meets no faults, like all that people ask.
    async fn preview(
        &self,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
    ) -> Result<RetentionBatch, StorageError> {
        let batch = self.inner.preview(step, from);
        self.faults.call(Method::Preview, batch).await
    }

    /// What people ask meets no faults: nothing of the runtime depends on it.
    fn queries(&self) -> &dyn TaskQueries {
        self
    }

    async fn close(&self) -> Result<(), StorageError> {
        self.faults.call(Method::Close, self.inner.close()).await
    }
}
