//! Where the tasks of a test live: a storage that outlives runtimes, can be watched, and can fail.

use std::sync::Arc;

use evertask::storage::{
    Answer, AuditEntry, CancelAnswer, ChangeAnswer, NewTask, ProcessStart, StorageBackend,
    TaskStorage, Write, WriteGroup,
};
use evertask::task::ProcessId;
use evertask::time::SystemClock;
use evertask::{
    AttemptRecord, EverTask, MemoryStorage, SqlStorage, Status, StorageError, TaskId, TaskRecord,
};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::session::{Fault, Held, Picks, Seen, Session};
use crate::stage::soon;

/// A storage on which runtimes start, crash and start again.
#[derive(Clone, Debug)]
pub(super) struct Home {
    backend: Arc<dyn StorageBackend>,
    seen: Arc<Seen>,
    reader: Arc<OnceCell<Arc<dyn TaskStorage>>>,
    /// Where the database lies, if it is a file.
    pub(super) directory: Option<Arc<TempDir>>,
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
        Self {
            backend,
            seen: Arc::default(),
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

#[async_trait::async_trait]
impl StorageBackend for Home {
    async fn open(&self, start: ProcessStart) -> Result<Arc<dyn TaskStorage>, StorageError> {
        let inner = self.backend.open(start).await?;
        Ok(Arc::new(Session::new(inner, &self.seen)))
    }
}
