//! How much of a task's history is kept, and that everything else is as it is without it.

mod choice;
mod interruption;
mod levels;
mod writes;

use evertask::{AuditLevel, Status, TaskId};

use crate::one_shot::home::Home;

/// The level, and a number to tell its tasks by.
fn levels() -> impl Iterator<Item = (u32, AuditLevel)> {
    (0..).zip(AuditLevel::ALL)
}

/// How many lines of status, runs and attempts are kept of a task.
async fn kept(home: &Home, id: TaskId) -> (usize, usize, usize) {
    let lines = home.audit(id).await.len();
    let runs = home.runs(id).await.len();
    (lines, runs, home.attempts(id).await.len())
}

/// How many lines of its audit are errors.
async fn errors(home: &Home, id: TaskId) -> usize {
    let audit = home.audit(id).await;
    let errors = audit.iter().filter(|entry| entry.failure.is_some());
    errors.count()
}

/// How many lines of its audit say that status.
async fn lines_of(home: &Home, id: TaskId, status: Status) -> usize {
    let audit = home.audited(id).await;
    audit.iter().filter(|audited| **audited == status).count()
}
