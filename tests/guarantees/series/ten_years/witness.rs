//! A storage in memory that notes what is committed about series, and can die between two commits.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use evertask::retention::{RetentionBatch, RetentionCursor, RetentionStep};
use evertask::storage::query::TaskQueries;
use evertask::storage::{
    Answer, AuditEntry, InsertAnswer, ProcessStart, QueueSelector, RowChange, StorageBackend,
    TaskStorage, Write, WriteGroup,
};
use evertask::task::{AttemptRecord, Generation, ProcessId, RunRecord};
use evertask::time::Timestamp;
use evertask::{MemoryStorage, Status, StorageError, TaskId, TaskRecord};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::course::Standing;

/// Clones share everything.
#[derive(Clone)]
pub(super) struct Witness {
    storage: MemoryStorage,
    book: Arc<Mutex<Book>>,
    /// Changes whenever something happens.
    stirs: watch::Sender<u64>,
    sessions: watch::Sender<usize>,
}

/// What is known of the series.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) series: HashMap<TaskId, Seen>,
    /// The tasks beside a series.
    beside: HashMap<TaskId, (TaskId, i64)>,
    /// How the next groups fare, if the process is to die.
    death: Option<Death>,
    /// Whether it is dead.
    pub(super) is_dead: bool,
    pub(super) commits: u64,
}

/// What was seen of one series.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) standing: Standing,
    /// The occurrences that ran beside it and have ended.
    pub(super) ended: BTreeSet<i64>,
    /// Tasks beside it that ended more than once.
    pub(super) doubled: Vec<i64>,
}

/// When a process dies: after how many more commits, and whether the one after them is stored
/// without its writer hearing of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Death {
    pub(super) after: u32,
    pub(super) is_last_stored: bool,
}

impl Witness {
    pub(super) fn new(stirs: watch::Sender<u64>) -> Self {
        Self {
            storage: MemoryStorage::new(),
            book: Arc::default(),
            stirs,
            sessions: watch::Sender::default(),
        }
    }

    pub(super) fn read<V>(&self, read: impl FnOnce(&Book) -> V) -> V {
        read(&self.book.lock())
    }

    pub(super) fn dies(&self, death: Option<Death>) {
        let mut book = self.book.lock();
        (book.death, book.is_dead) = (death, false);
    }

    /// Returns when no process uses it.
    pub(super) async fn unused(&self) {
        let mut sessions = self.sessions.subscribe();
        let unused = sessions.wait_for(|sessions| *sessions == 0);
        unused.await.expect("the witness exists");
    }

    fn stir(&self) {
        self.stirs.send_modify(|stirs| *stirs += 1);
    }
}

impl Book {
    fn note(&mut self, group: &WriteGroup, answers: &[Answer]) {
        self.commits += 1;
        for pair in group.writes.iter().zip(answers) {
            match pair {
                (Write::Insert(new), Answer::Insert(InsertAnswer::Stored)) => {
                    self.note_insert(&new.record);
                }
                (Write::Change(change), Answer::Change(answer)) if answer.is_applied() => {
                    self.note_change(change);
                }
                _ => {}
            }
        }
    }

    fn note_insert(&mut self, record: &TaskRecord) {
        if record.definition.series.is_some() {
            let seen = self.series.entry(record.id()).or_default();
            seen.standing.due = record.state.next_run_at.map(second);
        }
    }

    fn note_change(&mut self, change: &RowChange) {
        for task in &change.follow_ups {
            let definition = &task.record.definition;
            let occurrence = definition.series_id.zip(definition.occurrence_at);
            if let Some((series, at)) = occurrence {
                self.beside.insert(task.record.id(), (series, second(at)));
            }
        }
        if let Some(seen) = self.series.get_mut(&change.id) {
            let state = &change.state;
            seen.standing = Standing {
                due: state.next_run_at.map(second),
                runs: state.run_count,
                failures_in_row: state.failures_in_row,
                missed: seen.standing.missed + change.missed,
            };
        }
        let has_ended = matches!(change.state.status, Status::Completed | Status::Failed);
        if let Some((series, at)) = self.beside.get(&change.id).filter(|_| has_ended)
            && let Some(seen) = self.series.get_mut(series)
            && !seen.ended.insert(*at)
        {
            seen.doubled.push(*at);
        }
    }

    /// Whether the process may apply a group, and whether it hears of it.
    fn fate(&mut self) -> (bool, bool) {
        let Some(death) = &mut self.death else {
            return (true, true);
        };
        if self.is_dead {
            return (false, false);
        }
        if death.after > 0 {
            death.after -= 1;
            return (true, true);
        }
        self.is_dead = true;
        (death.is_last_stored, false)
    }
}

/// A schedule has whole seconds.
fn second(at: Timestamp) -> i64 {
    assert_eq!(at.timestamp_subsec_nanos(), 0, "{at}");
    at.timestamp()
}

impl fmt::Debug for Witness {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Witness").finish_non_exhaustive()
    }
}

#[async_trait]
impl StorageBackend for Witness {
    async fn open(&self, start: ProcessStart) -> Result<Arc<dyn TaskStorage>, StorageError> {
        let session = Some(self.storage.open(start).await?);
        self.sessions.send_modify(|sessions| *sessions += 1);
        let witness = self.clone();
        Ok(Arc::new(Session { session, witness }))
    }

    fn is_durable(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct Session {
    /// There until dropped.
    session: Option<Arc<dyn TaskStorage>>,
    witness: Witness,
}

impl Session {
    fn session(&self) -> &dyn TaskStorage {
        self.session.as_deref().expect("it is not dropped yet")
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // First the process dies, then the test is told.
        self.session = None;
        self.witness.sessions.send_modify(|sessions| *sessions -= 1);
    }
}

#[async_trait]
impl TaskStorage for Session {
    async fn apply(&self, group: &WriteGroup) -> Result<Vec<Answer>, StorageError> {
        let (is_stored, is_heard) = self.witness.book.lock().fate();
        let mut answered = Ok(Vec::new());
        if is_stored {
            answered = self.session().apply(group).await;
            if let Ok(answers) = &answered {
                self.witness.book.lock().note(group, answers);
            }
        }
        self.witness.stir();
        if !is_heard {
            std::future::pending::<()>().await;
        }
        answered
    }

    async fn task(&self, id: TaskId) -> Result<Option<TaskRecord>, StorageError> {
        self.session().task(id).await
    }

    async fn attempts(&self, id: TaskId) -> Result<Vec<AttemptRecord>, StorageError> {
        self.session().attempts(id).await
    }

    async fn audit(&self, id: TaskId) -> Result<Vec<AuditEntry>, StorageError> {
        self.session().audit(id).await
    }

    async fn runs(&self, id: TaskId) -> Result<Vec<RunRecord>, StorageError> {
        self.session().runs(id).await
    }

    async fn owned(
        &self,
        owner: ProcessId,
        queues: &QueueSelector,
    ) -> Result<Vec<(TaskId, Generation)>, StorageError> {
        self.session().owned(owner, queues).await
    }

    async fn retain(
        &self,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
        limit: u32,
    ) -> Result<RetentionBatch, StorageError> {
        self.session().retain(step, from, limit).await
    }

    async fn preview(
        &self,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
    ) -> Result<RetentionBatch, StorageError> {
        self.session().preview(step, from).await
    }

    fn queries(&self) -> &dyn TaskQueries {
        self.session().queries()
    }

    async fn close(&self) -> Result<(), StorageError> {
        self.session().close().await
    }
}
