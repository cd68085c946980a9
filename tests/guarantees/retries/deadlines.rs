//! "Don't start after": what a deadline ends, and what it leaves alone.

use std::time::Duration;

use evertask::storage::{Answer, Write};
use evertask::time::Clock;
use evertask::{
    Failure, FailureKind, RetryPolicy, Status, TaskError, TaskEventKind, TaskId, TaskOptions,
};

use super::{Actor, BLINK, kind, parks};
use crate::one_shot::clock::StagedClock;
use crate::one_shot::home::{Home, becomes};
use crate::one_shot::player::Diary;
use crate::stage::event;

on_every_storage_and_server! {
    a_task_that_is_too_late_ends_without_a_hook,
    a_task_may_start_at_its_very_deadline,
    what_was_started_in_time_goes_on_however_late,
    what_a_crash_interrupted_goes_on_however_late,
    a_kind_of_task_has_a_deadline_that_a_dispatch_may_change,
    a_series_whose_first_run_is_too_late_leaves_it_out,
}

const MINUTE: Duration = Duration::from_mins(1);
const MOMENT: Duration = Duration::from_micros(1);

kind!(Relaxed, TaskOptions::new());
kind!(Urgent, TaskOptions::new().start_within(MINUTE));

fn idle(diary: &Diary) -> Actor {
    Actor::new(diary, |_| async { Ok(()) })
}

async fn expired(home: &Home, id: TaskId) -> Failure {
    let state = home.row(id).await.state;
    assert_eq!(state.status, Status::Failed);
    let failure = state.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Expired);
    failure
}

/// Issue 4, build 4. It waits in its window behind a task that holds the only slot.
async fn a_task_that_is_too_late_ends_without_a_hook(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let (release, held) = tokio::sync::watch::channel(false);
    let actor = Actor::new(&diary, move |_| {
        let mut held = held.clone();
        async move {
            held.wait_for(|released| *released).await.ok();
            Ok(())
        }
    });
    let builder = actor.at::<Relaxed>(&home).clock(clock.clone());
    let evertask = builder.start().await.unwrap();
    let mut events = evertask.events();
    evertask.dispatch(Relaxed).await.unwrap();
    diary.says("handle 1").await;
    let deadline = clock.now() + MINUTE;
    let late = evertask
        .dispatch(Relaxed)
        .deadline(deadline)
        .await
        .unwrap()
        .id;
    let state = home.row(late).await.state;
    assert_eq!(state.start_by, Some(deadline));
    clock.advance(MINUTE + MOMENT);
    release.send_replace(true);
    let failed = event(&mut events, |event| {
        matches!(event.kind, TaskEventKind::Failed(_))
    })
    .await;
    home.shut_down(evertask).await;
    let failure = expired(&home, late).await;
    assert!(failure.text.contains(&deadline.to_string()), "{failure}");
    assert_eq!(
        (failed.id, failed.kind),
        (late, TaskEventKind::Failed(failure.clone()))
    );
    assert_eq!(diary.entries(), ["started", "handle 1", "completed"]);
    assert_eq!(home.attempts(late).await, []);
    let last = home.audit(late).await.pop().unwrap();
    assert_eq!((last.status, last.failure), (Status::Failed, Some(failure)));
    assert_eq!(home.row(late).await.definition.deadline, Some(deadline));
}

async fn a_task_may_start_at_its_very_deadline(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let builder = idle(&diary).at::<Relaxed>(&home).clock(clock.clone());
    let evertask = builder.start().await.unwrap();
    let now = clock.now();
    let id = evertask.dispatch(Relaxed).deadline(now).await.unwrap().id;
    diary.says("completed").await;
    let before = now - MOMENT;
    let past = evertask
        .dispatch(Relaxed)
        .deadline(before)
        .await
        .unwrap()
        .id;
    home.commits(1, becomes(Status::Failed)).await;
    home.shut_down(evertask).await;
    assert_eq!(home.status(id).await, Status::Completed);
    expired(&home, past).await;
}

