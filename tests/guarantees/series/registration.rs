//! Series that are registered again, edited, declared, retired and filled up.

use std::time::Duration;

use evertask::schedule::{Refine, Schedule, every};
use evertask::time::Timestamp;
use evertask::{
    Backfill, BackfillOutcome, DeclareError, Dispatch, DispatchOutcome, EverTask, KeptReason,
    ManageOutcome, Revive, SeriesRun, Status, TaskError, TaskId,
};

use super::{SERIES, STEP, Stage};
use crate::one_shot::home::{Home, becomes};
use crate::stage::Numbered;

on_every_storage_and_server! {
    an_edit_outlives_a_start_that_registers_the_same,
    another_registration_takes_effect_from_now_and_replaces_an_edit,
    a_series_that_is_over_is_revived_as_the_registration_says,
    what_is_not_declared_any_more_is_retired,
    the_next_occurrence_is_left_out_when_somebody_says_so,
    a_series_that_runs_is_run_once_more_beside,
    a_range_is_filled_up_once,
    a_handler_knows_which_run_it_is,
}

const DONE: ManageOutcome = ManageOutcome::Done;

fn seconds(step: u32) -> Schedule {
    every(step).seconds().build().unwrap()
}

async fn register(evertask: &EverTask, step: u32) -> (TaskId, DispatchOutcome) {
    let series = evertask.dispatch(SERIES).key("report");
    let dispatched = series.schedule(seconds(step)).await.unwrap();
    (dispatched.id, dispatched.outcome)
}

/// When it runs next, in seconds after the beginning.
async fn next(stage: &Stage, evertask: &EverTask, id: TaskId) -> Vec<i64> {
    let next = evertask.next_runs(id, 3).await.unwrap();
    let seconds = |at: Timestamp| (at - stage.begun).num_seconds();
    next.into_iter().map(seconds).collect()
}

async fn an_edit_outlives_a_start_that_registers_the_same(home: Home) {
    let stage = Stage::idle(home);
    let evertask = stage.start().await;
    let (id, _) = register(&evertask, 60).await;
    stage.advance_to(10);
    let edited = evertask.edit_schedule(id, seconds(45)).by("ada").await;
    assert_eq!(edited.unwrap(), DONE);
    assert_eq!(evertask.pause(id).await.unwrap(), DONE);
    stage.home.shut_down(evertask).await;
    let evertask = stage.start().await;
    assert_eq!(
        register(&evertask, 60).await,
        (id, DispatchOutcome::Updated)
    );
    assert_eq!(next(&stage, &evertask, id).await, [55, 100, 145]);
    assert_eq!(evertask.resume(id).await.unwrap(), DONE);
    stage.advance_to(55);
    stage.runs_ended(1).await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.occurrences(id).await, [55]);
}

/// Core 2.5: not at the old time, and not at once, either.
async fn another_registration_takes_effect_from_now_and_replaces_an_edit(home: Home) {
    let stage = Stage::idle(home);
    let evertask = stage.start().await;
    let (id, _) = register(&evertask, 3_600).await;
    assert_eq!(
        evertask.edit_schedule(id, seconds(1_800)).await.unwrap(),
        DONE
    );
    assert_eq!(evertask.pause(id).await.unwrap(), DONE);
    stage.home.shut_down(evertask).await;
    stage.advance_to(20);
    let evertask = stage.start().await;
    let series = evertask
        .dispatch(SERIES)
        .key("report")
        .schedule(seconds(60));
    series.now().await.unwrap();
    assert_eq!(next(&stage, &evertask, id).await, [80, 140, 200]);
    stage.fence(&evertask).await;
    stage.home.shut_down(evertask).await;
    let row = stage.home.row(id).await;
    assert!(row.state.wait_reason.is_some(), "it is still paused");
    assert_eq!(row.state.run_count, 0);
}

async fn a_series_that_is_over_is_revived_as_the_registration_says(home: Home) {
    let stage = Stage::idle(home);
    let evertask = stage.start().await;
    let (id, _) = register(&evertask, 60).await;
    evertask.cancel(id).await.unwrap();
    let kept = DispatchOutcome::Existing(KeptReason::NotRevived);
    for (revive, step, expected) in [
        (Revive::Never, 30, kept),
        (Revive::IfChanged, 60, kept),
        (Revive::IfChanged, 30, DispatchOutcome::Revived),
        (Revive::Always, 30, DispatchOutcome::Revived),
    ] {
        let series = evertask.dispatch(SERIES).key("report");
        let series = series.schedule(seconds(step)).revive(revive);
        let dispatched = series.await.unwrap();
        assert_eq!((dispatched.id, dispatched.outcome), (id, expected));
        let is_over = evertask.next_runs(id, 1).await.unwrap().is_empty();
        assert_eq!(is_over, expected == kept, "what is answered is what is");
        evertask.cancel(id).await.unwrap();
    }
    stage.home.shut_down(evertask).await;
}

