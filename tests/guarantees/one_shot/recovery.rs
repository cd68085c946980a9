//! What a start finds, it runs.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use evertask::storage::{Answer, Write};
use evertask::task::ProcessId;
use evertask::time::{Clock, Timestamp};
use evertask::{EverTask, Queue, RetryPolicy, Status, TaskRecord, TraceContext};
use parking_lot::Mutex;

use super::clock::StagedClock;
use super::home::{Home, becomes};
use super::player::{Diary, Player};
use super::row::{id_of, queued, waiting};
use crate::stage::{Numbered, TOO_LONG, Watch, soon};

on_every_storage_and_server! {
    a_backlog_far_beyond_the_queue_runs_once_in_bounded_memory,
    a_backlog_larger_than_the_window_runs_once_each,
    old_rows_and_live_dispatches_run_once_each,
    a_task_in_progress_at_a_crash_runs_once_more,
    a_delayed_task_survives_three_restarts_and_runs_when_it_is_due,
    a_saturated_queue_does_not_delay_the_recovery_of_others,
    rows_of_the_same_instant_are_neither_skipped_nor_doubled,
    recovery_changes_nothing_of_what_was_asked_for,
    two_runtimes_share_a_storage_and_run_each_task_once,
    an_interrupted_handler_is_gone_before_its_task_is_anybody_elses,
}

const T0: Timestamp = Timestamp::UNIX_EPOCH;

fn builder(home: &Home, watch: &Watch, parallelism: usize, capacity: usize) -> evertask::Builder {
    let queue = Queue::new(Queue::DEFAULT);
    EverTask::builder()
        .storage(home.clone())
        .queue(queue.parallelism(parallelism).capacity(capacity))
        .handler(watch.clone())
}

#[track_caller]
fn assert_each_ran_once(watch: &Watch, tasks: u32) {
    let mut numbers = watch.order();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..tasks).collect::<Vec<_>>());
    assert_eq!(watch.overlaps(), [0; 0]);
}

/// Core acceptance scenario 1 and core edge case 1.
async fn a_backlog_larger_than_the_window_runs_once_each(home: Home) {
    let rows = |owner| (0..12).map(|number| queued(number, T0, owner)).collect();
    home.seed(rows).await;
    let watch = Watch::open();
    let evertask = builder(&home, &watch, 2, 3).start().await.unwrap();
    home.commits(12, becomes(Status::Completed)).await;
    home.shut_down(evertask).await;
    assert_each_ran_once(&watch, 12);
    for number in 0..12 {
        assert_eq!(home.status(id_of(number)).await, Status::Completed);
    }
}

/// Core acceptance scenario 2 and core edge case 11; the old rows are a mixture of those that a
/// crash interrupted and those that only waited.
async fn old_rows_and_live_dispatches_run_once_each(home: Home) {
    let row = |number, owner| match number % 4 {
        0 => queued(number, T0, owner),
        _ => waiting(number, T0),
    };
    home.seed(|owner| (0..120).map(|number| row(number, owner)).collect())
        .await;
    let watch = Watch::open();
    let evertask = builder(&home, &watch, 4, 50).start().await.unwrap();
    let live = (120..140).map(|number| evertask.dispatch(Numbered(number)).into_future());
    for id in futures::future::join_all(live).await {
        id.unwrap();
    }
    home.commits(140, becomes(Status::Completed)).await;
    home.shut_down(evertask).await;
    assert_each_ran_once(&watch, 140);
}

/// Core acceptance scenario 3 and core edge case 42.
async fn a_task_in_progress_at_a_crash_runs_once_more(home: Home) {
    let watch = Watch::held();
    let evertask = builder(&home, &watch, 2, 10).start().await.unwrap();
    let id = evertask.dispatch(Numbered(0)).await.unwrap().id;
    home.commits(1, becomes(Status::InProgress)).await;
    home.crash(evertask).await;
    assert_eq!(home.status(id).await, Status::InProgress);
    assert_eq!(watch.counts()[&0], 1);

    watch.release(1);
    let evertask = builder(&home, &watch, 2, 10).start().await.unwrap();
    home.commits(1, becomes(Status::Completed)).await;
    home.shut_down(evertask).await;
    assert_eq!(watch.counts()[&0], 2);
    assert_eq!(home.status(id).await, Status::Completed);
    let attempts = home.attempts(id).await;
    assert_eq!(attempts.len(), 1, "only one attempt came to its end");

    let evertask = builder(&home, &watch, 2, 10).start().await.unwrap();
    home.shut_down(evertask).await;
    assert_eq!(watch.counts()[&0], 2, "and never again");
}

