//! What a cancel finds, what it answers, and what becomes of the task.

use std::time::Duration;

use evertask::{
    AttemptOutcome, Cancel, CancelOutcome, FailureKind, RetryPolicy, Status, TaskError,
};

use super::clock::StagedClock;
use super::home::{Home, becomes};
use super::player::{Diary, Player};
use super::row::id_of;
use crate::stage::Numbered;

on_every_storage! {
    a_waiting_task_never_runs,
    a_running_task_that_cooperates_is_cancelled_once,
    a_running_task_that_ignores_it_is_aborted,
    a_running_task_that_succeeds_all_the_same_stays_cancelled,
    a_task_that_is_over_stays_as_it_is,
    a_task_between_two_attempts_is_cancelled_with_its_causes,
    a_parked_task_is_cancelled_without_a_hook,
    a_cancel_is_audited_with_who_and_why,
    an_error_called_cancelled_is_an_ordinary_failure,
}

/// Core acceptance scenario 33, parked; a task in the window alike. Core edge case 2 of the cancel:
/// it stays so after a restart.
async fn a_waiting_task_never_runs(home: Home) {
    let diary = Diary::default();
    let player = Player::cooperative(&diary);
    let clock = StagedClock::new();
    let evertask = player.at(&home).clock(clock.clone()).start().await.unwrap();
    let running = evertask.dispatch(Numbered(0)).await.unwrap().id;
    diary.says("handle 0.1").await;
    let in_window = evertask.dispatch(Numbered(1)).await.unwrap().id;
    let hour = Duration::from_hours(1);
    let delayed = evertask.dispatch(Numbered(2)).after(hour).await.unwrap().id;
    for id in [in_window, delayed] {
        assert_eq!(evertask.cancel(id).await.unwrap(), CancelOutcome::Cancelled);
    }
    evertask.cancel(running).await.unwrap();
    clock.advance(hour);
    home.shut_down(evertask).await;

    let evertask = player.at(&home).clock(clock.clone()).start().await.unwrap();
    let after = evertask.dispatch(Numbered(3)).await.unwrap().id;
    diary.says("handle 3.1").await;
    evertask.cancel(after).await.unwrap();
    home.shut_down(evertask).await;
    for id in [in_window, delayed] {
        let state = home.row(id).await.state;
        assert_eq!(state.status, Status::Cancelled);
        assert_eq!(state.last_execution_at, None);
        assert_eq!(state.failure, None);
        assert_eq!(state.available_at, None);
        assert_eq!(home.attempts(id).await, []);
    }
    for number in [1, 2] {
        for entry in ["started", "handle", "error"] {
            assert_eq!(diary.count(&format!("{entry} {number}")), 0);
        }
    }
}

/// Core acceptance scenario 33, running and cooperative. Repeated, because the runtime and the
/// handler race to store it.
async fn a_running_task_that_cooperates_is_cancelled_once(home: Home) {
    let diary = Diary::default();
    let evertask = Player::cooperative(&diary).at(&home).start().await.unwrap();
    for number in 0..20 {
        let id = evertask.dispatch(Numbered(number)).await.unwrap().id;
        diary.says(&format!("handle {number}.1")).await;
        let outcome = evertask.cancel(id).await.unwrap();
        assert_eq!(outcome, CancelOutcome::CancelledWhileRunning);
        let error = format!("error {number}: cancelled: the task was cancelled");
        diary.says(&error).await;
        assert_eq!(home.status(id).await, Status::Cancelled);
        let again = evertask.cancel(id).await.unwrap();
        assert_eq!(again, CancelOutcome::AlreadyOver(Status::Cancelled));
        let attempts = home.attempts(id).await;
        let outcomes: Vec<_> = attempts.iter().map(|attempt| attempt.outcome).collect();
        assert_eq!(outcomes, [AttemptOutcome::Cancelled]);
        let cancels = home.audited(id).await;
        let cancels = cancels
            .iter()
            .filter(|status| **status == Status::Cancelled);
        assert_eq!(cancels.count(), 1);
    }
    home.shut_down(evertask).await;
    assert_eq!(diary.count("error"), 20);
    assert_eq!(diary.count("retry"), 0);
}

