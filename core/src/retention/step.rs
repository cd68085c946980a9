use std::fmt;

use uuid::Uuid;

use super::scope::RetentionScope;
use crate::log::LogLine;
use crate::task::{AttemptOutcome, DeliveryId, Failure, Status, TaskId};
use crate::time::Timestamp;

/// One pass of a cycle: what is let go of, of which tasks.
///
/// A step is done batch by batch. Each is small, commits by itself and may be repeated, so a cycle
/// can stop between any two of them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RetentionStep {
    /// The tasks it is about.
    pub scope: RetentionScope,
    /// What of them.
    pub target: RetentionTarget,
}

/// What a step lets go of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RetentionTarget {
    /// Lines of the status audit, by when the status changed.
    StatusAudit(HistoryCutoffs),
    /// Runs of series, by when they ended.
    Runs(HistoryCutoffs),
    /// Attempts, by when they started.
    Attempts(HistoryCutoffs),
    /// Log lines written before an instant.
    LogsByAge {
        /// The instant.
        before: Timestamp,
    },
    /// Log lines of a task beyond its newest `keep`, by instant, sequence and delivery, so that the
    /// same ones stay however often it is done.
    LogsByCount {
        /// How many stay.
        keep: u64,
        /// Lines before this instant are gone already, and a preview must not count them again.
        aged_before: Option<Timestamp>,
    },
    /// Tasks that are over, with whatever is left of them.
    Tasks(PurgeTasks),
}

/// Up to when lines of a history are let go of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct HistoryCutoffs {
    /// For lines that tell of no failure: those before this instant.
    pub successes: Timestamp,
    /// For lines that do.
    pub errors: Timestamp,
}

/// Which tasks are purged.
///
/// A line of a history *holds* its task if its window has not passed. The passes before have
/// deleted all others, unless they were interrupted; so this says the same as "has no lines", and
/// it can also be asked beforehand.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PurgeTasks {
    /// How they ended.
    pub ended: EndedTasks,
    /// They last ran before this instant, or were created before it if they never ran.
    pub before: Timestamp,
    /// When a line of the status audit holds; `None`: each does.
    pub status_audit: Option<HistoryCutoffs>,
    /// When a run holds; `None`: each does.
    pub runs: Option<HistoryCutoffs>,
    /// When an attempt holds; `None`: none does, they go with the task.
    pub attempts: Option<HistoryCutoffs>,
    /// When a log line holds.
    pub logs: LogGuard,
}

/// Whether log lines keep their task from being purged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogGuard {
    /// They don't, and go with it: no log retention is active.
    None,
    /// Each does: logs are limited by number only.
    Any,
    /// Those written at that instant or later.
    From(Timestamp),
}

/// Tasks that are over, by how they ended.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum EndedTasks {
    /// One-shots that completed.
    Completed,
    /// One-shots that failed.
    Failed,
    /// One-shots that were cancelled.
    Cancelled,
    /// Series that are over.
    Series,
}

/// How far a step has come, in the words of the storage that answered it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RetentionCursor {
    /// The row with that number is the last one that was looked at.
    Number(i64),
    /// The row with that id is.
    Id(Uuid),
    /// The task with that id is the first one that was not looked at to its end.
    Task(TaskId),
    /// A task has too many log lines: those older than its oldest line to keep are yet to go.
    Surplus(TaskId, LogAge),
}

/// Where a log line stands among those of its task when they are ordered by age; the oldest first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct LogAge {
    /// When it was logged.
    pub at: Timestamp,
    /// Its place in its delivery.
    pub sequence: u32,
    /// Its delivery.
    pub delivery: DeliveryId,
}

/// What became of one batch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RetentionBatch {
    /// How many rows were let go of; may be none although more follow.
    pub rows: u64,
    /// Where the next batch begins; `None` once the step is done.
    pub next: Option<RetentionCursor>,
}

impl HistoryCutoffs {
    /// Whether a line of the status audit, or a run, is let go of.
    pub fn lets_go_of_status(
        &self,
        at: Timestamp,
        status: Status,
        failure: Option<&Failure>,
    ) -> bool {
        self.lets_go(at, failure.is_some() || status == Status::Failed)
    }

    /// Whether an attempt is let go of.
    pub fn lets_go_of_attempt(
        &self,
        started_at: Timestamp,
        outcome: AttemptOutcome,
        failure: Option<&Failure>,
    ) -> bool {
        let is_error = failure.is_some() || outcome == AttemptOutcome::Failed;
        self.lets_go(started_at, is_error)
    }

    fn lets_go(&self, at: Timestamp, is_error: bool) -> bool {
        let cutoff = if is_error {
            self.errors
        } else {
            self.successes
        };
        at < cutoff
    }
}

impl LogAge {
    /// The age of a line.
    pub fn of(line: &LogLine) -> Self {
        Self {
            at: line.at,
            sequence: line.sequence,
            delivery: line.delivery,
        }
    }
}

impl LogGuard {
    /// Whether a line that was logged at that instant keeps its task.
    pub fn holds(self, at: Timestamp) -> bool {
        match self {
            Self::None => false,
            Self::Any => true,
            Self::From(instant) => at >= instant,
        }
    }
}

impl EndedTasks {
    /// The one-shots' status; `None` for series.
    pub fn status(self) -> Option<Status> {
        match self {
            Self::Completed => Some(Status::Completed),
            Self::Failed => Some(Status::Failed),
            Self::Cancelled => Some(Status::Cancelled),
            Self::Series => None,
        }
    }
}

impl RetentionTarget {
    /// The name of the pass, for logs and reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::StatusAudit(_) => "status_audit",
            Self::Runs(_) => "runs",
            Self::Attempts(_) => "attempts",
            Self::LogsByAge { .. } => "logs_by_age",
            Self::LogsByCount { .. } => "logs_by_count",
            Self::Tasks(purge) => match purge.ended {
                EndedTasks::Completed => "completed_tasks",
                EndedTasks::Failed => "failed_tasks",
                EndedTasks::Cancelled => "cancelled_tasks",
                EndedTasks::Series => "finished_series",
            },
        }
    }
}

impl fmt::Display for RetentionStep {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} of {}", self.target.name(), self.scope)
    }
}
