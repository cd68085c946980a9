//! Where the tasks of a test live: a storage that outlives runtimes, can be watched, and can fail.

use std::collections::VecDeque;
use std::sync::Arc;

use evertask::storage::{
    Answer, AuditEntry, CancelAnswer, ChangeAnswer, NewTask, ProcessStart, QueueSelector,
    StorageBackend, TaskStorage, Write, WriteGroup,
};
use evertask::task::{Generation, ProcessId, RowState, TaskDefinition};
use evertask::time::{SystemClock, Timestamp};
use evertask::{
    AttemptRecord, EverTask, MemoryStorage, SqlStorage, Status, StorageError, StorageErrorKind,
    Task, TaskId, TaskRecord,
};
use parking_lot::Mutex;
use tempfile::TempDir;
use tokio::sync::{OnceCell, watch};
use uuid::Uuid;

use crate::stage::{Numbered, soon};

/// A storage on which runtimes start, crash and start again.
#[derive(Clone, Debug)]
pub(super) struct Home {
    backend: Arc<dyn StorageBackend>,
    seen: Arc<Seen>,
    reader: Arc<OnceCell<Arc<dyn TaskStorage>>>,
    /// Where the database lies, if it is a file.
    pub(super) directory: Option<Arc<TempDir>>,
}

/// What all sessions of a home have in common.
#[derive(Debug)]
struct Seen {
    open: watch::Sender<usize>,
    committed: watch::Sender<Vec<(Write, Answer)>>,
    held: watch::Sender<Held>,
    stuck: watch::Sender<Vec<Write>>,
    faults: Mutex<VecDeque<(usize, Fault, Picks)>>,
    rules_broken: Mutex<Vec<&'static str>>,
}

/// What is held until the test releases it.
#[derive(Clone, Copy, Debug)]
enum Held {
    Nothing,
    Groups,
    Answers(Picks),
}

/// Which writes a fault is for: a group is hit if it holds one of them.
pub(super) type Picks = fn(&Write) -> bool;

/// What goes wrong with one group.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fault {
    /// The database can't be used; nothing is stored.
    Transient,
    /// The database refuses the group for what it says; nothing is stored.
    Rejected,
    /// The answer of the commit is lost; everything is stored.
    LostAfterCommit,
    /// The answer of the commit is lost; nothing is stored.
    LostBeforeCommit,
}

impl Home {
    /// A storage in memory.
    pub(super) fn memory() -> Self {
        Self::new(Arc::new(MemoryStorage::new()), None)
    }

    /// A storage in a file of a directory that is removed with the last clone.
    pub(super) fn sqlite() -> Self {
        let directory = tempfile::tempdir().expect("a directory for the database");
        let storage = SqlStorage::sqlite(directory.path().join("tasks.db"));
        Self::new(Arc::new(storage), Some(Arc::new(directory)))
    }

    fn new(backend: Arc<dyn StorageBackend>, directory: Option<Arc<TempDir>>) -> Self {
        let seen = Seen {
            open: watch::Sender::new(0),
            committed: watch::Sender::default(),
            held: watch::Sender::new(Held::Nothing),
            stuck: watch::Sender::default(),
            faults: Mutex::default(),
            rules_broken: Mutex::default(),
        };
        Self {
            backend,
            seen: Arc::new(seen),
            reader: Arc::default(),
            directory,
        }
    }

    /// Lets the next `times` groups that hold such a write fail.
    pub(super) fn fail(&self, times: usize, fault: Fault, picks: Picks) {
        self.seen.faults.lock().push_back((times, fault, picks));
    }

    /// How many failures are still to come.
    pub(super) fn faults_left(&self) -> usize {
        self.seen
            .faults
            .lock()
            .iter()
            .map(|(times, ..)| times)
            .sum()
    }

    /// Lets nothing fail any more; answers how many failures did not come about.
    pub(super) fn recover(&self) -> usize {
        let left = self.faults_left();
        self.seen.faults.lock().clear();
        left
    }

    /// Lets no group through until [`release`](Self::release).
    pub(super) fn hold(&self) {
        self.seen.held.send_replace(Held::Groups);
    }

    /// Answers no group that has such a write until [`release`](Self::release).
    pub(super) fn hold_answers(&self, picks: Picks) {
        self.seen.held.send_replace(Held::Answers(picks));
    }

    pub(super) fn release(&self) {
        self.seen.held.send_replace(Held::Nothing);
    }

    /// Waits until a group is held that has such a write.
    pub(super) async fn stuck_with(&self, picks: Picks) {
        let mut stuck = self.seen.stuck.subscribe();
        let wanted = stuck.wait_for(|writes| writes.iter().any(picks));
        soon(wanted).await.expect("the home exists");
    }

    /// Everything that was committed by runtimes, in order.
    pub(super) fn committed(&self) -> Vec<(Write, Answer)> {
        self.seen.committed.borrow().clone()
    }

    /// Waits until runtimes have committed so many of these writes.
    pub(super) async fn commits(&self, count: usize, picks: impl Fn(&Write, &Answer) -> bool) {
        let mut committed = self.seen.committed.subscribe();
        let enough = committed.wait_for(|committed| {
            let picked = committed
                .iter()
                .filter(|(write, answer)| picks(write, answer));
            picked.count() >= count
        });
        soon(enough).await.expect("the home exists");
    }

    /// Ends a runtime as a crash would, and waits until its storage is let go.
    pub(super) async fn crash(&self, evertask: EverTask) {
        drop(evertask);
        let mut open = self.seen.open.subscribe();
        soon(open.wait_for(|open| *open == 0))
            .await
            .expect("the home exists");
    }