/// Core acceptance scenario 33, running and ignoring the token, for ever.
async fn a_running_task_that_ignores_it_is_aborted(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let abort_after = Duration::from_secs(7);
    let player = Player::stubborn(&diary);
    let evertask = player
        .at(&home)
        .clock(clock.clone())
        .abort_after(abort_after);
    let evertask = evertask.start().await.unwrap();
    let id = evertask.dispatch(Numbered(0)).await.unwrap().id;
    diary.says("handle 0.1").await;
    let outcome = evertask.cancel(id).await.unwrap();
    assert_eq!(outcome, CancelOutcome::CancelledWhileRunning);
    clock.asked_for(abort_after).await;
    assert_eq!(diary.count("dropped"), 0);
    clock.advance(abort_after);
    diary
        .says("error 0: cancelled: the task was cancelled")
        .await;
    home.shut_down(evertask).await;
    let order = ["started 0", "handle 0.1", "dropped 0"];
    assert_eq!(diary.entries()[..3], order);
    assert_eq!(home.status(id).await, Status::Cancelled);
}

/// Core acceptance scenario 33: the body ends by itself, the status stays Cancelled.
async fn a_running_task_that_succeeds_all_the_same_stays_cancelled(home: Home) {
    let diary = Diary::default();
    let player = Player::new(&diary, |_, context| async move {
        context.cancelled().await;
        Ok(())
    });
    let evertask = player.at(&home).start().await.unwrap();
    let id = evertask.dispatch(Numbered(0)).await.unwrap().id;
    diary.says("handle 0.1").await;
    evertask.cancel(id).await.unwrap();
    diary.counts(1, "error 0: cancelled").await;
    home.shut_down(evertask).await;
    assert_eq!(home.status(id).await, Status::Cancelled);
    assert_eq!(diary.count("completed"), 0);
    let statuses = home.audited(id).await;
    assert!(!statuses.contains(&Status::Completed));
}

/// Core acceptance scenario 33, completed; failed alike, and an id that nobody has.
async fn a_task_that_is_over_stays_as_it_is(home: Home) {
    let diary = Diary::default();
    let player = Player::new(&diary, |number, _| async move {
        if number == 1 {
            return Err(TaskError::permanent("broken"));
        }
        Ok(())
    });
    let evertask = player.at(&home).start().await.unwrap();
    let completed = evertask.dispatch(Numbered(0)).await.unwrap().id;
    let failed = evertask.dispatch(Numbered(1)).await.unwrap().id;
    diary.says("completed 0").await;
    diary.says("error 1: permanent: broken").await;
    for (id, status) in [(completed, Status::Completed), (failed, Status::Failed)] {
        let (row, audit) = (home.row(id).await, home.audit(id).await);
        let outcome = evertask.cancel(id).await.unwrap();
        assert_eq!(outcome, CancelOutcome::AlreadyOver(status));
        assert_eq!(home.row(id).await, row);
        assert_eq!(home.audit(id).await, audit);
    }
    let outcome = evertask.cancel(id_of(77)).await.unwrap();
    assert_eq!(outcome, CancelOutcome::Unknown);
    home.shut_down(evertask).await;
}

