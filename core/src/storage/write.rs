use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::deletion::DeleteTask;
use super::queue::ChangeQueue;
use crate::audit::AuditLevel;
use crate::concurrency::ClaimQuota;
use crate::log::LogLine;
use crate::rank::DEFAULT_AGEING;
use crate::task::{
    AttemptRecord, Failure, Generation, RowState, RunRecord, Status, TaskId, TaskRecord,
};
use crate::time::{Timestamp, later};

/// Writes that commit together, each answered on its own.
///
/// A storage applies them in this order, whatever their order in the group: inserts, inserts of all or
/// nothing, changes, the follow-ups of the changes that were applied, redefinitions, log lines, cancels, deletions,
/// reconsiderations, changes of queues, claims. A claim therefore sees everything else the group did.
#[derive(Clone, Debug, Default)]
pub struct WriteGroup {
    /// The writes; the answers come in their order.
    pub writes: Vec<Write>,
}

/// One write.
#[derive(Clone, Debug)]
pub enum Write {
    /// Stores a new task, unless one of its id or its active key is stored.
    Insert(Box<NewTask>),
    /// Stores all of these tasks, or none of them.
    ///
    /// One [that is stored already](NewTask::is_stored_as) is in nobody's way. Any other one whose id or
    /// active key is taken, also by a task before it, keeps all of them from being stored.
    InsertAll(Vec<NewTask>),
    /// Moves a row on, if it is where the writer believes it is.
    Change(Box<RowChange>),
    /// Gives a row other work, if it is where the writer believes it is.
    Redefine(Box<Redefinition>),
    /// Keeps what a task logged.
    AppendLogs(AppendLogs),
    /// Cancels a task on behalf of a person, wherever it is.
    Cancel(CancelTask),
    /// Removes a task that is over, if it is where the writer believes it is.
    Delete(Box<DeleteTask>),
    /// Lets rows that could not run be looked at again.
    Reconsider(ReconsiderWaiting),
    /// Changes a queue for all processes.
    ChangeQueue(ChangeQueue),
    /// Takes rows to work on.
    Claim(ClaimTasks),
}

/// The kinds of writes, in the order in which those of one group are applied.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum WriteKind {
    /// Of [`Write::Insert`].
    Insert,
    /// Of [`Write::InsertAll`].
    InsertAll,
    /// Of [`Write::Change`].
    Change,
    /// Of [`Write::Redefine`].
    Redefine,
    /// Of [`Write::AppendLogs`].
    AppendLogs,
    /// Of [`Write::Cancel`].
    Cancel,
    /// Of [`Write::Delete`].
    Delete,
    /// Of [`Write::Reconsider`].
    Reconsider,
    /// Of [`Write::ChangeQueue`].
    ChangeQueue,
    /// Of [`Write::Claim`].
    Claim,
}

impl Write {
    /// The kind, which says when in its group the write is applied.
    pub fn kind(&self) -> WriteKind {
        match self {
            Self::Insert(_) => WriteKind::Insert,
            Self::InsertAll(_) => WriteKind::InsertAll,
            Self::Change(_) => WriteKind::Change,
            Self::Redefine(_) => WriteKind::Redefine,
            Self::AppendLogs(_) => WriteKind::AppendLogs,
            Self::Cancel(_) => WriteKind::Cancel,
            Self::Delete(_) => WriteKind::Delete,
            Self::Reconsider(_) => WriteKind::Reconsider,
            Self::ChangeQueue(_) => WriteKind::ChangeQueue,
            Self::Claim(_) => WriteKind::Claim,
        }
    }
}

/// A task to store.
#[derive(Clone, Debug, PartialEq)]
pub struct NewTask {
    /// The row.
    pub record: TaskRecord,
    /// The changes of status until here; none for a row that waits.
    pub audit: Vec<AuditEntry>,
}

impl NewTask {
    /// A row as it is stored first: that it waits is not a change of status, that it has a place in
    /// a window is.
    pub fn new(record: TaskRecord) -> Self {
        let is_queued = record.state.status == Status::Queued;
        let entry = AuditEntry::of(Status::Queued, record.definition.created_at);
        Self {
            audit: is_queued.then_some(entry).into_iter().collect(),
            record,
        }
    }

