//! The phases of a shutdown, what each does to a running task, and that all of them run again.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use evertask::storage::Write;
use evertask::{
    BlockingHandler, CancelOutcome, DispatchError, EverTask, LeftBehind, Queue, ShutdownReport,
    Status, Task, TaskContext, TaskEventKind, TaskId, TaskResult,
};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::clock::StagedClock;
use super::home::{Home, becomes};
use super::player::{Diary, Player, settle};
use crate::stage::{Numbered, event, soon};

on_every_storage! {
    a_task_may_finish_while_draining,
    a_task_that_cooperates_is_stopped_and_runs_again_after_a_restart,
    a_task_that_ignores_it_is_aborted_and_runs_again_after_a_restart,
    one_that_is_in_a_hurry_aborts_at_once_and_tasks_run_again_after_a_restart,
    a_hurry_cuts_a_shutdown_short_that_was_begun,
    a_blocking_task_is_left_behind_by_name_and_runs_again_after_a_restart,
    waiting_tasks_are_given_back_and_dispatches_are_stored_until_the_end,
    a_claim_under_way_does_not_take_what_the_shutdown_stops,
    a_cancel_wins_over_a_shutdown,
    every_caller_of_shutdown_gets_the_same_report,
}

const DRAIN: Duration = Duration::from_secs(11);
const GRACE: Duration = Duration::from_secs(13);

fn with_phases(builder: evertask::Builder, clock: &StagedClock) -> evertask::Builder {
    builder.clock(clock.clone()).drain(DRAIN).grace(GRACE)
}

async fn shut_down(evertask: &EverTask, steps: impl Future<Output = ()>) -> ShutdownReport {
    let (report, ()) = soon(futures::future::join(evertask.shutdown(), steps)).await;
    report.unwrap()
}

/// After a restart, the task completes in its second run and leaves nothing else.
async fn runs_again(home: &Home, id: TaskId, diary: &Diary) {
    let evertask = Player::idle(diary).at(home).start().await.unwrap();
    diary.says("completed 0").await;
    home.shut_down(evertask).await;
    assert_eq!(home.status(id).await, Status::Completed);
    let statuses = home.audited(id).await;
    assert!(!statuses.contains(&Status::Failed), "{statuses:?}");
    let attempts = home.attempts(id).await;
    assert!(
        attempts.iter().all(|attempt| attempt.number == 1),
        "none was counted"
    );
}

/// Core 5.7, first phase.
async fn a_task_may_finish_while_draining(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let gate = Arc::new(Semaphore::new(0));
    let doors = Arc::clone(&gate);
    let player = Player::new(&diary, move |_, context| {
        let gate = Arc::clone(&doors);
        async move {
            gate.acquire().await?.forget();
            assert!(!context.is_cancelled(), "undisturbed");
            Ok(())
        }
    });
    let evertask = with_phases(player.at(&home), &clock).start().await.unwrap();
    let id = evertask.dispatch(Numbered(0)).await.unwrap().id;
    diary.says("handle 0.1").await;
    let report = shut_down(&evertask, async {
        clock.asked_for(DRAIN).await;
        gate.add_permits(1);
    })
    .await;
    assert_eq!((report.running, report.drained), (1, 1));
    assert_eq!((report.stopped, report.aborted), (0, 0));
    assert_eq!(home.status(id).await, Status::Completed);
    evertask.stopped().await.unwrap();
}

/// Core 5.7, second phase, and core acceptance scenario 34, its second half.
async fn a_task_that_cooperates_is_stopped_and_runs_again_after_a_restart(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let builder = Player::cooperative(&diary).at(&home);
    let evertask = with_phases(builder, &clock).start().await.unwrap();
    let mut events = evertask.events();
    let id = evertask.dispatch(Numbered(0)).await.unwrap().id;
    diary.says("handle 0.1").await;
    let report = shut_down(&evertask, clock.pass(DRAIN)).await;
    assert_eq!((report.running, report.drained), (1, 0));
    assert_eq!((report.stopped, report.aborted), (1, 0));
    event(&mut events, |event| event.kind == TaskEventKind::Stopped).await;
    home.crash(evertask).await;
    let state = home.row(id).await.state;
    assert_eq!(state.status, Status::ServiceStopped);
    assert_eq!((state.attempts, state.owner), (0, None));
    assert_eq!(
        diary.entries()[2],
        "error 0: stopped: the runtime was stopped"
    );
    assert_eq!(diary.count("error"), 1);
    runs_again(&home, id, &diary).await;
}