    /// Ends a runtime in order, and waits until its storage is let go.
    pub(super) async fn shut_down(&self, evertask: EverTask) {
        soon(evertask.shutdown()).await.expect("no fault");
        self.crash(evertask).await;
        assert_eq!(*self.seen.rules_broken.lock(), [""; 0]);
    }

    /// Stores rows as a process that then dies.
    pub(super) async fn seed(&self, rows: impl FnOnce(ProcessId) -> Vec<TaskRecord>) {
        let start = process_start();
        let session = self.backend.open(start).await.expect("the storage opens");
        let inserts = rows(start.id).into_iter().map(|record| {
            let audit = Vec::new();
            Write::Insert(Box::new(NewTask { record, audit }))
        });
        let group = WriteGroup {
            writes: inserts.collect(),
        };
        session.apply(&group).await.expect("the rows are stored");
    }

    /// The storage as another process sees it.
    pub(super) async fn reader(&self) -> &Arc<dyn TaskStorage> {
        let open = || async { self.backend.open(process_start()).await };
        self.reader
            .get_or_try_init(open)
            .await
            .expect("the storage opens")
    }

    /// A session of its own, which dies when dropped.
    pub(super) async fn process(&self) -> (ProcessId, Arc<dyn TaskStorage>) {
        let start = process_start();
        let session = self.backend.open(start).await.expect("the storage opens");
        (start.id, session)
    }

    pub(super) async fn find(&self, id: TaskId) -> Option<TaskRecord> {
        let found = self.reader().await.task(id).await;
        found.expect("the storage can be read")
    }

    pub(super) async fn row(&self, id: TaskId) -> TaskRecord {
        self.find(id).await.expect("the task exists")
    }

    pub(super) async fn status(&self, id: TaskId) -> Status {
        self.row(id).await.state.status
    }

    pub(super) async fn audit(&self, id: TaskId) -> Vec<AuditEntry> {
        let audit = self.reader().await.audit(id).await;
        audit.expect("the storage can be read")
    }

    pub(super) async fn audited(&self, id: TaskId) -> Vec<Status> {
        let audit = self.audit(id).await;
        audit.into_iter().map(|entry| entry.status).collect()
    }

    pub(super) async fn attempts(&self, id: TaskId) -> Vec<AttemptRecord> {
        let attempts = self.reader().await.attempts(id).await;
        attempts.expect("the storage can be read")
    }
}

/// Picks the writes that move a row to that status.
pub(super) fn becomes(status: Status) -> impl Fn(&Write, &Answer) -> bool {
    move |write, answer| match (write, answer) {
        (Write::Change(change), Answer::Change(ChangeAnswer::Applied)) => {
            change.state.status == status
        }
        (Write::Cancel(_), Answer::Cancel(CancelAnswer::Cancelled(_))) => {
            status == Status::Cancelled
        }
        _ => false,
    }
}

fn process_start() -> ProcessStart {
    let at = SystemClock::shared().now();
    ProcessStart {
        id: ProcessId(Uuid::now_v7()),
        at,
    }
}

/// A row of the numbered task, due at `at` and waiting without an owner.
pub(super) fn waiting(number: u32, at: Timestamp) -> TaskRecord {
    TaskRecord {
        definition: TaskDefinition {
            id: TaskId(Uuid::from_u128(u128::from(number) + 1)),
            created_at: at,
            task: Numbered::NAME.to_owned(),
            payload_version: Numbered::VERSION,
            payload: number.to_string(),
            queue: "default".to_owned(),
            scheduled_at: None,
            priority: 0,
            tags: Vec::new(),
            correlation_id: None,
            parent_id: None,
            series_id: None,
            occurrence_at: None,
            limit_key: None,
            retry: None,
            timeout: None,
            trace: None,
        },
        generation: Generation::default(),
        state: RowState::waiting(at),
    }
}

/// A row that was in the window of `owner`.
pub(super) fn queued(number: u32, at: Timestamp, owner: ProcessId) -> TaskRecord {
    TaskRecord {
        state: RowState::queued(at, owner),
        ..waiting(number, at)
    }
}

/// The id of a row made by [`waiting`] or [`queued`].
pub(super) fn id_of(number: u32) -> TaskId {
    waiting(number, Timestamp::UNIX_EPOCH).definition.id
}

#[async_trait::async_trait]
impl StorageBackend for Home {
    async fn open(&self, start: ProcessStart) -> Result<Arc<dyn TaskStorage>, StorageError> {
        let inner = self.backend.open(start).await?;
        self.seen.open.send_modify(|open| *open += 1);
        Ok(Arc::new(Session {
            inner: Some(inner),
            seen: Arc::clone(&self.seen),
            unresolved: Mutex::default(),
        }))
    }
}

/// One start's view of a home.
#[derive(Debug)]
struct Session {
    /// Gone only while dropping.
    inner: Option<Arc<dyn TaskStorage>>,
    seen: Arc<Seen>,
    /// A group of which the caller does not know what became, with its answers if it is stored.
    unresolved: Mutex<Option<(String, Option<Vec<Answer>>)>>,
}

impl Session {
    fn inner(&self) -> &dyn TaskStorage {
        &**self.inner.as_ref().expect("the session is open")
    }

    async fn commit(&self, group: &WriteGroup) -> Result<Vec<Answer>, StorageError> {
        let answers = self.inner().apply(group).await?;
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
        self.inner().attempts(id).await
    }

    async fn audit(&self, id: TaskId) -> Result<Vec<AuditEntry>, StorageError> {
        self.inner().audit(id).await
    }

    async fn owned(
        &self,
        owner: ProcessId,
        queues: &QueueSelector,
    ) -> Result<Vec<(TaskId, Generation)>, StorageError> {
        self.inner().owned(owner, queues).await
    }

    async fn close(&self) -> Result<(), StorageError> {
        self.inner().close().await
    }
}
