//! What the world hears of a committed write.

use evertask_core::storage::{
    Answer, AuditEntry, CancelAnswer, DeleteAnswer, InsertAllAnswer, InsertAnswer, NewTask,
    RowChange, Write,
};
use evertask_core::task::{AttemptOutcome, Status, TaskId};

use crate::monitor::{Happening, TaskEventKind};

/// Answers what happened, in order, now that `write` is committed with `answer`.
pub(super) fn events_of(write: &Write, answer: &Answer) -> Vec<Happening> {
    match (write, answer) {
        (Write::Insert(task), Answer::Insert(InsertAnswer::Stored)) => stored(task).collect(),
        (Write::InsertAll(tasks), Answer::InsertAll(InsertAllAnswer::Stored(answers))) => {
            let stored_now = tasks.iter().zip(answers);
            let stored_now = stored_now.filter(|(_, answer)| **answer == InsertAnswer::Stored);
            stored_now.flat_map(|(task, _)| stored(task)).collect()
        }
        (Write::Change(change), Answer::Change(answer)) if answer.is_applied() => {
            let mut happened = changes(change);
            let left_out = answer.left_out();
            let follow_ups = change.follow_ups.iter();
            let kept = follow_ups.filter(|task| !left_out.contains(&task.record.id()));
            happened.extend(kept.flat_map(stored));
            happened
        }
        (Write::Redefine(new), Answer::Redefine(answer)) if answer.is_applied() => {
            let at = new.audit.first().map(|entry| entry.at);
            vec![Happening {
                id: new.record.id(),
                at: at.unwrap_or(new.record.definition.created_at),
                kind: match new.record.state.wait_reason {
                    Some(reason) => TaskEventKind::Waiting(reason),
                    None => TaskEventKind::Updated,
                },
            }]
        }
        (Write::Delete(delete), Answer::Delete(DeleteAnswer::Deleted)) => vec![Happening {
            id: delete.deletion.id,
            at: delete.deletion.at,
            kind: TaskEventKind::Deleted,
        }],
        (Write::Cancel(cancel), Answer::Cancel(CancelAnswer::Cancelled(_))) => vec![Happening {
            id: cancel.id,
            at: cancel.at,
            kind: TaskEventKind::Cancelled,
        }],
        (Write::Claim(claim), Answer::Claim(claimed)) => claimed
            .tasks
            .iter()
            .filter(|task| task.record.state.status == Status::Queued)
            .map(|task| Happening {
                id: task.record.definition.id,
                at: claim.now,
                kind: TaskEventKind::Queued,
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn stored(task: &NewTask) -> impl Iterator<Item = Happening> {
    let definition = &task.record.definition;
    let stored = Happening {
        id: definition.id,
        at: definition.created_at,
        kind: TaskEventKind::Dispatched,
    };
    let audited = task
        .audit
        .iter()
        .filter_map(|entry| told(definition.id, entry));
    std::iter::once(stored).chain(audited)
}

fn changes(change: &RowChange) -> Vec<Happening> {
    let state = &change.state;
    let mut happened: Vec<_> = change
        .audit
        .iter()
        .filter_map(|entry| told(change.id, entry))
        .collect();
    if change.missed > 0 {
        let at = change.audit.first().map(|entry| entry.at);
        let missed = Happening {
            id: change.id,
            at: at.unwrap_or_default(),
            kind: TaskEventKind::Missed {
                count: change.missed,
            },
        };
        happened.push(missed);
    }
    let progress = change.state.progress.as_ref();
    if let Some(progress) = progress.filter(|_| change.has_progressed) {
        let said = Happening {
            id: change.id,
            at: progress.at,
            kind: TaskEventKind::Progressed(progress.clone()),
        };
        // It was said before what it goes with.
        happened.insert(0, said);
    }
    for attempt in &change.attempts {
        if attempt.outcome == AttemptOutcome::Snoozed
            && let (Some(until), Some(reason)) = (state.available_at, &state.snooze_reason)
        {
            happened.push(Happening {
                id: change.id,
                at: attempt.ended_at(),
                kind: TaskEventKind::Snoozed {
                    until,
                    reason: reason.clone(),
                },
            });
        }
        let Some(failure) = &attempt.failure else {
            continue;
        };
        if attempt.outcome == AttemptOutcome::Failed && !state.status.is_terminal() {
            let ended = chrono::TimeDelta::from_std(attempt.ran).unwrap_or_default();
            happened.push(Happening {
                id: change.id,
                at: attempt.started_at + ended,
                kind: TaskEventKind::AttemptFailed {
                    attempt: attempt.number,
                    failure: failure.clone(),
                },
            });
        }
    }
    if let (Some(reason), Some(entry)) = (state.wait_reason, change.audit.last()) {
        happened.push(Happening {
            id: change.id,
            at: entry.at,
            kind: TaskEventKind::Waiting(reason),
        });
    }
    happened
}

fn told(id: TaskId, entry: &AuditEntry) -> Option<Happening> {
    let kind = match entry.status {
        Status::WaitingQueue => return None,
        Status::Queued => TaskEventKind::Queued,
        Status::InProgress => TaskEventKind::Started,
        Status::Completed => TaskEventKind::Completed,
        Status::Failed => TaskEventKind::Failed(entry.failure.clone()?),
        Status::Cancelled => TaskEventKind::Cancelled,
        Status::ServiceStopped => TaskEventKind::Stopped,
    };
    Some(Happening {
        id,
        at: entry.at,
        kind,
    })
}