/// Core 5.7, third phase.
async fn a_task_that_ignores_it_is_aborted_and_runs_again_after_a_restart(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let builder = Player::stubborn(&diary).at(&home);
    let evertask = with_phases(builder, &clock).start().await.unwrap();
    let id = evertask.dispatch(Numbered(0)).await.unwrap().id;
    diary.says("handle 0.1").await;
    let report = shut_down(&evertask, async {
        clock.pass(DRAIN).await;
        assert_eq!(diary.count("dropped"), 0);
        clock.pass(GRACE).await;
    })
    .await;
    assert_eq!((report.running, report.drained), (1, 0));
    assert_eq!((report.stopped, report.aborted), (0, 1));
    assert_eq!(report.left_behind, []);
    assert_eq!(diary.count("dropped"), 1);
    home.crash(evertask).await;
    assert_eq!(home.status(id).await, Status::ServiceStopped);
    runs_again(&home, id, &diary).await;
}

/// Issue 4, build 7.
async fn one_that_is_in_a_hurry_aborts_at_once_and_tasks_run_again_after_a_restart(home: Home) {
    let diary = Diary::default();
    // Nobody moves this clock: whatever waits for a phase waits for ever.
    let clock = StagedClock::new();
    let builder = Player::stubborn(&diary).at(&home);
    let evertask = with_phases(builder, &clock).start().await.unwrap();
    let id = evertask.dispatch(Numbered(0)).await.unwrap().id;
    diary.says("handle 0.1").await;
    let report = soon(evertask.shutdown_now()).await.unwrap();
    assert_eq!((report.running, report.drained), (1, 0));
    assert_eq!((report.stopped, report.aborted), (0, 1));
    assert!(report.everything_written && report.storage_closed);
    assert_eq!(diary.count("dropped"), 1);
    home.crash(evertask).await;
    assert_eq!(home.status(id).await, Status::ServiceStopped);
    runs_again(&home, id, &diary).await;
}

/// Issue 4, build 7: a second signal skips to abort.
async fn a_hurry_cuts_a_shutdown_short_that_was_begun(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let builder = Player::stubborn(&diary).at(&home);
    let evertask = with_phases(builder, &clock).start().await.unwrap();
    let id = evertask.dispatch(Numbered(0)).await.unwrap().id;
    diary.says("handle 0.1").await;
    let hurry = async {
        clock.asked_for(DRAIN).await;
        evertask.shutdown_now().await.unwrap()
    };
    let (begun, hurried) = soon(futures::future::join(evertask.shutdown(), hurry)).await;
    assert_eq!(begun.unwrap(), hurried);
    assert_eq!((hurried.running, hurried.aborted), (1, 1));
    home.crash(evertask).await;
    assert_eq!(home.status(id).await, Status::ServiceStopped);
    runs_again(&home, id, &diary).await;
}

/// Architecture rule 12.
async fn a_blocking_task_is_left_behind_by_name_and_runs_again_after_a_restart(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let (release, held) = channel();
    let handler = Blocking(diary.clone(), Arc::new(Mutex::new(held)));
    let builder = EverTask::builder()
        .storage(home.clone())
        .blocking_handler(handler);
    let evertask = with_phases(builder, &clock).start().await.unwrap();
    let id = evertask.dispatch(Numbered(0)).await.unwrap().id;
    diary.says("blocks 0").await;
    let report = shut_down(&evertask, async {
        clock.pass(DRAIN).await;
        clock.pass(GRACE).await;
    })
    .await;
    let task = Numbered::NAME.to_owned();
    assert_eq!(report.left_behind, [LeftBehind { id, task }]);
    assert_eq!((report.running, report.aborted), (1, 1));
    home.crash(evertask).await;
    assert_eq!(home.status(id).await, Status::ServiceStopped);
    release.send(()).unwrap();
    diary.says("returns 0").await;
    assert_eq!(home.status(id).await, Status::ServiceStopped);
    runs_again(&home, id, &diary).await;
}

struct Blocking(Diary, Arc<Mutex<Receiver<()>>>);

impl BlockingHandler<Numbered> for Blocking {
    fn handle(&self, task: &Numbered, _: &TaskContext) -> TaskResult {
        self.0.note(format!("blocks {}", task.0));
        self.1.lock().recv()?;
        self.0.note(format!("returns {}", task.0));
        Ok(())
    }
}