/// Core 5.2 and core edge case 123.
async fn a_task_between_two_attempts_is_cancelled_with_its_causes(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let player = Player::new(&diary, |_, context| async move {
        Err(TaskError::other(format!("reason {}", context.attempt())))
    });
    let evertask = player.at(&home).clock(clock.clone()).start().await.unwrap();
    let id = evertask.dispatch(Numbered(0)).await.unwrap().id;
    let delay = Duration::from_millis(500);
    clock.pass(delay).await;
    clock.asked_for(delay).await;
    let outcome = evertask.cancel(id).await.unwrap();
    assert_eq!(outcome, CancelOutcome::CancelledWhileRunning);
    diary.counts(1, "error 0: cancelled").await;
    home.shut_down(evertask).await;
    let entries = diary.entries();
    let error = entries.last().unwrap();
    assert!(
        error.contains("reason 1") && error.contains("reason 2"),
        "{error}"
    );
    assert_eq!(diary.count("handle"), 2);
    assert_eq!(home.status(id).await, Status::Cancelled);
}

/// A parked retry is no delivery, so there is nobody to call.
async fn a_parked_task_is_cancelled_without_a_hook(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let player = Player::new(&diary, |_, _| async { Err(TaskError::other("broken")) });
    let evertask = player.at(&home).clock(clock.clone()).start().await.unwrap();
    let delay = Duration::from_secs(30);
    let policy = RetryPolicy::Linear { retries: 3, delay };
    let id = evertask
        .dispatch(Numbered(0))
        .retry(policy)
        .await
        .unwrap()
        .id;
    home.commits(1, |write, _| {
        matches!(write, evertask::storage::Write::Change(change)
            if change.state.attempts == 1 && change.state.owner.is_none())
    })
    .await;
    // The next task shows that the delivery of the parked one is over.
    let next = evertask.dispatch(Numbered(1)).retry(RetryPolicy::None);
    next.await.unwrap();
    diary.counts(1, "error 1").await;
    assert_eq!(evertask.cancel(id).await.unwrap(), CancelOutcome::Cancelled);
    clock.advance(delay);
    home.shut_down(evertask).await;
    assert_eq!(home.status(id).await, Status::Cancelled);
    assert_eq!(diary.count("handle 0"), 1);
    assert_eq!(diary.count("error 0"), 0);
    assert_eq!(home.attempts(id).await.len(), 1);
}

/// Core edge case 82.
async fn a_cancel_is_audited_with_who_and_why(home: Home) {
    let diary = Diary::default();
    let evertask = Player::cooperative(&diary).at(&home).start().await.unwrap();
    let delayed = evertask
        .dispatch(Numbered(0))
        .after(Duration::from_hours(1));
    let delayed = delayed.await.unwrap().id;
    let running = evertask.dispatch(Numbered(1)).await.unwrap().id;
    diary.says("handle 1.1").await;
    for id in [delayed, running] {
        let cancel = Cancel::new(id).by("ada").because("not needed");
        evertask.send_cancel(cancel).await.unwrap();
    }
    home.commits(2, becomes(Status::Cancelled)).await;
    home.shut_down(evertask).await;
    for id in [delayed, running] {
        let audit = home.audit(id).await;
        let last = audit.last().unwrap();
        assert_eq!(last.status, Status::Cancelled);
        assert_eq!(last.actor.as_deref(), Some("ada"));
        assert_eq!(last.reason.as_deref(), Some("not needed"));
    }
}

/// Core 5.5 and core edge case 80: the token decides, never the error.
async fn an_error_called_cancelled_is_an_ordinary_failure(home: Home) {
    let diary = Diary::default();
    let player = Player::new(&diary, |_, _| async {
        let aborted = tokio::spawn(std::future::pending::<()>());
        aborted.abort();
        Ok(aborted.await?)
    });
    let evertask = player.at(&home).start().await.unwrap();
    let policy = RetryPolicy::Linear {
        retries: 1,
        delay: Duration::from_millis(1),
    };
    let id = evertask
        .dispatch(Numbered(0))
        .retry(policy)
        .await
        .unwrap()
        .id;
    diary.counts(1, "error 0: other").await;
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle"), 2);
    let state = home.row(id).await.state;
    assert_eq!(state.status, Status::Failed);
    assert_eq!(state.failure.unwrap().kind, FailureKind::Other);
}
