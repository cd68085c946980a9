//! What a dispatch does to the task that holds its key.

use std::sync::Arc;
use std::time::Duration;

use evertask::storage::{Answer, Write};
use evertask::task::RowState;
use evertask::{
    AuditLevel, DispatchError, DispatchOutcome, KeptReason, Queue, Status, TaskEventKind, WhenFull,
};
use parking_lot::Mutex;

use super::{existing, gated};
use crate::one_shot::clock::StagedClock;
use crate::one_shot::home::{Home, becomes};
use crate::one_shot::player::{Diary, Player, settle};
use crate::one_shot::row::{id_of, waiting};
use crate::stage::{Numbered, event};

on_every_storage_and_server!(
    a_task_in_flight_is_left_alone,
    a_running_task_is_left_alone,
    a_handler_that_dispatches_under_its_own_key_gets_its_own_task,
    a_delayed_task_that_is_dispatched_at_once_runs_once,
    a_delayed_task_can_be_moved,
    a_task_that_waits_becomes_a_series,
    a_task_that_was_stopped_does_the_new_work,
    a_task_that_is_over_keeps_its_history_and_loses_its_key,
    a_dispatch_that_finds_no_room_changes_nothing,
    what_was_said_of_the_first_dispatch_is_replaced,
);

const HOUR: Duration = Duration::from_hours(1);

/// Core edge cases 52 and 53: what runs is what is stored.
async fn a_task_in_flight_is_left_alone(home: Home) {
    let diary = Diary::default();
    let (player, gate) = gated(&diary);
    let evertask = player.at(&home).start().await.unwrap();
    evertask.dispatch(Numbered(9)).await.unwrap();
    diary.says("handle 9.1").await;
    let first = evertask.dispatch(Numbered(1)).key("k").await.unwrap();
    assert_eq!(first.outcome, DispatchOutcome::Created);
    let again = || evertask.dispatch(Numbered(2)).key("k");
    let dispatches = [again(), again().after(HOUR), again().every(HOUR)];
    for dispatch in dispatches {
        let dispatched = dispatch.await.unwrap();
        assert_eq!(dispatched.id, first.id);
        assert_eq!(dispatched.outcome, existing(KeptReason::InFlight));
    }
    assert_eq!(home.row(first.id).await.definition.payload, "1");
    gate.add_permits(9);
    diary.says("completed 1").await;
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle 2"), 0);
}

/// Row 7 of core 2.4.
async fn a_running_task_is_left_alone(home: Home) {
    let diary = Diary::default();
    let (player, gate) = gated(&diary);
    let evertask = player.at(&home).start().await.unwrap();
    let first = evertask.dispatch(Numbered(1)).key("k").await.unwrap();
    home.commits(1, becomes(Status::InProgress)).await;
    let again = evertask.dispatch(Numbered(2)).key("k").await.unwrap();
    assert_eq!(again.id, first.id);
    assert_eq!(again.outcome, existing(KeptReason::Running));
    gate.add_permits(9);
    diary.says("completed 1").await;
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle"), 1);
}

/// Core edge case 61.
async fn a_handler_that_dispatches_under_its_own_key_gets_its_own_task(home: Home) {
    let diary = Diary::default();
    let answers = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&answers);
    let player = Player::new(&diary, move |_, context| {
        let told = Arc::clone(&told);
        async move {
            let again = context.client().dispatch(Numbered(2)).key("k").await?;
            told.lock().push((context.id(), again));
            Ok(())
        }
    });
    let evertask = player.at(&home).start().await.unwrap();
    let first = evertask.dispatch(Numbered(1)).key("k").await.unwrap();
    diary.says("completed 1").await;
    home.shut_down(evertask).await;
    let answers = answers.lock().clone();
    let [(id, again)] = answers[..] else {
        panic!("{answers:?}");
    };
    assert_eq!((id, again.id), (first.id, first.id));
    // How far the row has got when the handler asks is a matter of the commit.
    let kept = [KeptReason::InFlight, KeptReason::Running].map(existing);
    assert!(kept.contains(&again.outcome), "{again:?}");
    assert_eq!(diary.count("handle"), 1);
}

