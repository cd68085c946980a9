//! What a handler says of how far it has come is stored now and then, and decides about nothing.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use evertask::storage::{Answer, Write};
use evertask::{
    BlockingHandler, Status, TaskContext, TaskEventKind, TaskHandler, TaskId, TaskResult,
};
use tokio::sync::{Notify, watch};

use super::builder;
use crate::one_shot::clock::StagedClock;
use crate::one_shot::home::{Home, becomes};
use crate::one_shot::session::Fault;
use crate::stage::{Numbered, event, soon, task};

/// At most one write in that time.
const SECOND: Duration = Duration::from_secs(1);

on_every_storage_and_server! {
    what_is_said_within_a_second_is_one_write_and_the_last_word_counts,
    what_is_said_last_is_stored_with_the_outcome,
    a_blocking_handler_says_how_far_it_is,
    a_progress_that_can_not_be_stored_fails_no_task,
    a_long_run_that_says_much_keeps_nothing_of_it_in_memory_for_the_end,
    the_last_word_of_a_cancelled_task_is_kept_and_changes_nothing,
}

/// Says what it is told to say, and ends when it is told to.
#[derive(Clone, Default)]
struct Talker {
    says: Arc<watch::Sender<Option<(f64, String)>>>,
    said: Arc<Notify>,
    end: Arc<Notify>,
}

impl Talker {
    /// Has the handler say that, and returns when it has.
    async fn say(&self, fraction: f64, text: &str) {
        self.says.send_replace(Some((fraction, text.to_owned())));
        soon(self.said.notified()).await;
    }
}

impl TaskHandler<Numbered> for Talker {
    async fn handle(&self, _: &Numbered, context: &TaskContext) -> TaskResult {
        let mut says = self.says.subscribe();
        loop {
            tokio::select! {
                biased;
                changed = says.changed() => changed?,
                () = self.end.notified() => return Ok(()),
            }
            if let Some((fraction, text)) = says.borrow_and_update().clone() {
                context.progress(fraction, text);
            }
            self.said.notify_one();
        }
    }
}

/// Picks what tells of progress.
fn is_progress(write: &Write, _: &Answer) -> bool {
    matches!(write, Write::Change(change) if change.has_progressed)
}

fn progress_writes(home: &Home) -> usize {
    let committed = home.committed();
    let progress = committed
        .iter()
        .filter(|(write, answer)| is_progress(write, answer));
    progress.count()
}

async fn said(evertask: &evertask::EverTask, id: TaskId) -> Option<(f64, String)> {
    let view = task(evertask, id).await;
    let progress = view.progress()?;
    Some((progress.fraction(), progress.text.clone()))
}

fn words(fraction: f64, text: &str) -> (f64, String) {
    (fraction, text.to_owned())
}

async fn what_is_said_within_a_second_is_one_write_and_the_last_word_counts(home: Home) {
    let clock = StagedClock::new();
    let talker = Talker::default();
    let runtime = builder(&home).clock(clock.clone()).handler(talker.clone());
    let evertask = runtime.start().await.unwrap();
    let mut events = evertask.events();
    let id = evertask.dispatch(Numbered(1)).await.unwrap().id;
    home.commits(1, becomes(Status::InProgress)).await;
    for step in 1..=20 {
        talker.say(f64::from(step) / 100.0, "begins").await;
    }
    assert_eq!(said(&evertask, id).await, None);
    clock.pass(SECOND).await;
    let told = event(&mut events, |event| {
        matches!(event.kind, TaskEventKind::Progressed(_))
    });
    let TaskEventKind::Progressed(progress) = told.await.kind else {
        unreachable!("it was looked for");
    };
    assert_eq!((progress.share, progress.text.as_str()), (2_000, "begins"));
    assert_eq!(said(&evertask, id).await, Some(words(0.2, "begins")));
    assert_eq!(progress_writes(&home), 1);

    talker.say(0.5, "goes on").await;
    clock.pass(SECOND).await;
    home.commits(2, is_progress).await;
    assert_eq!(said(&evertask, id).await, Some(words(0.5, "goes on")));
    talker.end.notify_one();
    let view = soon(evertask.wait_for(id)).await.unwrap();
    assert_eq!(view.status(), Status::Completed);
    assert_eq!(said(&evertask, id).await, Some(words(0.5, "goes on")));
    home.shut_down(evertask).await;
    assert_eq!(progress_writes(&home), 2);
}

/// Says something and is done.
struct Brief;

impl TaskHandler<Numbered> for Brief {
    async fn handle(&self, task: &Numbered, context: &TaskContext) -> TaskResult {
        context.progress(0.5, "half");
        context.progress(1.0, format_args!("all of {}", task.0));
        Ok(())
    }
}