async fn what_is_not_declared_any_more_is_retired(home: Home) {
    let stage = Stage::idle(home);
    let evertask = stage.start().await;
    let series = |number: u32| {
        let dispatch = Dispatch::new(Numbered(number)).key(format!("series {number}"));
        dispatch.schedule(seconds(60))
    };
    let (other, _) = register(&evertask, 60).await;
    let first = evertask.declare_series("reports", [1, 2, 3].map(series));
    let first = first.await.unwrap();
    assert_eq!(first.retired, []);
    stage.home.shut_down(evertask).await;
    let evertask = stage.start().await;
    let second = evertask.declare_series("reports", [4, 2].map(series));
    let second = second.await.unwrap();
    let ids = |declared: &evertask::Declared| {
        let ids = declared.series.iter().map(|series| series.id);
        ids.collect::<Vec<_>>()
    };
    let (first_ids, second_ids) = (ids(&first), ids(&second));
    assert_eq!(second_ids[1], first_ids[1]);
    let mut retired = second.retired;
    retired.sort_unstable();
    let mut expected = vec![first_ids[0], first_ids[2]];
    expected.sort_unstable();
    assert_eq!(retired, expected);
    for (id, status) in [
        (first_ids[0], Status::Cancelled),
        (first_ids[1], Status::WaitingQueue),
        (second_ids[0], Status::WaitingQueue),
        (other, Status::WaitingQueue),
    ] {
        assert_eq!(stage.home.status(id).await, status);
    }
    let nameless = evertask.declare_series("reports", [Dispatch::new(SERIES).every(STEP)]);
    assert!(matches!(nameless.await, Err(DeclareError::NoKey(0))));
    let once = evertask.declare_series("reports", [Dispatch::new(SERIES).key("once")]);
    assert!(matches!(once.await, Err(DeclareError::NoSchedule(0))));
    stage.home.shut_down(evertask).await;
}

async fn the_next_occurrence_is_left_out_when_somebody_says_so(home: Home) {
    let stage = Stage::idle(home);
    let evertask = stage.start().await;
    let (id, _) = register(&evertask, 60).await;
    assert_eq!(evertask.skip_next(id).by("ada").await.unwrap(), DONE);
    stage.advance_to(60);
    stage.fence(&evertask).await;
    stage.advance_to(120);
    stage.runs_ended(1).await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.occurrences(id).await, [120]);
    let audit = stage.home.audit(id).await;
    assert!(
        audit
            .iter()
            .any(|entry| entry.actor.as_deref() == Some("ada"))
    );
}

async fn a_series_that_runs_is_run_once_more_beside(home: Home) {
    let stage = Stage::new(home, |time, context| async move {
        if time == 1 {
            context.cancelled().await;
            return Err(TaskError::other("told to stop"));
        }
        Ok(())
    });
    let evertask = stage.start_wide().await;
    let id = evertask.dispatch(SERIES).every(STEP).await.unwrap().id;
    stage.home.commits(1, becomes(Status::InProgress)).await;
    stage.advance_to(10);
    assert_eq!(evertask.run_beside(id).by("ada").await.unwrap(), DONE);
    stage.home.commits(1, becomes(Status::Completed)).await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.home.row(id).await.state.run_count, 0);
    assert_eq!(stage.diary.count("completed 0"), 1);
}

async fn a_range_is_filled_up_once(home: Home) {
    let stage = Stage::idle(home);
    stage.clock.advance(Duration::from_hours(24));
    let evertask = stage.start().await;
    let (id, _) = register(&evertask, 3_600).await;
    let range = |from: u64, to: u64| Backfill {
        series: id,
        from: stage.at(from * 3_600),
        to: stage.at(to * 3_600),
        actor: Some("ada".to_owned()),
        reason: None,
    };
    let done = |stored, existing| BackfillOutcome::Done { stored, existing };
    assert_eq!(evertask.backfill(range(3, 6)).await.unwrap(), done(4, 0));
    assert_eq!(evertask.backfill(range(5, 8)).await.unwrap(), done(2, 2));
    stage.home.commits(6, becomes(Status::Completed)).await;
    let many = evertask.backfill(range(0, 1_000_000)).await.unwrap();
    assert_eq!(many, BackfillOutcome::TooMany);
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.diary.count("completed 0"), 6);
    assert_eq!(stage.home.row(id).await.state.run_count, 0);
}

async fn a_handler_knows_which_run_it_is(home: Home) {
    let (told, mut heard) = tokio::sync::mpsc::channel(8);
    let stage = Stage::new(home, move |_, context| {
        let told = told.clone();
        async move {
            told.send(context.series_run()).await.unwrap();
            Ok(())
        }
    });
    let evertask = stage.start().await;
    let series = evertask.dispatch(SERIES).schedule(seconds(60));
    let id = series.max_runs(2).await.unwrap().id;
    let mut runs = Vec::new();
    for (number, at) in [(1, 65), (2, 125)] {
        stage.advance_to(at);
        stage.runs_ended(number).await;
        runs.push(heard.recv().await.unwrap().unwrap());
    }
    stage.home.shut_down(evertask).await;
    let run = |number, scheduled_at, previous_ended_at, next_at| SeriesRun {
        series: id,
        scheduled_at,
        number: Some(number),
        previous_ended_at,
        next_at,
    };
    let first = run(1, stage.at(60), None, Some(stage.at(120)));
    let last = run(2, stage.at(120), Some(stage.at(65)), None);
    assert_eq!(runs, [first, last]);
}