    /// Whether a row of its id is this task: it has the same work to do.
    pub fn is_stored_as(&self, found: &TaskRecord) -> bool {
        let (wanted, found) = (&self.record.definition, &found.definition);
        wanted.task == found.task
            && wanted.payload_version == found.payload_version
            && wanted.payload == found.payload
    }

    /// The lines that are added to the status audit.
    pub fn kept_audit(&self) -> impl Iterator<Item = &AuditEntry> {
        let level = self.record.definition.audit_level;
        self.audit
            .iter()
            .filter(move |entry| entry.is_kept_at(level))
    }
}

/// A line of the status audit.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AuditEntry {
    /// When the status changed.
    pub at: Timestamp,
    /// The status it changed to.
    pub status: Status,
    /// Why, if it was a failure.
    pub failure: Option<Failure>,
    /// Who did it, if it was a person.
    pub actor: Option<String>,
    /// The reason that person gave.
    pub reason: Option<String>,
}

impl AuditEntry {
    /// A change of status that the runtime made by itself.
    pub fn of(status: Status, at: Timestamp) -> Self {
        Self {
            at,
            status,
            failure: None,
            actor: None,
            reason: None,
        }
    }

    /// What a person did is always kept, and nothing but a person cancels.
    fn is_kept_at(&self, level: AuditLevel) -> bool {
        let is_a_persons = self.actor.is_some() || self.status == Status::Cancelled;
        is_a_persons || level.keeps_status(self.status, self.failure.as_ref())
    }
}

/// A conditional write to one row: its mutable part is replaced, audit and attempts are added.
///
/// It is applied only if the row still has the generation `expected`; the row then has the
/// generation `generation`. Created by [`RowLease`](crate::lease::RowLease), a constructor for each
/// transition.
#[derive(Clone, Debug, PartialEq)]
pub struct RowChange {
    /// The row.
    pub id: TaskId,
    /// The generation it must have.
    pub expected: Generation,
    /// The generation it has afterwards.
    pub generation: Generation,
    /// What it says afterwards.
    pub state: RowState,
    /// How much of what follows is kept.
    pub audit_level: AuditLevel,
    /// The changes of status, in order.
    pub audit: Vec<AuditEntry>,
    /// Attempts that ended.
    pub attempts: Vec<AttemptRecord>,
    /// Runs of a series that ended.
    pub runs: Vec<RunRecord>,
    /// Tasks that are stored with this change, in the same commit and only if it is applied.
    ///
    /// A change that was applied before stores none: they were stored with it. One whose id or active
    /// key is taken once all changes of the group are applied is left out, and the answer says so.
    pub follow_ups: Vec<NewTask>,
    /// How many occurrences of a series it leaves out. For those who are told of events; it is not
    /// stored.
    pub missed: u64,
    /// Whether the progress it says is news. For those who are told of events; it is not stored.
    pub has_progressed: bool,
}

impl RowChange {
    /// The lines that are added to the status audit.
    pub fn kept_audit(&self) -> impl Iterator<Item = &AuditEntry> {
        self.audit
            .iter()
            .filter(|entry| entry.is_kept_at(self.audit_level))
    }

    /// The attempts that are stored; a record whose id is stored already is left alone.
    pub fn kept_attempts(&self) -> impl Iterator<Item = &AttemptRecord> {
        self.attempts
            .iter()
            .filter(|attempt| self.audit_level.keeps_attempt(attempt.outcome))
    }

    /// The runs that are stored; a record whose id is stored already is left alone.
    pub fn kept_runs(&self) -> impl Iterator<Item = &RunRecord> {
        let level = self.audit_level;
        self.runs
            .iter()
            .filter(move |run| level.keeps_run(run.status, run.failure.as_ref()))
    }

    /// Whether `record` says what this change said, so that it was applied before and its answer was
    /// lost.
    ///
    /// The owner is compared too: another process that has taken the row since may have come to the
    /// same generation and status.
    pub fn is_applied_to(&self, record: &TaskRecord) -> bool {
        record.generation == self.generation
            && record.state.status == self.state.status
            && record.state.owner == self.state.owner
    }
}