async fn what_is_said_last_is_stored_with_the_outcome(home: Home) {
    let evertask = builder(&home).handler(Brief).start().await.unwrap();
    let mut events = evertask.events();
    let id = evertask.dispatch(Numbered(7)).await.unwrap().id;
    let mut told = Vec::new();
    while told.last() != Some(&TaskEventKind::Completed) {
        told.push(event(&mut events, |_| true).await.kind);
    }
    let place = |wanted: fn(&TaskEventKind) -> bool| told.iter().position(wanted).unwrap();
    let progressed = place(|kind| matches!(kind, TaskEventKind::Progressed(_)));
    assert_eq!(
        progressed + 1,
        place(|kind| *kind == TaskEventKind::Completed)
    );
    assert_eq!(said(&evertask, id).await, Some(words(1.0, "all of 7")));
    home.shut_down(evertask).await;
    assert_eq!(progress_writes(&home), 1);
}

/// The same on a thread of its own.
struct Blocking;

impl BlockingHandler<Numbered> for Blocking {
    fn handle(&self, _: &Numbered, context: &TaskContext) -> TaskResult {
        context.progress(0.25, "on a thread");
        Ok(())
    }
}

async fn a_blocking_handler_says_how_far_it_is(home: Home) {
    let runtime = builder(&home).blocking_handler(Blocking);
    let evertask = runtime.start().await.unwrap();
    let view = soon(evertask.dispatch(Numbered(1)).wait()).await.unwrap();
    assert_eq!(view.status(), Status::Completed);
    assert_eq!(
        said(&evertask, view.id()).await,
        Some(words(0.25, "on a thread"))
    );
    home.shut_down(evertask).await;
}

struct Bomb;

impl fmt::Display for Bomb {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("it went off");
    }
}

/// Says what nobody can make sense of.
struct Hostile;

impl TaskHandler<Numbered> for Hostile {
    async fn handle(&self, _: &Numbered, context: &TaskContext) -> TaskResult {
        context.progress(f64::NAN, Bomb);
        context.progress(-3.0, "\0".repeat(100_000));
        Ok(())
    }
}

async fn a_progress_that_can_not_be_stored_fails_no_task(home: Home) {
    let evertask = builder(&home).handler(Hostile).start().await.unwrap();
    let tells = |write: &Write| matches!(write, Write::Change(change) if change.has_progressed);
    let view = soon(evertask.dispatch(Numbered(1)).wait()).await.unwrap();
    assert_eq!(view.status(), Status::Completed);
    let (fraction, text) = said(&evertask, view.id()).await.unwrap();
    assert!(fraction.abs() < f64::EPSILON, "{fraction}");
    assert!(text.len() < 2_000);
    // The storage refuses it: the task is completed without.
    home.fail(1, Fault::Rejected, tells);
    let view = soon(evertask.dispatch(Numbered(2)).wait()).await.unwrap();
    assert_eq!(view.status(), Status::Completed);
    assert_eq!(said(&evertask, view.id()).await, None);
    assert_eq!(home.faults_left(), 0);
    home.shut_down(evertask).await;
}

async fn a_long_run_that_says_much_keeps_nothing_of_it_in_memory_for_the_end(home: Home) {
    let clock = StagedClock::new();
    let talker = Talker::default();
    let runtime = builder(&home).clock(clock.clone()).handler(talker.clone());
    let evertask = runtime.start().await.unwrap();
    let id = evertask.dispatch(Numbered(1)).await.unwrap().id;
    home.commits(1, becomes(Status::InProgress)).await;
    for step in 1..=10_u8 {
        talker.say(f64::from(step) / 10.0, "goes on").await;
        clock.pass(SECOND).await;
        home.commits(usize::from(step), is_progress).await;
    }
    talker.end.notify_one();
    soon(evertask.wait_for(id)).await.unwrap();
    home.shut_down(evertask).await;
    // Each of them was sent once: none was kept to be sent again with the outcome.
    assert_eq!(progress_writes(&home), 10);
}

/// Talks until it is aborted.
struct Stubborn(Arc<Notify>);

impl TaskHandler<Numbered> for Stubborn {
    async fn handle(&self, _: &Numbered, context: &TaskContext) -> TaskResult {
        context.progress(0.1, "before");
        self.0.notify_one();
        context.cancelled().await;
        context.progress(0.9, "after");
        Ok(())
    }
}

async fn the_last_word_of_a_cancelled_task_is_kept_and_changes_nothing(home: Home) {
    let clock = StagedClock::new();
    let entered = Arc::new(Notify::new());
    let stubborn = Stubborn(Arc::clone(&entered));
    let runtime = builder(&home).clock(clock.clone()).handler(stubborn);
    let evertask = runtime.start().await.unwrap();
    let id = evertask.dispatch(Numbered(1)).await.unwrap().id;
    soon(entered.notified()).await;
    clock.pass(SECOND).await;
    home.commits(1, is_progress).await;
    evertask.cancel(id).await.unwrap();
    let view = soon(evertask.wait_for(id)).await.unwrap();
    assert_eq!(view.status(), Status::Cancelled);
    home.shut_down(evertask).await;
    let state = home.row(id).await.state;
    assert_eq!(state.status, Status::Cancelled);
    let last = state.progress.unwrap();
    assert_eq!((last.share, last.text.as_str()), (9_000, "after"));
}
