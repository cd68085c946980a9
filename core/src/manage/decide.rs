use super::{Action, By, Refusal, series};
use crate::storage::{AuditEntry, DeleteTask, Deletion, Redefinition, Write};
use crate::task::{RowState, SeriesDefinition, Status, TaskDefinition, TaskRecord, WaitReason};
use crate::time::{LATEST, Timestamp, to_micros};

/// Says what has to be written to do that with a task, or why it can't be done.
///
/// # Errors
///
/// See [`Refusal`].
pub fn manage(found: &TaskRecord, action: &Action, by: By<'_>) -> Result<Write, Refusal> {
    let definition = &found.definition;
    let state = match action {
        Action::Retry => retried(found, by.at)?,
        Action::RunNow => due_at(found, by.at, by.at)?,
        Action::RunBeside => {
            return Ok(Write::Insert(Box::new(series::extra_run(found, by)?)));
        }
        Action::Reschedule(at) => {
            // What should have run already runs now, and is no occurrence that a series has missed.
            let at = to_micros((*at).clamp(by.at, LATEST.max(by.at)));
            let state = rescheduled(found, at, by.at)?;
            let scheduled_at = match definition.series {
                Some(_) => definition.scheduled_at,
                None => Some(at),
            };
            let definition = TaskDefinition {
                scheduled_at,
                ..definition.clone()
            };
            return Ok(redefined(found, definition, state, by));
        }
        Action::Pause => paused(found)?,
        Action::Resume => resumed(found)?,
        Action::SkipNext => series::next_skipped(found, free(found)?)?,
        Action::EditSchedule(schedule) => {
            let edited = series::rescheduled(found, free(found)?, schedule, by.at)?;
            return Ok(edited_series(found, edited, by));
        }
        Action::EditPolicy(policy) => {
            let edited = series::with_policy(found, free(found)?, policy)?;
            return Ok(edited_series(found, edited, by));
        }
        Action::Delete => return deleted(found, by),
    };
    Ok(redefined(found, definition.clone(), state, by))
}

fn edited_series(
    found: &TaskRecord,
    (state, series): (RowState, SeriesDefinition),
    by: By<'_>,
) -> Write {
    let definition = TaskDefinition {
        series: Some(series),
        ..found.definition.clone()
    };
    redefined(found, definition, state, by)
}

fn redefined(found: &TaskRecord, definition: TaskDefinition, state: RowState, by: By<'_>) -> Write {
    let entry = AuditEntry {
        actor: Some(by.actor.to_owned()),
        reason: by.reason.map(str::to_owned),
        ..AuditEntry::of(state.status, by.at)
    };
    Write::Redefine(Box::new(Redefinition {
        expected: found.generation,
        record: TaskRecord {
            definition,
            generation: found.generation.superseded(),
            state,
        },
        audit: vec![entry],
    }))
}

/// It has no deadline any more: whoever retries it wants it to run. The key that it gave up stays given up.
fn retried(found: &TaskRecord, now: Timestamp) -> Result<RowState, Refusal> {
    if found.definition.series.is_some() {
        return Err(Refusal::IsSeries);
    }
    let was = over(found)?;
    Ok(RowState {
        last_execution_at: was.last_execution_at,
        execution_time: was.execution_time,
        active_key: was.active_key.clone(),
        ..RowState::waiting(now)
    })
}

fn deleted(found: &TaskRecord, by: By<'_>) -> Result<Write, Refusal> {
    let was = over(found)?;
    let definition = &found.definition;
    Ok(Write::Delete(Box::new(DeleteTask {
        expected: found.generation,
        deletion: Deletion {
            id: definition.id,
            task: definition.task.clone(),
            queue: definition.queue.clone(),
            status: was.status,
            at: by.at,
            actor: by.actor.to_owned(),
            reason: by.reason.map(str::to_owned),
        },
    })))
}

fn rescheduled(found: &TaskRecord, at: Timestamp, now: Timestamp) -> Result<RowState, Refusal> {
    if let Some(deadline) = found.state.start_by.filter(|deadline| *deadline < at) {
        return Err(Refusal::AfterDeadline(deadline));
    }
    let series = found.definition.series.as_ref();
    let end = series.and_then(|series| series.run_until);
    if let Some(end) = end.filter(|end| *end <= at) {
        return Err(Refusal::AfterEnd(end));
    }
    due_at(found, at, now)
}

/// Only when it is due is another one, so a retry stays one.
fn due_at(found: &TaskRecord, at: Timestamp, now: Timestamp) -> Result<RowState, Refusal> {
    let was = free(found)?;
    if let Some(reason) = was.wait_reason {
        return Err(Refusal::Waits(reason));
    }
    if at <= now && was.available_at.is_some_and(|due| due <= now) {
        return Err(Refusal::AlreadyDue);
    }
    // An occurrence that was begun stays the one it is, whenever it goes on.
    let was_begun = matches!(was.status, Status::InProgress | Status::ServiceStopped);
    let moved = was
        .next_run_at
        .map(|next| if was_begun { next } else { at });
    Ok(RowState {
        available_at: Some(at),
        next_run_at: moved,
        ..was.clone()
    })
}

fn paused(found: &TaskRecord) -> Result<RowState, Refusal> {
    let was = free(found)?;
    if let Some(reason) = was.wait_reason {
        return Err(Refusal::Waits(reason));
    }
    Ok(RowState {
        wait_reason: Some(WaitReason::Paused),
        ..was.clone()
    })
}

fn resumed(found: &TaskRecord) -> Result<RowState, Refusal> {
    let was = &found.state;
    if was.is_over() {
        return Err(Refusal::IsOver(was.status));
    }
    if was.wait_reason != Some(WaitReason::Paused) {
        return Err(Refusal::NotPaused);
    }
    Ok(RowState {
        wait_reason: None,
        ..was.clone()
    })
}

fn over(found: &TaskRecord) -> Result<&RowState, Refusal> {
    let was = &found.state;
    if was.is_over() {
        Ok(was)
    } else {
        Err(Refusal::NotOver(was.status))
    }
}

/// A row that is not over and that no delivery holds. One that waits for a reason is owned by the process
/// that judged it, and is none's to move on.
fn free(found: &TaskRecord) -> Result<&RowState, Refusal> {
    let was = &found.state;
    if was.is_over() {
        return Err(Refusal::IsOver(was.status));
    }
    if was.owner.is_some() && was.wait_reason.is_none() {
        return Err(Refusal::InFlight);
    }
    Ok(was)
}