/// A conditional write to one row that replaces what was asked for, too; what is kept beside the row
/// stays.
///
/// It is applied only if the row still has the generation `expected`. When the row was created never
/// changes, and neither do its active key nor the occurrence it is of: they say what they said.
#[derive(Clone, Debug, PartialEq)]
pub struct Redefinition {
    /// The generation the row must have.
    pub expected: Generation,
    /// The row as it is afterwards, with its new generation.
    pub record: TaskRecord,
    /// The changes of status, in order.
    pub audit: Vec<AuditEntry>,
}

impl Redefinition {
    /// The lines that are added to the status audit, at the level the row has afterwards.
    pub fn kept_audit(&self) -> impl Iterator<Item = &AuditEntry> {
        let level = self.record.definition.audit_level;
        self.audit
            .iter()
            .filter(move |entry| entry.is_kept_at(level))
    }

    /// Whether `record` is what this write made of it, so that it was applied before and its answer
    /// was lost.
    pub fn is_applied_to(&self, record: &TaskRecord) -> bool {
        self.record == *record
    }
}

/// Keeps lines that a task logged; it may be over.
///
/// A line whose delivery and sequence are stored already is left alone.
#[derive(Clone, Debug, PartialEq)]
pub struct AppendLogs {
    /// The task.
    pub id: TaskId,
    /// The lines, in any order.
    pub lines: Vec<LogLine>,
}

/// Cancels a task that is not over.
#[derive(Clone, Debug)]
pub struct CancelTask {
    /// The task.
    pub id: TaskId,
    /// When it was asked for.
    pub at: Timestamp,
    /// Who asked, if known.
    pub actor: Option<String>,
    /// Why, if said.
    pub reason: Option<String>,
}

/// Which queues a claim takes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum QueueSelector {
    /// The queue of that name.
    Only(String),
    /// Every queue but these: how the default pool serves its own queue and those that are no
    /// longer configured.
    AllExcept(Vec<String>),
}

impl QueueSelector {
    /// Whether rows of `queue` are taken.
    pub fn includes(&self, queue: &str) -> bool {
        match self {
            Self::Only(name) => name == queue,
            Self::AllExcept(names) => !names.iter().any(|name| name == queue),
        }
    }
}

/// Takes rows for this process: they become `Queued` and owned by it, their generation rises.
///
/// Claimable is a row that is not [over](RowState::is_over), has no wait reason, is available at the
/// [horizon](Self::horizon) or earlier, and has no owner or a dead one. They are taken in the order of their
/// [`Rank`](crate::rank::Rank). Rows that its [quota](Self::quota) does not admit are passed over and
/// left alone: those behind them are taken all the same. Taking a row of a dead owner that was on probation adds one to its
/// interruptions and ends the probation.
#[derive(Clone, Debug)]
pub struct ClaimTasks {
    /// From which queues.
    pub queues: QueueSelector,
    /// How many rows at most; at least 1.
    pub limit: u32,
    /// How many bytes of payload at most, except that one row is always taken.
    pub max_bytes: usize,
    /// The present instant.
    pub now: Timestamp,
    /// How long before they are due rows are taken; zero takes what is due.
    pub ahead: Duration,
    /// How much waiting a step of priority is worth.
    pub ageing: Duration,
    /// How many rows of which types and concurrency keys; each row that is taken counts.
    pub quota: ClaimQuota,
}

impl ClaimTasks {
    /// Takes everything of these queues that is due at `now`, however much it is.
    pub fn everything(queues: QueueSelector, now: Timestamp) -> Self {
        Self {
            queues,
            limit: u32::MAX,
            max_bytes: usize::MAX,
            now,
            ahead: Duration::ZERO,
            ageing: DEFAULT_AGEING,
            quota: ClaimQuota::default(),
        }
    }

    /// Until when rows have to be due to be taken.
    pub fn horizon(&self) -> Timestamp {
        later(self.now, self.ahead)
    }
}

/// Clears the wait reason and the owner of rows that may have become runnable.
///
/// These are rows without a handler whose task is now known, and rows that could not be decoded by
/// a process that is dead. Written once at each start.
#[derive(Clone, Debug)]
pub struct ReconsiderWaiting {
    /// The task names this process has handlers for, aliases included.
    pub known_tasks: Vec<String>,
}