/// Core 5.7: nothing waiting is lost or failed by a shutdown; while it drains, dispatches are stored.
async fn waiting_tasks_are_given_back_and_dispatches_are_stored_until_the_end(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let builder = Player::cooperative(&diary).at(&home);
    let evertask = with_phases(builder, &clock).start().await.unwrap();
    let mut events = evertask.events();
    let first = evertask.dispatch(Numbered(0)).await.unwrap().id;
    diary.says("handle 0.1").await;
    let mut waiting = Vec::new();
    for number in 1..=3 {
        let id = evertask.dispatch(Numbered(number)).await.unwrap().id;
        event(&mut events, |event| {
            event.id == id && event.kind == TaskEventKind::Queued
        })
        .await;
        waiting.push(id);
    }
    let hour = Duration::from_hours(1);
    let delayed = evertask.dispatch(Numbered(4)).after(hour).await.unwrap().id;
    let report = shut_down(&evertask, async {
        clock.asked_for(DRAIN).await;
        let late = evertask.dispatch(Numbered(5)).await.unwrap().id;
        waiting.push(late);
        clock.advance(DRAIN);
    })
    .await;
    assert_eq!(report.given_back, 3);
    let refused = evertask.dispatch(Numbered(6)).await.unwrap_err();
    assert!(
        matches!(refused, DispatchError::ShuttingDown),
        "{refused:?}"
    );
    home.crash(evertask).await;
    for id in waiting.iter().chain([&delayed]) {
        let state = home.row(*id).await.state;
        assert_eq!((state.status, state.owner), (Status::WaitingQueue, None));
    }
    assert_eq!(home.status(first).await, Status::ServiceStopped);
    assert_eq!(diary.count("handle"), 1);

    let evertask = Player::idle(&diary).at(&home).clock(clock.clone());
    let evertask = evertask.start().await.unwrap();
    diary.counts(5, "completed").await;
    clock.advance(hour);
    diary.says("completed 4").await;
    home.shut_down(evertask).await;
    assert_eq!(diary.count("completed"), 6);
}

/// Core acceptance scenario 34: the claim and the end of the task would commit in one group, in which
/// claims come last.
async fn a_claim_under_way_does_not_take_what_the_shutdown_stops(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let queue = Queue::new("default").parallelism(2);
    let builder = EverTask::builder()
        .storage(home.clone())
        .queue(queue)
        .handler(Player::cooperative(&diary));
    let evertask = builder.clock(clock.clone()).drain(Duration::ZERO);
    let evertask = evertask.start().await.unwrap();
    let id = evertask.dispatch(Numbered(0)).await.unwrap().id;
    diary.says("handle 0.1").await;
    home.commits(1, becomes(Status::InProgress)).await;
    let delay = Duration::from_secs(5);
    evertask.dispatch(Numbered(1)).after(delay).await.unwrap();

    home.hold();
    let in_flight = evertask.dispatch(Numbered(2)).after(delay).into_future();
    let steps = async {
        home.stuck_with(|write| matches!(write, Write::Insert(_)))
            .await;
        clock.advance(delay);
        settle(&evertask).await;
        let release = async {
            settle(&evertask).await;
            home.release();
        };
        futures::future::join(evertask.shutdown(), release).await.0
    };
    let (dispatched, report) = soon(futures::future::join(in_flight, steps)).await;
    dispatched.unwrap();
    assert_eq!(report.unwrap().stopped, 1);
    home.crash(evertask).await;
    assert_eq!(home.status(id).await, Status::ServiceStopped);
}

/// Core acceptance scenario 34, its first half, and core edge case 74: with the cancel before the
/// shutdown, and with it between the two.
async fn a_cancel_wins_over_a_shutdown(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let player = Player::new(&diary, |number, context| async move {
        match number {
            0 => context.cancelled().await,
            _ => std::future::pending().await,
        }
        Err(evertask::TaskError::other("told to stop"))
    });
    let builder = EverTask::builder()
        .storage(home.clone())
        .queue(Queue::new("default").parallelism(3))
        .handler(player);
    let evertask = with_phases(builder, &clock).start().await.unwrap();
    let mut ids = Vec::new();
    for number in 0..3 {
        ids.push(evertask.dispatch(Numbered(number)).await.unwrap().id);
        diary.says(&format!("handle {number}.1")).await;
    }
    for id in &ids[..2] {
        let outcome = evertask.cancel(*id).await.unwrap();
        assert_eq!(outcome, CancelOutcome::CancelledWhileRunning);
    }
    shut_down(&evertask, async {
        clock.pass(DRAIN).await;
        clock.asked_for(GRACE).await;
        let outcome = evertask.cancel(ids[2]).await.unwrap();
        assert_eq!(outcome, CancelOutcome::CancelledWhileRunning);
        clock.advance(GRACE);
    })
    .await;
    home.crash(evertask).await;
    for id in &ids {
        assert_eq!(home.status(*id).await, Status::Cancelled);
    }
    assert_eq!(diary.count("error"), 3);
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    evertask.dispatch(Numbered(9)).await.unwrap();
    diary.says("completed 9").await;
    home.shut_down(evertask).await;
    assert_eq!(diary.count("completed"), 1, "cancelled is cancelled");
}

/// A second signal joins the shutdown that the first one began.
async fn every_caller_of_shutdown_gets_the_same_report(home: Home) {
    let diary = Diary::default();
    let builder = Player::cooperative(&diary).at(&home).drain(Duration::ZERO);
    let evertask = builder.start().await.unwrap();
    evertask.dispatch(Numbered(0)).await.unwrap();
    diary.says("handle 0.1").await;
    let twice = futures::future::join(evertask.shutdown(), evertask.shutdown());
    let (one, two) = soon(twice).await;
    let report = one.unwrap();
    assert_eq!(report.running, 1);
    assert_eq!(report, two.unwrap());
    assert_eq!(diary.count("error"), 1);
}
