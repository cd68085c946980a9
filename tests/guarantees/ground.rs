//! A storage whose steps a test can hold or fail, and of which it knows when nobody uses it.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use evertask::retention::{RetentionBatch, RetentionCursor, RetentionStep};
use evertask::storage::query::TaskQueries;
use evertask::storage::{
    Answer, AuditEntry, ProcessStart, QueueSelector, StorageBackend, TaskStorage, WriteGroup,
};
use evertask::task::{AttemptRecord, Generation, ProcessId, RunRecord};
use evertask::{MemoryStorage, SqlStorage, StorageError, StorageErrorKind, TaskId, TaskRecord};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::server::Server;
use crate::stage::soon;

/// A storage under the control of a test; clones share everything.
#[derive(Clone)]
pub(crate) struct Ground {
    backend: Arc<dyn StorageBackend>,
    steps: Steps,
    sessions: watch::Sender<usize>,
    /// What has to live as long as the storage.
    _place: Arc<dyn Any + Send + Sync>,
}

/// A step of a storage.
pub(crate) enum Step<'a> {
    /// A group is about to be applied.
    Group(&'a WriteGroup),
    /// A group is applied and its answers are on their way.
    Answers(&'a [Answer]),
    /// The rows of an owner are about to be read.
    Owned,
    /// A batch of a step of retention is about to be done.
    Retention,
}

/// A step that is held until this is told to go on or dropped.
pub(crate) struct Held {
    reached: watch::Receiver<bool>,
    go: watch::Sender<bool>,
}

#[derive(Clone, Default)]
struct Steps(Arc<Mutex<Vec<Rule>>>);

struct Rule {
    applies: Box<dyn Fn(&Step<'_>) -> bool + Send>,
    action: Action,
}

enum Action {
    /// Holds the first such step.
    Hold(watch::Sender<bool>, watch::Receiver<bool>),
    /// Fails every such step, and counts.
    Fail(watch::Sender<usize>),
}

impl fmt::Debug for Ground {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Ground")
            .field("backend", &self.backend)
            .finish_non_exhaustive()
    }
}

impl Ground {
    pub(crate) fn memory() -> Self {
        Self::of(MemoryStorage::new(), ())
    }

    pub(crate) fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let storage = SqlStorage::sqlite(directory.path().join("jobs.db"));
        Self::of(storage, directory)
    }

    /// A storage on a server, if one is named.
    pub(crate) fn server(server: Server) -> Option<Self> {
        let place = server.place()?;
        Some(Self::of(place.storage(), place))
    }

    fn of(backend: impl StorageBackend, place: impl Any + Send + Sync) -> Self {
        Self {
            backend: Arc::new(backend),
            steps: Steps::default(),
            sessions: watch::Sender::new(0),
            _place: Arc::new(place),
        }
    }

    /// Holds the next step that `applies`.
    pub(crate) fn hold(&self, applies: impl Fn(&Step<'_>) -> bool + Send + 'static) -> Held {
        let (reach, reached) = watch::channel(false);
        let (go, going) = watch::channel(false);
        self.add(applies, Action::Hold(reach, going));
        Held { reached, go }
    }

    /// Fails every group that `applies`, and answers how many that are.
    pub(crate) fn fail(
        &self,
        applies: impl Fn(&Step<'_>) -> bool + Send + 'static,
    ) -> watch::Receiver<usize> {
        let (count, failed) = watch::channel(0);
        self.add(applies, Action::Fail(count));
        failed
    }

    fn add(&self, applies: impl Fn(&Step<'_>) -> bool + Send + 'static, action: Action) {
        let applies = Box::new(applies);
        self.steps.0.lock().push(Rule { applies, action });
    }

    /// Waits until every process that opened it has let go of it.
    pub(crate) async fn unused(&self) {
        let mut sessions = self.sessions.subscribe();
        soon(sessions.wait_for(|sessions| *sessions == 0))
            .await
            .unwrap();
    }
}

impl Held {
    /// Waits until the step is reached.
    pub(crate) async fn reached(&mut self) {
        soon(self.reached.wait_for(|reached| *reached))
            .await
            .unwrap();
    }

    /// Lets the step go on.
    pub(crate) fn go(self) {
        self.go.send_replace(true);
    }
}

impl Steps {
    async fn take(&self, step: Step<'_>) -> Result<(), StorageError> {
        let going = {
            let mut rules = self.0.lock();
            let found = rules.iter().position(|rule| (rule.applies)(&step));
            let Some(index) = found else {
                return Ok(());
            };
            if let Action::Fail(count) = &rules[index].action {
                count.send_modify(|count| *count += 1);
                let doing = "do what the test forbids";
                return Err(StorageError::new(StorageErrorKind::Rejected, doing));
            }
            let Action::Hold(reached, going) = rules.remove(index).action else {
                return Ok(());
            };
            reached.send_replace(true);
            going
        };
        let mut going = going;
        // An error means that the test no longer holds it.
        going.wait_for(|go| *go).await.ok();
        Ok(())
    }
}

impl fmt::Debug for Steps {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Steps")
    }
}

#[async_trait]
impl StorageBackend for Ground {
    async fn open(&self, start: ProcessStart) -> Result<Arc<dyn TaskStorage>, StorageError> {
        let session = self.backend.open(start).await?;
        self.sessions.send_modify(|sessions| *sessions += 1);
        let session = Some(session);
        let ground = self.clone();
        Ok(Arc::new(Session { session, ground }))
    }
}

#[derive(Debug)]
struct Session {
    /// There until dropped.
    session: Option<Arc<dyn TaskStorage>>,
    ground: Ground,
}

impl Session {
    fn session(&self) -> &dyn TaskStorage {
        self.session.as_deref().expect("it is not dropped yet")
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.session = None;
        self.ground.sessions.send_modify(|sessions| *sessions -= 1);
    }
}

#[async_trait]
impl TaskStorage for Session {
    async fn apply(&self, group: &WriteGroup) -> Result<Vec<Answer>, StorageError> {
        self.ground.steps.take(Step::Group(group)).await?;
        let answers = self.session().apply(group).await?;
        self.ground.steps.take(Step::Answers(&answers)).await?;
        Ok(answers)
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
        self.ground.steps.take(Step::Owned).await?;
        self.session().owned(owner, queues).await
    }

    async fn retain(
        &self,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
        limit: u32,
    ) -> Result<RetentionBatch, StorageError> {
        self.ground.steps.take(Step::Retention).await?;
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
