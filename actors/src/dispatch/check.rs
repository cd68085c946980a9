//! What can be wrong with a dispatch by itself.

use std::sync::Arc;
use std::time::Duration;

use chrono::{SubsecRound, TimeDelta};
use evertask_core::key::{InvalidKey, check_key};
use evertask_core::rank::check_priority;
use evertask_core::schedule::{Recurrence, Refine, SeriesPolicy};
use evertask_core::task::{SeriesDefinition, TaskId, check_name};
use evertask_core::time::{LATEST, Timestamp, later, to_micros};

use super::error::DispatchError;
use super::message::{Deadline, Dispatch, When};

/// The longest tag and correlation id, and the longest trace header, in bytes.
const MAX_LABEL: usize = 200;
const MAX_TRACE: usize = 512;

/// A late first run that is later than this does not take place any more (core 4.4).
const LATE: TimeDelta = TimeDelta::seconds(1);

/// Answers the series that a dispatch asks for, and when it runs first.
pub(super) fn series_of(
    dispatch: &Dispatch,
    now: Timestamp,
) -> Result<Option<(SeriesDefinition, Timestamp)>, DispatchError> {
    let Some(series) = &dispatch.series else {
        return Ok(None);
    };
    let bad = |reason: String| DispatchError::Series { reason };
    let mut draft = match &series.schedule {
        Some(Ok(draft)) => draft.clone(),
        Some(Err(error)) => return Err(bad(error.to_string())),
        None => return Err(bad("it says when it ends but not when it runs".to_owned())),
    };
    if let Some(runs) = series.max_runs {
        draft = draft.max_runs(runs);
    }
    if let Some(until) = series.run_until {
        draft = draft.run_until(until);
    }
    let schedule = draft.build().map_err(|error| bad(error.to_string()))?;
    let asked = match dispatch.when {
        Some(When::Now) => Some(now),
        Some(when) => due_at(when, now),
        None => series.starts_at_once.then_some(now),
    };
    let anchor = asked.unwrap_or(now);
    let first = match asked {
        Some(asked) if asked >= now - LATE => asked,
        _ => schedule
            .clone()
            .without_bounds()
            .next_after(anchor, now)
            .ok_or_else(|| bad(format!("it never runs: {}", schedule.describe())))?,
    };
    if let Some(until) = schedule.until().filter(|until| *until <= first) {
        return Err(bad(format!(
            "it would run first at {first}, but not at or after {until}"
        )));
    }
    let policy = (series.policy != SeriesPolicy::default()).then_some(series.policy);
    if let Some(set) = &series.declared_in {
        check_name(set).map_err(|error| bad(error.to_string()))?;
    }
    let encode = |error: serde_json::Error| bad(error.to_string());
    let mut definition = SeriesDefinition {
        anchor: anchor.trunc_subsecs(0),
        max_runs: schedule.most_runs(),
        run_until: schedule.until().map(to_micros),
        schedule: serde_json::to_string(&schedule.without_bounds()).map_err(encode)?,
        policy: policy
            .map(|policy| serde_json::to_string(&policy))
            .transpose()
            .map_err(encode)?,
        declared_in: series.declared_in.clone(),
        registered: None,
    };
    definition.registered = Some(serde_json::to_string(&definition.in_force()).map_err(encode)?);
    Ok(Some((definition, first)))
}

/// When a task is asked to run first, if that is not at once.
pub(super) fn due_at(when: When, now: Timestamp) -> Option<Timestamp> {
    match when {
        When::Now => None,
        When::After(delay) => Some(later(now, delay)),
        When::At(instant) => Some(to_micros(instant.min(LATEST))),
    }
}

/// Reads a series as whoever runs it next will read it.
pub(super) fn recurrence_of(
    id: TaskId,
    series: Option<&SeriesDefinition>,
) -> Result<Option<Recurrence>, DispatchError> {
    series
        .map(|series| Recurrence::read(id, series))
        .transpose()
        .map_err(|error| DispatchError::Series {
            reason: error.to_string(),
        })
}

/// Answers the key of a dispatch, if it has one.
pub(super) fn key_of(dispatch: &Dispatch) -> Result<Option<String>, DispatchError> {
    let key = dispatch.key.as_deref().unwrap_or_default();
    Ok(check_key(key)?.map(str::to_owned))
}

/// Answers the instant by which a task that is due then has to be started, if there is one.
pub(super) fn deadline_of(
    dispatch: &Dispatch,
    of_kind: Option<Duration>,
    due: Timestamp,
) -> Option<Timestamp> {
    match dispatch.deadline.or(of_kind.map(Deadline::Within))? {
        Deadline::None => None,
        Deadline::At(instant) => Some(to_micros(instant.min(LATEST))),
        Deadline::Within(time) => Some(later(due, time)),
    }
}

/// Answers the encoded payload of a dispatch that can be stored.
pub(super) fn check(dispatch: &Dispatch, max_payload: usize) -> Result<Arc<str>, DispatchError> {
    let task = || dispatch.task.to_owned();
    let encoded = dispatch
        .encoded
        .clone()
        .map_err(|reason| DispatchError::Encoding {
            task: task(),
            reason: reason.to_string(),
        })?;
    if encoded.len() > max_payload {
        return Err(DispatchError::PayloadTooLarge {
            task: task(),
            size: encoded.len(),
            limit: max_payload,
        });
    }
    check_priority(dispatch.priority)?;
    let bounded = |option, text: &str, limit| {
        let length = text.len();
        let error = DispatchError::OptionTooLong {
            option,
            length,
            limit,
        };
        if length > limit { Err(error) } else { Ok(()) }
    };
    for tag in &dispatch.tags {
        bounded("tag", tag, MAX_LABEL)?;
    }
    let correlation = dispatch.correlation_id.as_deref().unwrap_or_default();
    bounded("correlation id", correlation, MAX_LABEL)?;
    if let Some(key) = dispatch.concurrency_key.as_deref() {
        bounded("concurrency key", key, MAX_LABEL)?;
        if key.trim().is_empty() {
            return Err(DispatchError::BlankKey);
        }
    }
    let limit_key = dispatch.limit_key.as_deref().unwrap_or_default();
    bounded("limit key", limit_key, MAX_LABEL)?;
    if limit_key.contains('\0') {
        return Err(InvalidKey::Nul.into());
    }
    if let Some(trace) = &dispatch.trace {
        bounded("trace parent", &trace.parent, MAX_TRACE)?;
        bounded(
            "trace state",
            trace.state.as_deref().unwrap_or_default(),
            MAX_TRACE,
        )?;
    }
    Ok(encoded)
}