/// Core edge case 56, and the end of core acceptance scenario 30.
async fn a_delayed_task_that_is_dispatched_at_once_runs_once(home: Home) {
    let (diary, clock) = (Diary::default(), StagedClock::new());
    let player = Player::idle(&diary);
    let evertask = player.at(&home).clock(clock.clone()).start().await.unwrap();
    let mut events = evertask.events();
    let first = evertask.dispatch(Numbered(1)).after(HOUR).key("k");
    let first = first.await.unwrap();
    let again = evertask.dispatch(Numbered(2)).key("k").await.unwrap();
    assert_eq!(
        (again.id, again.outcome),
        (first.id, DispatchOutcome::Updated)
    );
    diary.says("completed 2").await;
    event(&mut events, |event| {
        (event.id, &event.kind) == (first.id, &TaskEventKind::Updated)
    })
    .await;
    clock.advance(HOUR);
    settle(&evertask).await;
    evertask.dispatch(Numbered(3)).await.unwrap();
    diary.says("completed 3").await;
    home.shut_down(evertask).await;
    assert_eq!((diary.count("handle 1"), diary.count("handle 2")), (0, 1));
    let audited = home.audited(first.id).await;
    let expected = [
        Status::WaitingQueue,
        Status::Queued,
        Status::InProgress,
        Status::Completed,
    ];
    assert_eq!(audited, expected);
}

/// Row 9 of core 2.4: earlier, and later.
async fn a_delayed_task_can_be_moved(home: Home) {
    let (diary, clock) = (Diary::default(), StagedClock::new());
    let player = Player::idle(&diary);
    let evertask = player.at(&home).clock(clock.clone()).start().await.unwrap();
    let move_to = |number, minutes| {
        let delay = Duration::from_mins(minutes);
        evertask.dispatch(Numbered(number)).after(delay).key("k")
    };
    let id = move_to(1, 30).await.unwrap().id;
    for (number, minutes) in [(2, 10), (3, 20)] {
        let moved = move_to(number, minutes).await.unwrap();
        assert_eq!((moved.id, moved.outcome), (id, DispatchOutcome::Updated));
    }
    clock.advance(Duration::from_mins(10));
    evertask.dispatch(Numbered(8)).await.unwrap();
    diary.says("completed 8").await;
    assert_eq!(diary.count("handle 3"), 0, "the first move was taken back");
    clock.advance(Duration::from_mins(10));
    diary.says("completed 3").await;
    clock.advance(HOUR);
    evertask.dispatch(Numbered(9)).await.unwrap();
    diary.says("completed 9").await;
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle"), 3);
}

/// Row 10 of core 2.4.
async fn a_task_that_waits_becomes_a_series(home: Home) {
    let (diary, clock) = (Diary::default(), StagedClock::new());
    let player = Player::idle(&diary);
    let evertask = player.at(&home).clock(clock.clone()).start().await.unwrap();
    let first = evertask.dispatch(Numbered(1)).after(HOUR).key("k");
    let first = first.await.unwrap();
    let series = evertask.dispatch(Numbered(2)).every(HOUR).key("k");
    let series = series.await.unwrap();
    assert_eq!(series.id, first.id);
    assert_eq!(series.outcome, DispatchOutcome::Converted);
    diary.counts(1, "completed 2").await;
    home.commits(1, becomes(Status::Completed)).await;
    clock.advance(HOUR);
    diary.counts(2, "completed 2").await;
    home.shut_down(evertask).await;
    assert!(home.row(first.id).await.definition.series.is_some());
    assert_eq!(diary.count("handle 1"), 0);
}

/// `ServiceStopped` counts as unfinished: the row is given the new work and not replaced.
async fn a_task_that_was_stopped_does_the_new_work(home: Home) {
    let (diary, clock) = (Diary::default(), StagedClock::new());
    let later = evertask::time::Clock::now(&clock) + HOUR;
    home.seed(|_| {
        let mut row = waiting(1, later);
        row.definition.key = Some("k".to_owned());
        row.state = RowState {
            status: Status::ServiceStopped,
            active_key: row.definition.key.clone(),
            ..row.state
        };
        vec![row]
    })
    .await;
    let player = Player::idle(&diary);
    let evertask = player.at(&home).clock(clock).start().await.unwrap();
    let again = evertask.dispatch(Numbered(2)).key("k").await.unwrap();
    assert_eq!(
        (again.id, again.outcome),
        (id_of(1), DispatchOutcome::Updated)
    );
    diary.says("completed 2").await;
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle"), 1);
}

