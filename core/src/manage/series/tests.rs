use std::time::Duration;

use uuid::Uuid;

use super::*;
use crate::manage::{Action, manage};
use crate::schedule::{Overlap, Refine, every};
use crate::storage::{Redefinition, Write};
use crate::task::{ProcessId, Status, TaskId, WaitReason};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(seconds, 0).unwrap()
}

/// A series every minute from 0 on that has run twice, is due at 180 and is looked at at 130.
fn minutely() -> TaskRecord {
    let id = TaskId(Uuid::from_u128(1));
    let mut series = SeriesDefinition {
        schedule: r#"{"every":60,"unit":"seconds"}"#.to_owned(),
        anchor: at(0),
        declared_in: Some("reports".to_owned()),
        ..SeriesDefinition::default()
    };
    series.registered = serde_json::to_string(&series.in_force()).ok();
    let state = RowState {
        status: Status::Completed,
        run_count: 2,
        next_run_at: Some(at(180)),
        active_key: Some("report".to_owned()),
        ..RowState::waiting(at(180))
    };
    TaskRecord {
        definition: TaskDefinition {
            series: Some(series),
            key: Some("report".to_owned()),
            ..TaskDefinition::new(id, "report", "7", at(0))
        },
        generation: Generation(7),
        state,
    }
}

fn write(found: &TaskRecord, action: &Action) -> Result<Write, Refusal> {
    let by = By {
        actor: "ada",
        reason: Some("because"),
        at: at(130),
    };
    manage(found, action, by)
}

fn done(found: &TaskRecord, action: &Action) -> Redefinition {
    let Write::Redefine(redefinition) = write(found, action).unwrap() else {
        panic!("it is no redefinition");
    };
    *redefinition
}

fn edit(schedule: impl Into<crate::schedule::Draft>) -> Action {
    Action::EditSchedule(Box::new(schedule.into().build().unwrap()))
}

fn next(redefinition: &Redefinition) -> (Option<Timestamp>, Option<Timestamp>) {
    let state = &redefinition.record.state;
    (state.next_run_at, state.available_at)
}

#[test]
fn the_next_occurrence_is_left_out_and_not_counted() {
    let found = minutely();
    let skipped = done(&found, &Action::SkipNext);
    assert_eq!(next(&skipped), (Some(at(240)), Some(at(240))));
    assert_eq!(skipped.record.definition, found.definition);
    assert_eq!(skipped.record.state.run_count, 2);
    assert_eq!(skipped.audit[0].actor.as_deref(), Some("ada"));
    // What is paused stays so.
    let mut paused = minutely();
    paused.state.wait_reason = Some(WaitReason::Paused);
    let skipped = done(&paused, &Action::SkipNext).record.state;
    assert_eq!(skipped.wait_reason, Some(WaitReason::Paused));
}

#[test]
fn the_last_occurrence_is_not_left_out() {
    let mut found = minutely();
    found.definition.series.as_mut().unwrap().run_until = Some(at(200));
    let refused = write(&found, &Action::SkipNext).unwrap_err();
    assert_eq!(refused, Refusal::NothingFollows);
}

#[test]
fn another_schedule_counts_from_the_edit_and_what_was_registered_stays_beside_it() {
    let found = minutely();
    let edited = done(&found, &edit(every(45).seconds().max_runs(9)));
    assert_eq!(next(&edited), (Some(at(175)), Some(at(175))));
    let series = edited.record.definition.series.unwrap();
    assert_eq!(series.anchor, at(130));
    assert_eq!((series.max_runs, series.run_until), (Some(9), None));
    let old = found.definition.series.unwrap();
    assert_eq!(series.registered, old.registered);
    assert_eq!(series.declared_in, old.declared_in);
    assert!(series.is_registered_as(&old));
}

#[test]
fn the_same_schedule_with_another_end_keeps_its_instants() {
    let edited = done(&minutely(), &edit(every(60).seconds().run_until(at(600))));
    assert_eq!(next(&edited).0, Some(at(180)));
    let series = edited.record.definition.series.unwrap();
    assert_eq!((series.anchor, series.run_until), (at(0), Some(at(600))));
}

#[test]
fn an_edit_that_leaves_nothing_to_run_is_refused() {
    for nothing in [
        edit(every(60).seconds().max_runs(2)),
        edit(every(60).seconds().run_until(at(180))),
        edit(every(45).seconds().run_until(at(170))),
    ] {
        let refused = write(&minutely(), &nothing).unwrap_err();
        assert_eq!(refused, Refusal::NothingFollows);
    }
}

#[test]
fn another_policy_keeps_the_instants() {
    let policy = SeriesPolicy {
        overlap: Overlap::BufferOne,
        jitter: Duration::from_secs(30),
        ..SeriesPolicy::default()
    };
    let edited = done(&minutely(), &Action::EditPolicy(policy));
    let (at_, begins) = next(&edited);
    assert_eq!(at_, Some(at(180)));
    assert!(begins > at_ && begins < Some(at(210)));
    let series = edited.record.definition.series.clone().unwrap();
    assert_eq!(series.read_policy().unwrap(), policy);
    let back = done(&edited.record, &Action::EditPolicy(SeriesPolicy::default()));
    assert_eq!(back.record.definition, minutely().definition);
    assert_eq!(next(&back), (Some(at(180)), Some(at(180))));
}

#[test]
fn only_a_series_has_a_schedule_to_edit() {
    let mut once = minutely();
    once.definition.series = None;
    once.state.status = Status::WaitingQueue;
    for action in [
        Action::RunBeside,
        Action::SkipNext,
        edit(every(45).seconds()),
        Action::EditPolicy(SeriesPolicy::default()),
    ] {
        assert_eq!(write(&once, &action).unwrap_err(), Refusal::NoSeries);
    }
}

/// A second run beside the one that is going on is a task of its own.
#[test]
fn a_series_that_runs_is_run_once_more_beside() {
    let mut found = minutely();
    found.state.status = Status::InProgress;
    found.state.owner = Some(ProcessId(Uuid::from_u128(9)));
    assert_eq!(
        write(&found, &Action::RunNow).unwrap_err(),
        Refusal::InFlight
    );
    let Write::Insert(task) = write(&found, &Action::RunBeside).unwrap() else {
        panic!("it is stored beside the series");
    };
    let definition = &task.record.definition;
    assert_eq!(definition.series_id, Some(found.id()));
    assert_eq!(definition.occurrence_at, Some(at(130)));
    assert_eq!((&definition.series, &definition.key), (&None, &None));
    assert_eq!(definition.payload, "7");
    assert_eq!(task.record.state, RowState::waiting(at(130)));
    assert_eq!(task.audit[0].actor.as_deref(), Some("ada"));
    for action in [Action::SkipNext, edit(every(45).seconds())] {
        assert_eq!(write(&found, &action).unwrap_err(), Refusal::InFlight);
    }
}

#[test]
fn a_series_that_is_over_does_not_run_beside() {
    let mut found = minutely();
    found.state.next_run_at = None;
    let refused = write(&found, &Action::RunBeside).unwrap_err();
    assert_eq!(refused, Refusal::IsOver(Status::Completed));
}
