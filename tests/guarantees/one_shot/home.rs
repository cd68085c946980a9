//! Where the tasks of a test live: a storage that outlives runtimes, can be watched, and can fail.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use evertask::storage::{
    Answer, AuditEntry, CancelAnswer, ChangeAnswer, NewTask, ProcessStart, StorageBackend,
    TaskStorage, Write, WriteGroup,
};
use evertask::task::ProcessId;
use evertask::time::SystemClock;
use evertask::{
    AttemptRecord, EverTask, MemoryStorage, RunRecord, SqlStorage, Status, StorageError, TaskId,
    TaskRecord,
};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::session::{Fault, Held, Picks, Seen, Session};
use crate::server::{Place, Server};
use crate::stage::soon;

/// A storage on which runtimes start, crash and start again.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    backend: Arc<dyn StorageBackend>,
    seen: Arc<Seen>,
    reader: Arc<OnceCell<Arc<dyn TaskStorage>>>,
    /// Where the database lies, if it is a file.
    pub(crate) directory: Option<Arc<TempDir>>,
    /// Where the tables lie, if it is a server.
    place: Option<Arc<Place>>,
}

impl Home {
    /// A storage in memory.
    pub(crate) fn memory() -> Self {
        Self::new(Arc::new(MemoryStorage::new()))
    }

    /// A storage in a file of a directory that is removed with the last clone.
    pub(crate) fn sqlite() -> Self {
        let directory = tempfile::tempdir().expect("a directory for the database");
        let storage = SqlStorage::sqlite(directory.path().join("tasks.db"));
        Self {
            directory: Some(Arc::new(directory)),
            ..Self::new(Arc::new(storage))
        }
    }

    /// A storage on a server, if one is named.
    pub(crate) fn server(server: Server) -> Option<Self> {
        let place = server.place()?;
        let storage = Arc::new(place.storage());
        Some(Self {
            place: Some(Arc::new(place)),
            ..Self::new(storage)
        })
    }

    fn new(backend: Arc<dyn StorageBackend>) -> Self {
        Self {
            backend,
            seen: Arc::default(),
            reader: Arc::default(),
            directory: None,
            place: None,
        }
    }

    /// Lets the next `times` groups that hold such a write fail.
    pub(crate) fn fail(&self, times: usize, fault: Fault, picks: Picks) {
        self.seen.faults.lock().push_back((times, fault, picks));
    }

    /// Waits until that many groups have failed.
    pub(crate) async fn failures(&self, count: usize) {
        let mut failed = self.seen.failed.subscribe();
        let enough = failed.wait_for(|failed| *failed >= count);
        drop(soon(enough).await.expect("the home exists"));
    }

    /// How many failures are still to come.
    pub(crate) fn faults_left(&self) -> usize {
        self.seen
            .faults
            .lock()
            .iter()
            .map(|(times, ..)| times)
            .sum()
    }

    /// Lets nothing fail any more; answers how many failures did not come about.
    pub(crate) fn recover(&self) -> usize {
        let left = self.faults_left();
        self.seen.faults.lock().clear();
        left
    }

    /// Lets no group through until [`release`](Self::release).
    pub(crate) fn hold(&self) {
        self.seen.held.send_replace(Held::Groups);
    }

    /// Answers no group that has such a write until [`release`](Self::release).
    pub(crate) fn hold_answers(&self, picks: Picks) {
        self.seen.held.send_replace(Held::Answers(picks));
    }

    pub(crate) fn release(&self) {
        self.seen.held.send_replace(Held::Nothing);
    }

    /// Waits until a group is held that has such a write.
    pub(crate) async fn stuck_with(&self, picks: Picks) {
        let mut stuck = self.seen.stuck.subscribe();
        let wanted = stuck.wait_for(|writes| writes.iter().any(picks));
        soon(wanted).await.expect("the home exists");
    }

    /// Everything that was committed by runtimes, in order.
    pub(crate) fn committed(&self) -> Vec<(Write, Answer)> {
        self.seen.committed.borrow().clone()
    }

    /// How many committed groups have such a write.
    pub(crate) fn groups_with(&self, picks: Picks) -> usize {
        let committed = self.committed();
        let mut writes = committed.iter().map(|(write, _)| write);
        let groups = self.seen.groups.lock();
        let picked = groups.iter().filter(|size| {
            let group = writes.by_ref().take(**size);
            group.filter(|write| picks(write)).count() > 0
        });
        picked.count()
    }

