//! What a claimed row comes to, as far as its schedule has a say.

use evertask_core::lease::RowLease;
use evertask_core::manage::run_beside;
use evertask_core::schedule::{Occurrence, Recurrence, SeriesEnd};
use evertask_core::storage::{NewTask, RowChange};
use evertask_core::task::{Failure, FailureKind, Status, TaskRecord};
use evertask_core::time::Timestamp;

/// Whether it runs now.
pub(super) enum Due {
    /// It does; a series with what comes after.
    Run(Option<Box<Recurrence>>),
    /// It does not: that is what is written instead.
    Aside(Box<RowChange>),
}

/// Asks the schedule of a claimed row what the due occurrence comes to.
pub(super) fn due_series(record: &TaskRecord, lease: &mut RowLease, now: Timestamp) -> Due {
    let aside = |change| Due::Aside(Box::new(change));
    let (id, definition) = (record.id(), &record.definition);
    let Some(series) = &definition.series else {
        return Due::Run(None);
    };
    let recurrence = match Recurrence::read(id, series) {
        Ok(recurrence) => recurrence,
        // It is never run as if it had none.
        Err(error) => {
            let task = &definition.task;
            tracing::error!(%id, task, "a series that can't be read has failed: {error}");
            let failure = Failure::new(FailureKind::Undecodable, error.to_string());
            return aside(lease.poison(failure, now));
        }
    };
    // Between two attempts the occurrence is under way already.
    if record.state.status == Status::InProgress {
        return Due::Run(Some(Box::new(recurrence)));
    }
    let Some(due) = record.state.next_run_at else {
        return aside(lease.finish_series(SeriesEnd::NoOccurrence, 0, now));
    };
    match recurrence.due(due, record.state.run_count, now) {
        Occurrence::Run => Due::Run(Some(Box::new(recurrence))),
        Occurrence::RunLast { at, missed } => {
            tracing::info!(%id, missed, "runs once for the occurrences that were missed");
            lease.run_last(at, missed);
            Due::Run(Some(Box::new(recurrence)))
        }
        Occurrence::Skip { to, missed } => {
            tracing::info!(%id, missed, next = %to, "occurrences that were missed are left out");
            aside(lease.skip_to(to, missed, now))
        }
        Occurrence::Spread { at, next } => {
            let tasks = at.into_iter().map(|at| run_beside(definition, at, now));
            let tasks: Vec<NewTask> = tasks.collect();
            aside(lease.spread(tasks, next, now))
        }
        Occurrence::Over { end, missed } => {
            tracing::info!(%id, missed, "{end}");
            aside(lease.finish_series(end, missed, now))
        }
    }
}
