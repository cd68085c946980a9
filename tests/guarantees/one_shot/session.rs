//! A storage as one start has it open, which can be watched, held and made to fail.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use evertask::retention::{RetentionBatch, RetentionCursor, RetentionStep};
use evertask::storage::query::TaskQueries;
use evertask::storage::{Answer, AuditEntry, QueueSelector, TaskStorage, Write, WriteGroup};
use evertask::task::{Generation, ProcessId, RunRecord};
use evertask::{AttemptRecord, StorageError, StorageErrorKind, TaskId, TaskRecord};
use parking_lot::Mutex;
use tokio::sync::watch;

/// What all sessions of a home have in common.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) open: watch::Sender<usize>,
    pub(crate) committed: watch::Sender<Vec<(Write, Answer)>>,
    /// How many writes each of the committed groups has.
    pub(crate) groups: Mutex<Vec<usize>>,
    pub(crate) held: watch::Sender<Held>,
    pub(crate) stuck: watch::Sender<Vec<Write>>,
    pub(crate) faults: Mutex<VecDeque<(usize, Fault, Picks)>>,
    pub(crate) failed: watch::Sender<usize>,
    pub(crate) rules_broken: Mutex<Vec<&'static str>>,
    /// How many attempts were read.
    pub(crate) attempts_read: AtomicUsize,
}

/// What is held until the test releases it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Held {
    #[default]
    Nothing,
    Groups,
    Answers(Picks),
}

/// Which writes a fault is for: a group is hit if it holds one of them.
pub(crate) type Picks = fn(&Write) -> bool;

/// What goes wrong with one group.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    /// The database can't be used; nothing is stored.
    Transient,
    /// The database refuses the group for what it says; nothing is stored.
    Rejected,
    /// The answer of the commit is lost; everything is stored.
    LostAfterCommit,
    /// The answer of the commit is lost; nothing is stored.
    LostBeforeCommit,
}

/// One start's view of a home.
#[derive(Debug)]
pub(crate) struct Session {
    /// Gone only while dropping.
    inner: Option<Arc<dyn TaskStorage>>,
    seen: Arc<Seen>,
    /// A group of which the caller does not know what became, with its answers if it is stored.
    unresolved: Mutex<Option<(String, Option<Vec<Answer>>)>>,
}

impl Session {
    pub(crate) fn new(inner: Arc<dyn TaskStorage>, seen: &Arc<Seen>) -> Self {
        seen.open.send_modify(|open| *open += 1);
        Self {
            inner: Some(inner),
            seen: Arc::clone(seen),
            unresolved: Mutex::default(),
        }
    }

    pub(super) fn note_attempts_read(&self, count: usize) {
        self.seen.attempts_read.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn inner(&self) -> &dyn TaskStorage {
        &**self.inner.as_ref().expect("the session is open")
    }

    async fn commit(&self, group: &WriteGroup) -> Result<Vec<Answer>, StorageError> {
        let answers = self.inner().apply(group).await?;
        self.seen.groups.lock().push(group.writes.len());
        let pairs = group.writes.iter().cloned().zip(answers.iter().cloned());
        self.seen
            .committed
            .send_modify(|committed| committed.extend(pairs));
        self.let_back(group).await;
        Ok(answers)
    }

    async fn let_through(&self, group: &WriteGroup) {
        if matches!(*self.seen.held.borrow(), Held::Groups) {
            self.stick(group).await;
        }
    }

    async fn let_back(&self, group: &WriteGroup) {
        let held = *self.seen.held.borrow();
        if let Held::Answers(picks) = held
            && group.writes.iter().any(picks)
        {
            self.stick(group).await;
        }
    }

    async fn stick(&self, group: &WriteGroup) {
        let mut held = self.seen.held.subscribe();
        self.seen.stuck.send_replace(group.writes.clone());
        let released = held.wait_for(|held| matches!(held, Held::Nothing));
        released.await.expect("the home exists");
        self.seen.stuck.send_replace(Vec::new());
    }

    /// The answers of a group that was stored without its caller knowing.
    fn resolve(&self, group: &WriteGroup) -> Option<Vec<Answer>> {
        let (before, answers) = self.unresolved.lock().take()?;
        if before != format!("{group:?}") {
            let rule = "a group whose outcome is unknown is repeated before any other";
            self.seen.rules_broken.lock().push(rule);
        }
        answers
    }

    fn next_fault(&self, group: &WriteGroup) -> Option<Fault> {
        let mut faults = self.seen.faults.lock();
        let (times, fault, picks) = faults.front_mut()?;
        if !group.writes.iter().any(picks) {
            return None;
        }
        let fault = *fault;
        self.seen.failed.send_modify(|failed| *failed += 1);
        *times -= 1;
        if *times == 0 {
            faults.pop_front();
        }
        Some(fault)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // First the process dies, then the test is told.
        self.inner = None;
        self.seen.open.send_modify(|open| *open -= 1);
    }
}

fn failure(kind: StorageErrorKind) -> StorageError {
    StorageError::new(kind, "a failure that the test asked for")
}

#[async_trait::async_trait]
impl TaskStorage for Session {
    async fn apply(&self, group: &WriteGroup) -> Result<Vec<Answer>, StorageError> {
        self.let_through(group).await;
        if let Some(answers) = self.resolve(group) {
            return Ok(answers);
        }
        let Some(fault) = self.next_fault(group) else {
            return self.commit(group).await;
        };
        match fault {
            Fault::Transient => Err(failure(StorageErrorKind::Transient)),
            Fault::Rejected => Err(failure(StorageErrorKind::Rejected)),
            Fault::LostAfterCommit | Fault::LostBeforeCommit => {
                let answers = if fault == Fault::LostAfterCommit {
                    Some(self.commit(group).await?)
                } else {
                    None
                };
                *self.unresolved.lock() = Some((format!("{group:?}"), answers));
                Err(failure(StorageErrorKind::OutcomeUnknown))
            }
        }
    }

    async fn task(&self, id: TaskId) -> Result<Option<TaskRecord>, StorageError> {
        self.inner().task(id).await
    }

    async fn attempts(&self, id: TaskId) -> Result<Vec<AttemptRecord>, StorageError> {
        let attempts = self.inner().attempts(id).await?;
        self.note_attempts_read(attempts.len());
        Ok(attempts)
    }

    async fn audit(&self, id: TaskId) -> Result<Vec<AuditEntry>, StorageError> {
        self.inner().audit(id).await
    }

    async fn runs(&self, id: TaskId) -> Result<Vec<RunRecord>, StorageError> {
        self.inner().runs(id).await
    }

    async fn owned(
        &self,
        owner: ProcessId,
        queues: &QueueSelector,
    ) -> Result<Vec<(TaskId, Generation)>, StorageError> {
        self.inner().owned(owner, queues).await
    }

    async fn retain(
        &self,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
        limit: u32,
    ) -> Result<RetentionBatch, StorageError> {
        self.inner().retain(step, from, limit).await
    }

    async fn preview(
        &self,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
    ) -> Result<RetentionBatch, StorageError> {
        self.inner().preview(step, from).await
    }

    fn queries(&self) -> &dyn TaskQueries {
        self
    }

    async fn close(&self) -> Result<(), StorageError> {
        self.inner().close().await
    }
}