    /// Waits until runtimes have committed so many of these writes.
    pub(crate) async fn commits(&self, count: usize, picks: impl Fn(&Write, &Answer) -> bool) {
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
    pub(crate) async fn crash(&self, evertask: EverTask) {
        self.let_die(evertask, self.closed()).await;
    }

    /// Ends a runtime in order, and waits until its storage is let go.
    pub(crate) async fn shut_down(&self, evertask: EverTask) {
        soon(evertask.shutdown()).await.expect("no fault");
        drop(evertask);
        self.closed().await;
        assert_eq!(*self.seen.rules_broken.lock(), [""; 0]);
    }

    /// Lets a process die and returns when the next one can notice: a server sees a moment later
    /// that a connection has lost its client.
    async fn let_die<Process>(&self, process: Process, gone: impl Future<Output = ()>) {
        let Some(place) = &self.place else {
            drop(process);
            return gone.await;
        };
        let before = place.living().await;
        drop(process);
        gone.await;
        soon(place.fewer_living_than(before)).await;
    }

    /// How many attempts runtimes have read.
    pub(crate) fn attempts_read(&self) -> usize {
        self.seen.attempts_read.load(Ordering::Relaxed)
    }

    /// Whether no runtime has the storage open.
    pub(crate) fn is_closed(&self) -> bool {
        *self.seen.open.borrow() == 0
    }

    /// Returns when no runtime has the storage open.
    pub(crate) async fn closed(&self) {
        let mut open = self.seen.open.subscribe();
        let closed = soon(open.wait_for(|open| *open == 0)).await;
        closed.expect("the home exists");
    }

    /// Stores rows as a process that then dies.
    pub(crate) async fn seed(&self, rows: impl FnOnce(ProcessId) -> Vec<TaskRecord>) {
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
        self.let_die(session, async {}).await;
    }

    /// The storage as another process sees it.
    pub(crate) async fn reader(&self) -> &Arc<dyn TaskStorage> {
        let open = || async { self.backend.open(process_start()).await };
        self.reader
            .get_or_try_init(open)
            .await
            .expect("the storage opens")
    }

    /// A session of its own, which dies when dropped.
    pub(crate) async fn process(&self) -> (ProcessId, Arc<dyn TaskStorage>) {
        let start = process_start();
        let session = self.backend.open(start).await.expect("the storage opens");
        (start.id, session)
    }

    pub(crate) async fn find(&self, id: TaskId) -> Option<TaskRecord> {
        let found = self.reader().await.task(id).await;
        found.expect("the storage can be read")
    }

    pub(crate) async fn row(&self, id: TaskId) -> TaskRecord {
        self.find(id).await.expect("the task exists")
    }

    pub(crate) async fn status(&self, id: TaskId) -> Status {
        self.row(id).await.state.status
    }

    pub(crate) async fn audit(&self, id: TaskId) -> Vec<AuditEntry> {
        let audit = self.reader().await.audit(id).await;
        audit.expect("the storage can be read")
    }

    pub(crate) async fn audited(&self, id: TaskId) -> Vec<Status> {
        let audit = self.audit(id).await;
        audit.into_iter().map(|entry| entry.status).collect()
    }

    pub(crate) async fn attempts(&self, id: TaskId) -> Vec<AttemptRecord> {
        let attempts = self.reader().await.attempts(id).await;
        attempts.expect("the storage can be read")
    }

    pub(crate) async fn runs(&self, id: TaskId) -> Vec<RunRecord> {
        let runs = self.reader().await.runs(id).await;
        runs.expect("the storage can be read")
    }
}

/// Picks the writes that move a row to that status.
pub(crate) fn becomes(status: Status) -> impl Fn(&Write, &Answer) -> bool {
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

#[async_trait::async_trait]
impl StorageBackend for Home {
    async fn open(&self, start: ProcessStart) -> Result<Arc<dyn TaskStorage>, StorageError> {
        let inner = self.backend.open(start).await?;
        Ok(Arc::new(Session::new(inner, &self.seen)))
    }
}
