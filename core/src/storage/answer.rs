use crate::task::{Status, TaskRecord};
use crate::time::Timestamp;

/// What became of one write of a group.
#[derive(Clone, Debug)]
pub enum Answer {
    /// To [`Write::Insert`](super::Write::Insert).
    Insert(InsertAnswer),
    /// To [`Write::Change`](super::Write::Change).
    Change(ChangeAnswer),
    /// To [`Write::AppendLogs`](super::Write::AppendLogs).
    AppendLogs(AppendLogsAnswer),
    /// To [`Write::Cancel`](super::Write::Cancel).
    Cancel(CancelAnswer),
    /// To [`Write::Reconsider`](super::Write::Reconsider).
    Reconsidered,
    /// To [`Write::Claim`](super::Write::Claim).
    Claim(ClaimAnswer),
}

/// What became of an insert.
#[derive(Clone, Debug, PartialEq)]
pub enum InsertAnswer {
    /// The row is stored.
    Stored,
    /// A row of that id was there already and was left alone.
    Exists(Box<TaskRecord>),
    /// Another task holds the active key; nothing was stored.
    KeyTaken(Box<TaskRecord>),
}

/// What became of a conditional change.
#[derive(Clone, Debug, PartialEq)]
pub enum ChangeAnswer {
    /// The row says what the change said, because of this write or of an earlier one whose answer
    /// was lost; see [`RowChange::is_applied_to`](super::RowChange::is_applied_to).
    Applied,
    /// The row has another generation; it was left alone.
    Refused(Box<TaskRecord>),
    /// There is no such row.
    Missing,
}

/// What became of log lines.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AppendLogsAnswer {
    /// The lines are stored, by this write or an earlier one.
    Stored,
    /// There is no such task; nothing is stored.
    Missing,
}

/// What became of a cancel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CancelAnswer {
    /// The task is cancelled; before, it had this status.
    Cancelled(Status),
    /// The task was over already and was left alone.
    AlreadyOver(Status),
    /// There is no such task.
    Unknown,
}

/// What a claim took.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimAnswer {
    /// The rows as they are after the claim, in order.
    pub tasks: Vec<ClaimedTask>,
    /// Whether every claimable row was taken that the quota admits.
    pub exhausted: bool,
    /// Whether the claim is exhausted and rows are due that the quota does not admit.
    pub passed_over: bool,
    /// When the next row of these queues becomes claimable, if one waits for its time.
    ///
    /// Rows owned by a living process don't count: their owner knows of them.
    pub next_available_at: Option<Timestamp>,
}

/// A claimed row.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimedTask {
    /// The row.
    pub record: TaskRecord,
    /// Whether it was taken from a dead owner, so it may be what killed it.
    pub interrupted: bool,
}