/// Core acceptance scenario 4, core edge cases 2 and 41.
async fn a_delayed_task_survives_three_restarts_and_runs_when_it_is_due(home: Home) {
    let clock = StagedClock::new();
    let diary = Diary::default();
    let player = Player::idle(&diary);
    let start = async || player.at(&home).clock(clock.clone()).start().await.unwrap();
    let due = clock.now() + Duration::from_secs(15);

    let evertask = start().await;
    let delayed = evertask
        .dispatch(Numbered(0))
        .after(Duration::from_secs(15));
    let id = delayed.await.unwrap().id;
    assert_eq!(home.status(id).await, Status::WaitingQueue);
    clock.advance(Duration::from_secs(1));
    home.shut_down(evertask).await;

    let evertask = start().await;
    clock.advance(Duration::from_secs(1));
    home.crash(evertask).await;

    let evertask = start().await;
    clock.advance(Duration::from_secs(1));
    home.shut_down(evertask).await;

    let evertask = start().await;
    // A task that is dispatched and runs shows that the stored ones were looked at.
    evertask.dispatch(Numbered(1)).await.unwrap();
    diary.says("completed 1").await;
    clock.advance(Duration::from_millis(11_999));
    evertask.dispatch(Numbered(2)).await.unwrap();
    diary.says("completed 2").await;
    assert_eq!(diary.count("handle 0"), 0);
    clock.advance(Duration::from_millis(1));
    diary.says("completed 0").await;
    home.shut_down(evertask).await;

    assert_eq!(diary.count("handle 0"), 1);
    assert_eq!(home.status(id).await, Status::Completed);
    assert_eq!(home.attempts(id).await[0].started_at, due);
}

/// Core edge cases 26 and 27: the saturated queue has more rows than any page and the older ones.
async fn a_saturated_queue_does_not_delay_the_recovery_of_others(home: Home) {
    let slow = |number| {
        let mut row = waiting(number, T0);
        "slow".clone_into(&mut row.definition.queue);
        row
    };
    let other = |number| waiting(number, T0 + Duration::from_secs(1));
    home.seed(|_| (0..300).map(slow).chain((300..305).map(other)).collect())
        .await;
    let diary = Diary::default();
    let player = Player::new(&diary, |number, context| async move {
        if number < 300 {
            context.cancelled().await;
        }
        Ok(())
    });
    let slow = Queue::new("slow").parallelism(2).capacity(4);
    let evertask = player.at(&home).queue(slow).drain(Duration::ZERO);
    let evertask = evertask.start().await.unwrap();
    diary.counts(2, "handle").await;
    for number in 300..305 {
        diary.says(&format!("completed {number}")).await;
    }
    home.shut_down(evertask).await;
    assert_eq!(
        diary.count("handle"),
        2 + 5,
        "the other queue stayed saturated"
    );
}

/// Core edge cases 28 and 29: what a claim brings up fits the window, whatever the backlog.
async fn rows_of_the_same_instant_are_neither_skipped_nor_doubled(home: Home) {
    home.seed(|_| (0..500).map(|number| waiting(number, T0)).collect())
        .await;
    let watch = Watch::open();
    let evertask = builder(&home, &watch, 4, 20).start().await.unwrap();
    home.commits(500, becomes(Status::Completed)).await;
    home.shut_down(evertask).await;
    assert_each_ran_once(&watch, 500);
    let claimed: Vec<_> = home.committed().iter().filter_map(claimed_rows).collect();
    assert_eq!(claimed.iter().sum::<usize>(), 500);
    assert!(claimed.iter().all(|rows| *rows <= 24), "{claimed:?}");
}

fn claimed_rows((_, answer): &(Write, Answer)) -> Option<usize> {
    match answer {
        Answer::Claim(claimed) => Some(claimed.tasks.len()),
        Answer::Insert(_)
        | Answer::Change(_)
        | Answer::InsertAll(_)
        | Answer::Redefine(_)
        | Answer::AppendLogs(_)
        | Answer::Cancel(_)
        | Answer::Delete(_)
        | Answer::Reconsidered
        | Answer::ChangeQueue(_) => None,
    }
}

