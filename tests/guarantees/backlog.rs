//! A backlog of any size runs in its order, through a window of bounded size.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use evertask::storage::{
    Answer, ClaimTasks, NewTask, ProcessStart, QueueSelector, StorageBackend, TaskStorage, Write,
    WriteGroup,
};
use evertask::task::{
    Generation, IdSource, ProcessId, RandomIds, RowState, TaskDefinition, TaskId, TaskRecord,
};
use evertask::time::{SystemClock, Timestamp};
use evertask::{
    EverTask, Queue, SqlStorage, Synchronous, Task, TaskContext, TaskHandler, TaskResult,
};
use futures::future::join_all;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::child::{self, Child};
use crate::stage::Numbered;

const THIS: &str =
    "backlog::a_hundred_thousand_stored_tasks_run_once_and_in_order_in_bounded_memory";

const STORED: u32 = 100_000;
const LIVE: u32 = 1_000;

/// What a child tells about its run.
#[derive(Debug)]
struct Run {
    peak_kib: u64,
    /// How many tasks had run when the first live dispatch was answered.
    ran_before_answer: u32,
}

/// Issue must-show 6: "100,000 stored tasks, a window of 100, parallelism 1 and 1,000 live
/// dispatches beside them: all 101,000 run once, in stored order; peak memory at most 32 MiB above
/// that of an empty database; the first live dispatch is answered at once."
#[test]
fn a_hundred_thousand_stored_tasks_run_once_and_in_order_in_bounded_memory() {
    if let Some(database) = child::database() {
        return work_off(&database);
    }
    let directory = tempfile::tempdir().unwrap();
    let (empty, full) = (
        directory.path().join("empty.db"),
        directory.path().join("full.db"),
    );
    let parent = tokio::runtime::Runtime::new().unwrap();
    parent.block_on(store(&full));
    let unburdened = run(&empty, 0);
    let burdened = run(&full, STORED);
    println!("empty: {unburdened:?}, full: {burdened:?}");
    let growth = burdened.peak_kib.saturating_sub(unburdened.peak_kib);
    assert!(
        growth <= 32 * 1024,
        "grew by {growth} KiB: {burdened:?}, {unburdened:?}"
    );
    // At once means: not after the backlog, nor after much of it.
    assert!(burdened.ran_before_answer < STORED / 100, "{burdened:?}");
    parent.block_on(assert_nothing_is_open(&full));
}

fn run(database: &Path, stored: u32) -> Run {
    let mut child = Child::start(THIS, database);
    child.tell(&stored.to_string());
    let said = child.hear();
    let mut figures = said.split(' ').map(|figure| figure.parse().unwrap());
    let mut next = || -> u64 { figures.next().unwrap() };
    let run = Run {
        peak_kib: next(),
        ran_before_answer: next().try_into().unwrap(),
    };
    child.finish();
    run
}

/// The part of the child: works off what is stored, with live dispatches beside it.
fn work_off(database: &Path) {
    let stored: u32 = child::listen().unwrap().parse().unwrap();
    let all = stored + LIVE;
    let order = Order::new(all);
    // What a commit waits for is not the point here, and a debug build is slow enough.
    let storage = SqlStorage::sqlite(database).synchronous(Synchronous::Normal);
    let application = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ran_before_answer = application.unwrap().block_on(async {
        let evertask = EverTask::builder()
            .storage(storage)
            .queue(Queue::new(Queue::DEFAULT).parallelism(1).capacity(100))
            .handler(order.clone())
            .start()
            .await
            .unwrap();
        evertask.dispatch(Numbered(stored)).await.unwrap();
        let ran_before_answer = order.numbers.lock().len();
        let others =
            (stored + 1..all).map(|number| evertask.dispatch(Numbered(number)).into_future());
        for answer in join_all(others).await {
            answer.unwrap();
        }
        order.complete().await;
        evertask.shutdown().await.unwrap();
        ran_before_answer
    });
    assert!(
        *order.numbers.lock() == (0..all).collect::<Vec<_>>(),
        "out of order"
    );
    child::say(&format!("{} {ran_before_answer}", peak_kib()));
}

/// The largest amount of memory this process has had so far.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.unwrap().trim_end_matches("kB").trim().parse().unwrap()
}

/// Notes the order in which tasks run.
#[derive(Clone, Debug)]
struct Order {
    numbers: Arc<Mutex<Vec<u32>>>,
    all: u32,
    is_complete: Arc<watch::Sender<bool>>,
}

impl Order {
    fn new(all: u32) -> Self {
        Self {
            numbers: Arc::new(Mutex::new(Vec::with_capacity(all as usize))),
            all,
            is_complete: Arc::new(watch::Sender::new(false)),
        }
    }

    async fn complete(&self) {
        let mut complete = self.is_complete.subscribe();
        complete.wait_for(|complete| *complete).await.unwrap();
    }
}

impl TaskHandler<Numbered> for Order {
    async fn handle(&self, task: &Numbered, _: &TaskContext) -> TaskResult {
        let mut numbers = self.numbers.lock();
        numbers.push(task.0);
        if numbers.len() >= self.all as usize {
            self.is_complete.send_replace(true);
        }
        Ok(())
    }
}

/// Fills a database with tasks that are due, without running any.
async fn store(database: &Path) {
    let storage = open(database).await;
    let (clock, ids) = (SystemClock::shared(), RandomIds::new());
    let numbers: Vec<_> = (0..STORED).collect();
    for numbers in numbers.chunks(1_000) {
        let now = clock.now();
        let insert =
            |number: &u32| Write::Insert(Box::new(new_task(*number, TaskId(ids.next(now)), now)));
        let writes = numbers.iter().map(insert).collect();
        storage.apply(&WriteGroup { writes }).await.unwrap();
    }
    storage.close().await.unwrap();
}

async fn assert_nothing_is_open(database: &Path) {
    let storage = open(database).await;
    let claim = ClaimTasks {
        limit: 1,
        max_bytes: 1,
        ..ClaimTasks::everything(QueueSelector::AllExcept(Vec::new()), Timestamp::MAX_UTC)
    };
    let writes = vec![Write::Claim(claim)];
    let answers = storage.apply(&WriteGroup { writes }).await.unwrap();
    let [Answer::Claim(claimed)] = &answers[..] else {
        panic!("{answers:?}");
    };
    assert_eq!(claimed.tasks, []);
}

async fn open(database: &Path) -> Arc<dyn TaskStorage> {
    let now = SystemClock::shared().now();
    let id = ProcessId(RandomIds::new().next(now));
    SqlStorage::sqlite(database)
        .open(ProcessStart { id, at: now })
        .await
        .unwrap()
}

fn new_task(number: u32, id: TaskId, now: Timestamp) -> NewTask {
    let definition = TaskDefinition::new(
        id,
        Numbered::NAME,
        &serde_json::to_string(&Numbered(number)).unwrap(),
        now,
    );
    let record = TaskRecord {
        definition,
        generation: Generation::default(),
        state: RowState::waiting(now),
    };
    NewTask {
        record,
        audit: Vec::new(),
    }
}