/// Core acceptance scenario 30: "a completed one-shot dispatched again: new id, the old one no longer
/// holds the key"; however it ended.
async fn a_task_that_is_over_keeps_its_history_and_loses_its_key(home: Home) {
    let diary = Diary::default();
    let player = Player::new(&diary, |number, context| async move {
        match number {
            0 => Ok(()),
            1 => Err(evertask::TaskError::permanent("as the test wants")),
            _ => {
                context.cancelled().await;
                Ok(())
            }
        }
    });
    let evertask = player.at(&home).start().await.unwrap();
    let mut ids = Vec::new();
    for (number, status) in [
        (0, Status::Completed),
        (1, Status::Failed),
        (2, Status::Cancelled),
        (0, Status::Completed),
    ] {
        let dispatched = evertask.dispatch(Numbered(number)).key("k").await.unwrap();
        assert!(dispatched.is_new() && ids.iter().all(|(id, _)| *id != dispatched.id));
        ids.push((dispatched.id, status));
        if status == Status::Cancelled {
            diary.says("handle 2.1").await;
            evertask.cancel(dispatched).await.unwrap();
        }
        let ends = move |write: &Write, answer: &Answer| {
            let id = match write {
                Write::Change(change) => change.id,
                Write::Cancel(_) => dispatched.id,
                _ => return false,
            };
            id == dispatched.id && becomes(status)(write, answer)
        };
        home.commits(1, ends).await;
    }
    home.shut_down(evertask).await;
    for (id, status) in ids {
        let row = home.row(id).await;
        assert_eq!(row.definition.key.as_deref(), Some("k"));
        assert_eq!(row.state.active_key, None);
        assert_eq!(home.attempts(id).await.len(), 1);
        assert_eq!(home.audited(id).await.last(), Some(&status));
    }
}

/// Core edge case 57.
async fn a_dispatch_that_finds_no_room_changes_nothing(home: Home) {
    let (diary, clock) = (Diary::default(), StagedClock::new());
    let (player, gate) = gated(&diary);
    let strict = Queue::new("strict").parallelism(1).capacity(1);
    let evertask = player.at(&home).clock(clock.clone());
    let evertask = evertask.queue(strict.when_full(WhenFull::Reject));
    let evertask = evertask.start().await.unwrap();
    settle(&evertask).await;
    let strict = |number| evertask.dispatch(Numbered(number)).queue("strict");
    let delayed = strict(1).after(HOUR).key("k").await.unwrap();
    let before = home.row(delayed.id).await;
    strict(2).await.unwrap();
    strict(3).await.unwrap();
    let error = strict(4).key("k").await.unwrap_err();
    assert!(
        matches!(error, DispatchError::QueueFull { .. }),
        "{error:?}"
    );
    assert_eq!(home.row(delayed.id).await, before);
    gate.add_permits(9);
    diary.says("completed 3").await;
    clock.advance(HOUR);
    diary.says("completed 1").await;
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle 4"), 0);
}

/// Core edge case 65: the audit level, and everything else that a dispatch says.
async fn what_was_said_of_the_first_dispatch_is_replaced(home: Home) {
    let (diary, clock) = (Diary::default(), StagedClock::new());
    let other = Queue::new("other").parallelism(1).capacity(5);
    let evertask = Player::idle(&diary).at(&home).queue(other);
    let evertask = evertask.clock(clock.clone()).start().await.unwrap();
    let first = evertask.dispatch(Numbered(1)).after(HOUR).key("k").tag("a");
    let first = first.await.unwrap();
    let before = home.row(first.id).await.definition;
    clock.advance(Duration::from_secs(1));
    let again = evertask.dispatch(Numbered(2)).after(HOUR).key("k");
    let again = again.queue("other").tag("b").priority(7);
    let again = again.audit(AuditLevel::Minimal).correlation_id("c");
    again.await.unwrap();
    let after = home.row(first.id).await.definition;
    assert_eq!((after.id, after.created_at), (before.id, before.created_at));
    assert_eq!(after.payload, "2");
    assert_eq!((after.queue.as_str(), after.priority), ("other", 7));
    assert_eq!(after.tags, ["b"]);
    assert_eq!(after.audit_level, AuditLevel::Minimal);
    assert_eq!(after.correlation_id.as_deref(), Some("c"));
    let moved = after.scheduled_at.unwrap() - before.scheduled_at.unwrap();
    assert_eq!(moved.num_seconds(), 1);
    clock.advance(HOUR);
    diary.says("completed 2").await;
    home.shut_down(evertask).await;
}