/// Core edge case 24.
async fn recovery_changes_nothing_of_what_was_asked_for(home: Home) {
    let row = elaborate();
    let before = row.definition.clone();
    home.seed(|owner| {
        let state = evertask::task::RowState::queued(T0, owner);
        vec![TaskRecord { state, ..row }]
    })
    .await;
    let watch = Watch::open();
    let evertask = builder(&home, &watch, 1, 1).start().await.unwrap();
    home.commits(1, becomes(Status::Completed)).await;
    home.shut_down(evertask).await;
    assert_eq!(home.row(before.id).await.definition, before);
}

fn elaborate() -> TaskRecord {
    let mut row = waiting(0, T0);
    let definition = &mut row.definition;
    definition.priority = 7;
    definition.tags = vec!["a".to_owned(), "ü".to_owned()];
    definition.correlation_id = Some("order 7".to_owned());
    definition.parent_id = Some(id_of(99));
    definition.timeout = Some(Duration::from_secs(7));
    definition.retry = Some(RetryPolicy::Linear {
        retries: 2,
        delay: Duration::from_millis(30),
    });
    definition.trace = Some(TraceContext {
        parent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
        state: Some("vendor=1".to_owned()),
    });
    row
}

/// Core edge case 46, within one process: each runtime counts as a process of its own.
async fn two_runtimes_share_a_storage_and_run_each_task_once(home: Home) {
    home.seed(|_: ProcessId| (0..100).map(|number| waiting(number, T0)).collect())
        .await;
    let watch = Watch::open();
    let one = builder(&home, &watch, 2, 5).start().await.unwrap();
    let two = builder(&home, &watch, 2, 5).start().await.unwrap();
    for number in 100..120 {
        let runtime = if number % 2 == 0 { &one } else { &two };
        runtime.dispatch(Numbered(number)).await.unwrap();
    }
    home.commits(120, becomes(Status::Completed)).await;
    one.shutdown().await.unwrap();
    two.shutdown().await.unwrap();
    assert_each_ran_once(&watch, 120);
}

/// Takes its time to be dropped.
struct Lingering {
    diary: Diary,
    until: Receiver<()>,
}

impl Drop for Lingering {
    fn drop(&mut self) {
        self.diary.note("dropping");
        self.until.recv_timeout(TOO_LONG).ok();
    }
}

/// Within one process, a runtime that is dropped without a shutdown may have a handler that is still being
/// dropped when the next one starts.
async fn an_interrupted_handler_is_gone_before_its_task_is_anybody_elses(home: Home) {
    const SHORT: Duration = Duration::from_millis(200);
    let diary = Diary::default();
    let (release, until) = channel();
    let lingering = Lingering {
        diary: diary.clone(),
        until,
    };
    let lingering = Arc::new(Mutex::new(Some(lingering)));
    let player = Player::new(&diary, move |_, _| {
        let lingering = lingering.lock().take();
        async move {
            let _lingering = lingering;
            std::future::pending().await
        }
    });
    let builder = player.at(&home).handler_threads(2);
    let evertask = builder.abort_after(SHORT).start().await.unwrap();
    let client = evertask.client().clone();
    evertask.dispatch(Numbered(0)).await.unwrap();
    diary.says("handle 0.1").await;
    drop(evertask);
    diary.says("dropping").await;
    soon(client.stopped()).await.unwrap_err();
    assert!(!home.is_closed());
    drop(release);
    home.closed().await;
}

/// Storage scenario S13: at no time does the runtime own more rows than wait in its window and run.
async fn a_backlog_far_beyond_the_queue_runs_once_in_bounded_memory(home: Home) {
    const STORED: u32 = 5_000;
    const CAPACITY: usize = 10;
    const PARALLELISM: usize = 4;
    home.seed(|_| (0..STORED).map(|number| waiting(number, T0)).collect())
        .await;
    let watch = Watch::open();
    let queue = Queue::new(Queue::DEFAULT)
        .parallelism(PARALLELISM)
        .capacity(CAPACITY);
    let builder = EverTask::builder().storage(home.clone()).queue(queue);
    let evertask = builder.handler(watch.clone()).start().await.unwrap();
    let stored = usize::try_from(STORED).unwrap();
    home.commits(stored, becomes(Status::Completed)).await;
    home.shut_down(evertask).await;
    assert_eq!(watch.order().len(), stored, "every task ran");
    assert_eq!(watch.counts().len(), stored, "none ran twice");
    for (write, answer) in home.committed() {
        if let (Write::Claim(claim), Answer::Claim(claimed)) = (write, answer) {
            assert!(claim.limit as usize <= CAPACITY + PARALLELISM);
            assert!(claimed.tasks.len() <= CAPACITY + PARALLELISM);
        }
    }
}
