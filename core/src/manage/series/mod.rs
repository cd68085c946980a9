//! What somebody may do with a series.

use chrono::SubsecRound;

use super::{By, Refusal};
use crate::schedule::{Recurrence, Schedule, SeriesPolicy, occurrence_id};
use crate::storage::{AuditEntry, NewTask};
use crate::task::{Generation, RowState, SeriesDefinition, TaskDefinition, TaskRecord};
use crate::time::Timestamp;

/// The task that runs an occurrence beside its series: it does what the series does, once and as soon
/// as possible.
///
/// It holds no key, which the series does, and its id is that of the occurrence, so that the same one
/// is stored once.
pub fn run_beside(series: &TaskDefinition, occurrence: Timestamp, now: Timestamp) -> NewTask {
    let definition = TaskDefinition {
        id: occurrence_id(series.id, occurrence),
        created_at: now,
        scheduled_at: None,
        series_id: Some(series.id),
        occurrence_at: Some(occurrence),
        deadline: None,
        key: None,
        key_until: None,
        series: None,
        ..series.clone()
    };
    NewTask::new(TaskRecord {
        definition,
        generation: Generation::default(),
        state: RowState::waiting(now),
    })
}

/// The run beside a series that somebody asked for, also while another one is going on.
pub(super) fn extra_run(found: &TaskRecord, by: By<'_>) -> Result<NewTask, Refusal> {
    series_of(found, &found.state)?;
    let mut task = run_beside(&found.definition, by.at, by.at);
    task.audit.push(AuditEntry {
        actor: Some(by.actor.to_owned()),
        reason: by.reason.map(str::to_owned),
        ..AuditEntry::of(task.record.state.status, by.at)
    });
    Ok(task)
}

/// Goes on with the occurrence after the next one.
pub(super) fn next_skipped(found: &TaskRecord, was: &RowState) -> Result<RowState, Refusal> {
    let (series, next) = series_of(found, was)?;
    let recurrence = read(found, series)?;
    let next = recurrence.next_after(next).ok_or(Refusal::NothingFollows)?;
    Ok(due(&recurrence, found, was, next))
}

/// Runs by another schedule from now on; by the same one with another end, at the same instants.
pub(super) fn rescheduled(
    found: &TaskRecord,
    was: &RowState,
    schedule: &Schedule,
    now: Timestamp,
) -> Result<(RowState, SeriesDefinition), Refusal> {
    let (old, next) = series_of(found, was)?;
    let (until, runs) = (schedule.until(), schedule.most_runs());
    let schedule = schedule.clone().without_bounds();
    let is_same = serde_json::from_str::<Schedule>(&old.schedule)
        .ok()
        .as_ref()
        == Some(&schedule);
    let series = SeriesDefinition {
        schedule: serde_json::to_string(&schedule).map_err(|_| Refusal::Unreadable)?,
        anchor: if is_same {
            old.anchor
        } else {
            now.trunc_subsecs(0)
        },
        max_runs: runs,
        run_until: until,
        ..old.clone()
    };
    let recurrence = read(found, &series)?;
    let next = if is_same {
        Some(next).filter(|next| until.is_none_or(|until| *next < until))
    } else {
        recurrence.next_after(now)
    };
    let has_runs = runs.is_none_or(|runs| was.run_count < runs);
    let next = next.filter(|_| has_runs).ok_or(Refusal::NothingFollows)?;
    Ok((due(&recurrence, found, was, next), series))
}

/// Treats occurrences that can't run at their time in another way from now on.
pub(super) fn with_policy(
    found: &TaskRecord,
    was: &RowState,
    policy: &SeriesPolicy,
) -> Result<(RowState, SeriesDefinition), Refusal> {
    let (old, next) = series_of(found, was)?;
    let is_default = *policy == SeriesPolicy::default();
    let policy = serde_json::to_string(policy).map_err(|_| Refusal::Unreadable)?;
    let series = SeriesDefinition {
        policy: (!is_default).then_some(policy),
        ..old.clone()
    };
    let recurrence = read(found, &series)?;
    Ok((due(&recurrence, found, was, next), series))
}

fn series_of<'a>(
    found: &'a TaskRecord,
    was: &RowState,
) -> Result<(&'a SeriesDefinition, Timestamp), Refusal> {
    let series = found.definition.series.as_ref().ok_or(Refusal::NoSeries)?;
    Ok((series, was.next_run_at.ok_or(Refusal::IsOver(was.status))?))
}

fn read(found: &TaskRecord, series: &SeriesDefinition) -> Result<Recurrence, Refusal> {
    Recurrence::read(found.id(), series).map_err(|_| Refusal::Unreadable)
}

fn due(recurrence: &Recurrence, found: &TaskRecord, was: &RowState, next: Timestamp) -> RowState {
    RowState {
        available_at: Some(recurrence.policy().begins(found.id(), next)),
        next_run_at: Some(next),
        ..was.clone()
    }
}

#[cfg(test)]
mod tests;
