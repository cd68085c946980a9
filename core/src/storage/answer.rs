use super::deletion::DeleteAnswer;
use super::queue::QueueSettings;
use super::write::NewTask;
use crate::task::{Status, TaskId, TaskRecord};
use crate::time::Timestamp;

/// What became of one write of a group.
#[derive(Clone, Debug)]
pub enum Answer {
    /// To [`Write::Insert`](super::Write::Insert).
    Insert(InsertAnswer),
    /// To [`Write::InsertAll`](super::Write::InsertAll).
    InsertAll(InsertAllAnswer),
    /// To [`Write::Change`](super::Write::Change).
    Change(ChangeAnswer),
    /// To [`Write::Redefine`](super::Write::Redefine).
    Redefine(ChangeAnswer),
    /// To [`Write::AppendLogs`](super::Write::AppendLogs).
    AppendLogs(AppendLogsAnswer),
    /// To [`Write::Cancel`](super::Write::Cancel).
    Cancel(CancelAnswer),
    /// To [`Write::Delete`](super::Write::Delete).
    Delete(DeleteAnswer),
    /// To [`Write::Reconsider`](super::Write::Reconsider).
    Reconsidered,
    /// To [`Write::ChangeQueue`](super::Write::ChangeQueue).
    ChangeQueue(ChangeQueueAnswer),
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

/// What became of tasks that are stored all or not at all.
#[derive(Clone, Debug, PartialEq)]
pub enum InsertAllAnswer {
    /// All are stored, by this write or an earlier one: what became of each.
    Stored(Vec<InsertAnswer>),
    /// None is stored. These, by their place, could not be.
    Refused(Vec<(usize, InsertAnswer)>),
}

impl InsertAllAnswer {
    /// Decides from what became of each task by itself, whose rows have to be taken back if it is refused.
    pub fn of(tasks: &[NewTask], answers: Vec<InsertAnswer>) -> Self {
        let is_in_the_way = |task: &NewTask, answer: &InsertAnswer| match answer {
            InsertAnswer::Stored => false,
            InsertAnswer::Exists(found) => !task.is_stored_as(found),
            InsertAnswer::KeyTaken(_) => true,
        };
        let refused: Vec<_> = tasks
            .iter()
            .zip(&answers)
            .enumerate()
            .filter(|(_, (task, answer))| is_in_the_way(task, answer))
            .map(|(place, (_, answer))| (place, answer.clone()))
            .collect();
        if refused.is_empty() {
            Self::Stored(answers)
        } else {
            Self::Refused(refused)
        }
    }
}

/// What became of a conditional change or redefinition.
#[derive(Clone, Debug, PartialEq)]
pub enum ChangeAnswer {
    /// The row says what the change said, because of this write or of an earlier one whose answer
    /// was lost; see [`RowChange::is_applied_to`](super::RowChange::is_applied_to).
    Applied,
    /// The row says what the change said; these of its follow-ups were left out, because their id or
    /// active key was taken. Answered once: a repeated change is [`Applied`](Self::Applied).
    AppliedWithout(Vec<TaskId>),
    /// The row has another generation; it was left alone.
    Refused(Box<TaskRecord>),
    /// There is no such row.
    Missing,
}

impl ChangeAnswer {
    /// The answer to a change that was applied, and of whose follow-ups these were left out.
    pub fn applied_without(left_out: Vec<TaskId>) -> Self {
        if left_out.is_empty() {
            Self::Applied
        } else {
            Self::AppliedWithout(left_out)
        }
    }

    /// Whether the row says what the change said.
    pub fn is_applied(&self) -> bool {
        matches!(self, Self::Applied | Self::AppliedWithout(_))
    }

    /// The follow-ups that were left out.
    pub fn left_out(&self) -> &[TaskId] {
        match self {
            Self::AppliedWithout(left_out) => left_out,
            Self::Applied | Self::Refused(_) | Self::Missing => &[],
        }
    }
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

/// What became of a change of a queue.
#[derive(Clone, Debug, PartialEq)]
pub enum ChangeQueueAnswer {
    /// It is made, by this write or an earlier one; these are the settings now.
    Changed(QueueSettings),
    /// The queue is so already, by what others did or because nothing was ever decided about it.
    Unchanged(Option<QueueSettings>),
}

/// What a claim took.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimAnswer {
    /// The rows as they are after the claim, in order.
    pub tasks: Vec<ClaimedTask>,
    /// Whether every claimable row was taken that the quota admits.
    pub exhausted: bool,
    /// Whether the claim is exhausted and rows are due that the quota does not admit, in lanes that are
    /// not [throttled](Self::throttled).
    pub passed_over: bool,
    /// The types of tasks, by name, and limit keys of which rows are due that were passed over because
    /// their key is [throttled](crate::concurrency::ClaimQuota::throttle), sorted; none unless the claim
    /// is exhausted.
    pub throttled: Vec<(String, String)>,
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
