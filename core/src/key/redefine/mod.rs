use thiserror::Error;

use super::decide::Redefined;
use crate::schedule::{Occurrence, Recurrence, Schedule};
use crate::storage::{AuditEntry, Redefinition};
use crate::task::{RowState, SeriesDefinition, Status, TaskDefinition, TaskRecord, WaitReason};
use crate::time::Timestamp;

/// A series that was dispatched again with bounds that leave it nothing to run.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("it has run {run_count} times and the new bounds leave it no occurrence")]
pub struct NothingLeft {
    /// How often it has run.
    pub run_count: u32,
}

/// What the audit says of a row that was defined anew.
const REASON: &str = "dispatched again under its key";

/// Gives the holder of a key the work of a new dispatch, in place (core 2.4 and 2.5).
///
/// Its id, when it was created, its history and what is known of its last run stay; how often the old
/// payload failed says nothing about the new one and is forgotten. The row has no owner afterwards: it
/// is claimed when it is due. `wanted` is what was dispatched, under whatever id.
///
/// # Errors
///
/// Refuses a series that could never run again: an answer that it was updated would be a lie.
pub fn redefine(
    found: &TaskRecord,
    wanted: TaskDefinition,
    redefined: Redefined,
    now: Timestamp,
) -> Result<Redefinition, NothingLeft> {
    let (state, series) = match (redefined, &wanted.series) {
        (Redefined::Updated, Some(series)) => {
            let (state, series) = go_on(found, &wanted, series, now)?;
            (state, Some(series))
        }
        (_, series) => (anew(found, &wanted, now), series.clone()),
    };
    // What somebody paused stays so, whatever is registered at the next start.
    let pause = found
        .state
        .wait_reason
        .filter(|reason| *reason == WaitReason::Paused);
    let state = RowState {
        active_key: wanted.key.clone(),
        wait_reason: pause,
        ..state
    };
    let old = &found.definition;
    let definition = TaskDefinition {
        id: old.id,
        created_at: old.created_at,
        series_id: old.series_id,
        occurrence_at: old.occurrence_at,
        series,
        ..wanted
    };
    let entry = AuditEntry {
        reason: Some(REASON.to_owned()),
        ..AuditEntry::of(state.status, now)
    };
    Ok(Redefinition {
        expected: found.generation,
        record: TaskRecord {
            definition,
            generation: found.generation.superseded(),
            state,
        },
        audit: vec![entry],
    })
}

/// The state of a task that begins anew; a series has not run yet.
fn anew(found: &TaskRecord, wanted: &TaskDefinition, now: Timestamp) -> RowState {
    let due = wanted.scheduled_at.unwrap_or(now);
    RowState {
        last_execution_at: found.state.last_execution_at,
        execution_time: found.state.execution_time,
        next_run_at: wanted.series.as_ref().map(|_| due),
        start_by: wanted.deadline,
        ..RowState::waiting(due)
    }
}

/// The state of a series that goes on, and its definition.
///
/// What the program registers is compared with what it registered before, so that an edit in between
/// stays. If that is different, it takes effect from now, whatever was said about the first run; with
/// the same schedule all the same it keeps its instants.
fn go_on(
    found: &TaskRecord,
    wanted: &TaskDefinition,
    registered: &SeriesDefinition,
    now: Timestamp,
) -> Result<(RowState, SeriesDefinition), NothingLeft> {
    let id = found.definition.id;
    let old = found.definition.series.clone().unwrap_or_default();
    let is_edit_kept = old.is_registered_as(registered);
    let is_kept = is_edit_kept || is_same(&old, registered);
    let series = SeriesDefinition {
        anchor: if is_kept {
            old.anchor
        } else {
            registered.anchor
        },
        registered: registered.registered.clone(),
        declared_in: registered.declared_in.clone(),
        ..if is_edit_kept {
            old
        } else {
            registered.clone()
        }
    };
    let run_count = found.state.run_count;
    let nothing_left = NothingLeft { run_count };
    let recurrence = Recurrence::read(id, &series).map_err(|_| nothing_left)?;
    let kept = found.state.next_run_at.filter(|_| is_kept);
    let next = kept
        .or_else(|| recurrence.next_after(now))
        .ok_or(nothing_left)?;
    if let Occurrence::Over { .. } = recurrence.due(next, run_count, now) {
        return Err(nothing_left);
    }
    let was = &found.state;
    let between = matches!(was.status, Status::Completed | Status::Failed);
    let state = RowState {
        status: if between {
            was.status
        } else {
            Status::WaitingQueue
        },
        failure: was.failure.clone().filter(|_| between),
        error_fingerprint: was.error_fingerprint.clone().filter(|_| between),
        last_execution_at: was.last_execution_at,
        execution_time: was.execution_time,
        run_count,
        failures_in_row: was.failures_in_row,
        next_run_at: Some(next),
        start_by: if is_kept {
            was.start_by
        } else {
            wanted.deadline
        },
        ..RowState::waiting(recurrence.policy().begins(id, next))
    };
    Ok((state, series))
}

/// Whether two series have the same schedule; how it is written down does not matter.
fn is_same(kept: &SeriesDefinition, wanted: &SeriesDefinition) -> bool {
    let read = |series: &SeriesDefinition| serde_json::from_str::<Schedule>(&series.schedule).ok();
    read(kept).is_some_and(|schedule| read(wanted) == Some(schedule))
}

#[cfg(test)]
mod tests;
