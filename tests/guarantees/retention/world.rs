use std::sync::Arc;

use chrono::TimeDelta;
use evertask::storage::{
    Answer, AuditEntry, InsertAnswer, NewTask, ProcessStart, StorageBackend, TaskStorage, Write,
    WriteGroup,
};
use evertask::task::{Generation, ProcessId, RowState, TaskDefinition};
use evertask::time::{Clock, Timestamp};
use evertask::{
    Builder, EndedTasks, EverTask, Failure, FailureKind, Queue, RetentionPolicy, RetentionRules,
    Status, Task, TaskId, TaskRecord, Window,
};
use uuid::Uuid;

use crate::ground::Ground;
use crate::one_shot::clock::StagedClock;
use crate::server::Server;
use crate::stage::{Numbered, Watch, soon};

/// A storage with a past, and a clock.
pub(super) struct World {
    pub(super) ground: Ground,
    pub(super) clock: StagedClock,
}

impl World {
    pub(super) fn memory() -> Self {
        Self::on(Ground::memory())
    }

    pub(super) fn sqlite() -> Self {
        Self::on(Ground::sqlite())
    }

    /// A world on a server, if one is named.
    pub(super) fn server(server: Server) -> Option<Self> {
        Ground::server(server).map(Self::on)
    }

    fn on(ground: Ground) -> Self {
        let clock = StagedClock::new();
        Self { ground, clock }
    }

    /// A runtime with this policy.
    pub(super) async fn start(&self, policy: RetentionPolicy) -> EverTask {
        soon(self.builder().retention(policy).start())
            .await
            .unwrap()
    }

    pub(super) fn builder(&self) -> Builder {
        EverTask::builder()
            .storage(self.ground.clone())
            .queue(Queue::new(Queue::DEFAULT).parallelism(4).capacity(50))
            .clock(self.clock.clone())
            .handler(Watch::open())
    }

    pub(super) fn days_ago(&self, days: i64) -> Timestamp {
        self.clock.now() - TimeDelta::days(days)
    }

    /// Opens the storage as another process.
    pub(super) async fn open(&self) -> Arc<dyn TaskStorage> {
        let start = ProcessStart {
            id: ProcessId(Uuid::now_v7()),
            at: self.clock.now(),
        };
        self.ground.open(start).await.unwrap()
    }

    /// Stores a task that completed that many days ago, with lines of history.
    pub(super) async fn completed(&self, days: i64, audit: Vec<AuditEntry>) -> TaskId {
        let record = completed(self.days_ago(days));
        let id = record.definition.id;
        let insert = Write::Insert(Box::new(NewTask { record, audit }));
        let group = WriteGroup {
            writes: vec![insert],
        };
        let answers = self.open().await.apply(&group).await.unwrap();
        assert!(matches!(
            answers[..],
            [Answer::Insert(InsertAnswer::Stored)]
        ));
        id
    }

    pub(super) async fn exists(&self, id: TaskId) -> bool {
        self.open().await.task(id).await.unwrap().is_some()
    }

    pub(super) async fn lines(&self, id: TaskId) -> usize {
        self.open().await.audit(id).await.unwrap().len()
    }
}

/// Lets completed tasks go after a week.
pub(super) fn a_week() -> RetentionPolicy {
    RetentionPolicy::new(RetentionRules::uniform(Window::days(7)).purge(EndedTasks::Completed))
}

pub(super) fn success(at: Timestamp) -> AuditEntry {
    AuditEntry::of(Status::Completed, at)
}

pub(super) fn error(at: Timestamp) -> AuditEntry {
    AuditEntry {
        failure: Some(Failure::new(FailureKind::Other, "gone")),
        ..AuditEntry::of(Status::Failed, at)
    }
}

fn completed(at: Timestamp) -> TaskRecord {
    TaskRecord {
        definition: TaskDefinition::new(TaskId(Uuid::now_v7()), Numbered::NAME, "1", at),
        generation: Generation(0),
        state: RowState {
            status: Status::Completed,
            available_at: None,
            last_execution_at: Some(at),
            ..RowState::waiting(at)
        },
    }
}