/// A deadline is about the start: a retry and a snooze go on with what was started.
async fn what_was_started_in_time_goes_on_however_late(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let pages = diary.clone();
    let actor = Actor::new(&diary, move |_| {
        let entered = pages.count("handle");
        async move {
            match entered {
                1 => Err(TaskError::retry_after(MINUTE * 2, "later")),
                2 => Err(TaskError::snooze(MINUTE * 2, "much later")),
                _ => Ok(()),
            }
        }
    });
    let builder = actor.at::<Relaxed>(&home).clock(clock.clone());
    let evertask = builder.start().await.unwrap();
    let request = evertask.dispatch(Relaxed).start_within(MINUTE);
    let id = request.await.unwrap().id;
    home.commits(1, parks).await;
    assert_eq!(home.row(id).await.state.start_by, None);
    clock.advance(MINUTE * 2);
    diary.says("handle 2").await;
    home.commits(
        1,
        |write, _| matches!(write, Write::Change(change) if change.state.snoozes == 1),
    )
    .await;
    clock.advance(MINUTE * 2);
    diary.says("completed").await;
    home.shut_down(evertask).await;
}

/// The row says that it was started, so who picks it up goes on with it.
async fn what_a_crash_interrupted_goes_on_however_late(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let pages = diary.clone();
    let actor = Actor::new(&diary, move |context| {
        let entered = pages.count("handle");
        async move {
            if entered == 1 {
                context.cancelled().await;
            }
            Ok(())
        }
    });
    let start = async || {
        let builder = actor.at::<Relaxed>(&home).clock(clock.clone());
        builder.start().await.unwrap()
    };
    let evertask = start().await;
    let request = evertask.dispatch(Relaxed).start_within(MINUTE);
    let id = request.await.unwrap().id;
    diary.says("handle 1").await;
    home.commits(1, becomes(Status::InProgress)).await;
    home.crash(evertask).await;
    clock.advance(MINUTE * 2);
    let evertask = start().await;
    diary.says("completed").await;
    home.shut_down(evertask).await;
    assert_eq!(home.status(id).await, Status::Completed);
}

/// The time counts from when the task is due, and the nearest level decides, none included.
async fn a_kind_of_task_has_a_deadline_that_a_dispatch_may_change(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let start = async || {
        let builder = idle(&diary).at::<Urgent>(&home).clock(clock.clone());
        builder.start().await.unwrap()
    };
    let evertask = start().await;
    let due = clock.now() + MINUTE;
    let usual = evertask.dispatch(Urgent).at(due).await.unwrap().id;
    let longer = evertask.dispatch(Urgent).at(due).start_within(MINUTE * 3);
    let longer = longer.await.unwrap().id;
    let never = evertask.dispatch(Urgent).at(due).no_deadline();
    let never = never.await.unwrap().id;
    home.shut_down(evertask).await;
    let mut deadlines = Vec::new();
    for id in [usual, longer, never] {
        deadlines.push(home.row(id).await.definition.deadline);
    }
    let expected = [Some(due + MINUTE), Some(due + MINUTE * 3), None];
    assert_eq!(deadlines, expected);
    clock.advance(MINUTE * 3);
    let evertask = start().await;
    diary.counts(2, "completed").await;
    home.commits(1, becomes(Status::Failed)).await;
    home.shut_down(evertask).await;
    expired(&home, usual).await;
    for id in [longer, never] {
        assert_eq!(home.status(id).await, Status::Completed);
    }
}

/// Of a series, the first run has to be in time; it is left out otherwise, and the others run.
async fn a_series_whose_first_run_is_too_late_leaves_it_out(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let start = async || {
        let builder = idle(&diary).at::<Relaxed>(&home).clock(clock.clone());
        builder.start().await.unwrap()
    };
    let evertask = start().await;
    let hourly = || {
        let request = evertask.dispatch(Relaxed).every(Duration::from_hours(1));
        request
            .start_within(MINUTE)
            .retry(RetryPolicy::Delays(vec![BLINK]))
    };
    let due = clock.now() + MINUTE;
    let in_time = hourly().await.unwrap().id;
    diary.counts(1, "completed").await;
    let late = hourly().at(due).await.unwrap().id;
    home.shut_down(evertask).await;
    clock.advance(MINUTE * 2 + MOMENT);
    let evertask = start().await;
    let is_left_out = |write: &Write, _: &Answer| matches!(write, Write::Change(change) if change.id == late && change.missed == 1);
    home.commits(1, is_left_out).await;
    let next = home.row(late).await.state.next_run_at;
    assert_eq!(next, Some(due + Duration::from_hours(1)));
    assert_eq!(diary.count("completed"), 1);
    clock.advance(Duration::from_hours(1));
    diary.counts(3, "completed").await;
    home.shut_down(evertask).await;
    for id in [in_time, late] {
        assert!(home.row(id).await.state.next_run_at.is_some());
    }
}
