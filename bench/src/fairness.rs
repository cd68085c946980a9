//! A hundred thousand stored tasks of a key without budget, ahead of those of a thousand other keys.

use std::sync::Arc;
use std::time::Duration;

use evertask::time::{SystemClock, Timestamp, later};
use evertask::{
    AuditLevel, Client, Dispatch, EverTask, MemoryStorage, Queue, RateLimit, SqlStorage, Task,
    TaskContext, TaskHandler, TaskOptions, TaskResult,
};
use futures::future::join_all;
use serde::{Deserialize, Serialize};

use crate::lateness::{Lateness, Percentiles};
use crate::options::Storage;
use crate::{Failure, progress};

/// How many tasks are stored ahead, of the key without budget.
const AHEAD: usize = 100_000;
/// How many other keys there are, and how many tasks of each are stored behind.
const KEYS: usize = 1_000;
const STORED_OF_KEY: usize = 10;
/// How many of their tasks are dispatched in a second afterwards, and for how long.
const RATE: u32 = 400;
const SECONDS: u32 = 15;
/// How many tasks the window holds.
const WINDOW: usize = 100;
/// How many are dispatched in one batch.
const BATCH: usize = 5_000;
/// How often each side is measured.
const ROUNDS: usize = 3;
const LIMIT_OF_RATIO: f64 = 1.1;

/// The key without budget.
const SATURATED: &str = "saturated";

/// A task of a key; the others know when they are due, in microseconds since 1970.
#[derive(Debug, Deserialize, Serialize)]
struct Call {
    key: String,
    due: Option<i64>,
}

impl Task for Call {
    const NAME: &'static str = "bench.call";

    fn options() -> TaskOptions {
        TaskOptions::new().rate_limit_by(|key| {
            Some(match key {
                SATURATED => RateLimit::per_second(10),
                _ => RateLimit::per_second(1_000),
            })
        })
    }

    fn limit_key(&self) -> Option<String> {
        Some(self.key.clone())
    }
}

#[derive(Clone)]
struct Caller(Lateness);

impl TaskHandler<Call> for Caller {
    async fn handle(&self, task: &Call, _: &TaskContext) -> TaskResult {
        if let Some(due) = task.due {
            self.0
                .note(Timestamp::from_timestamp_micros(due).unwrap_or_default());
        }
        Ok(())
    }
}

/// What the other keys' tasks had to wait.
struct Waited {
    stored: Percentiles,
    live: Percentiles,
}

pub(crate) async fn run(storage: Storage) -> Result<bool, Failure> {
    let mut alone = Vec::new();
    let mut beside = Vec::new();
    for round in 1..=ROUNDS {
        progress(&format!("round {round} of {ROUNDS}"));
        alone.push(measure(storage, 0).await?);
        beside.push(measure(storage, AHEAD).await?);
    }
    say(&format!(
        "\n{KEYS} keys, window {WINDOW}, storage {storage}: {STORED_OF_KEY} tasks of each stored, then {RATE} \
         a second dispatched for {SECONDS} s; alone, and behind {AHEAD} stored tasks of a key that starts \
         10 a second. {ROUNDS} rounds, interleaved.\n"
    ));
    say("| from due to the handler | round | p50 | p99 | most |");
    say("|---|---|---|---|---|");
    let stored = table("stored", &alone, &beside, |waited| waited.stored);
    let live = table("live", &alone, &beside, |waited| waited.live);
    say(&format!(
        "\nmedian p99 beside it against alone: stored {stored:.2}, live {live:.2} (limit {LIMIT_OF_RATIO})"
    ));
    Ok(stored <= LIMIT_OF_RATIO && live <= LIMIT_OF_RATIO)
}

/// Prints both sides and answers the ratio of the medians.
fn table(
    what: &str,
    alone: &[Waited],
    beside: &[Waited],
    of: impl Fn(&Waited) -> Percentiles,
) -> f64 {
    let mut medians = [alone, beside].map(|side| {
        let mut p99: Vec<_> = side.iter().map(|waited| of(waited).p99).collect();
        p99.sort_unstable();
        p99.get(p99.len() / 2).copied().unwrap_or_default()
    });
    for (side, rounds) in [("alone", alone), ("beside it", beside)] {
        for (round, waited) in (1..).zip(rounds) {
            let Percentiles { p50, p99, most } = of(waited);
            say(&format!(
                "| {what}, {side} | {round} | {p50:.1?} | {p99:.1?} | {most:.1?} |"
            ));
        }
    }
    medians[0] = medians[0].max(Duration::from_nanos(1));
    medians[1].as_secs_f64() / medians[0].as_secs_f64()
}

/// Measures the other keys with so many tasks of the saturated one stored ahead of them.
async fn measure(storage: Storage, ahead: usize) -> Result<Waited, Failure> {
    let directory = tempfile::tempdir()?;
    let lateness = Lateness::new();
    let builder = match storage {
        Storage::Memory => EverTask::builder().storage(MemoryStorage::new()),
        Storage::Sqlite => {
            EverTask::builder().storage(SqlStorage::sqlite(directory.path().join("calls.db")))
        }
    };
    let queue = Queue::new(Queue::DEFAULT).parallelism(16).capacity(WINDOW);
    let evertask = builder
        .queue(queue)
        .audit_level(AuditLevel::None)
        .handler(Caller(lateness.clone()))
        .start()
        .await?;
    let clock = SystemClock::shared();
    evertask.queue(Queue::DEFAULT).pause().await?;
    let saturated = || Call {
        key: SATURATED.to_owned(),
        due: None,
    };
    dispatch(&evertask, (0..ahead).map(|_| saturated())).await?;
    // They become due when the queue goes on, a moment from now.
    let begin = later(clock.now(), Duration::from_secs(5));
    let stored = (0..KEYS * STORED_OF_KEY).map(|number| call(number, begin));
    dispatch(&evertask, stored).await?;
    clock.sleep_until(begin).await;
    evertask.queue(Queue::DEFAULT).resume().await?;
    lateness.noted(KEYS * STORED_OF_KEY).await;
    let stored = lateness.percentiles();
    lateness.forget();
    let begin = later(clock.now(), Duration::from_secs(1));
    let step = Duration::from_secs(1) / RATE;
    let calls = (0..RATE * SECONDS).map(|number| {
        let (evertask, clock) = (evertask.client().clone(), Arc::clone(&clock));
        let due = later(begin, step * number);
        async move {
            clock.sleep_until(due).await;
            let number = usize::try_from(number).unwrap_or_default();
            evertask.dispatch(call(number, due)).await
        }
    });
    for dispatched in join_all(calls).await {
        dispatched?;
    }
    lateness.noted(usize::try_from(RATE * SECONDS)?).await;
    let live = lateness.percentiles();
    evertask.shutdown().await?;
    Ok(Waited { stored, live })
}

fn call(number: usize, due: Timestamp) -> Call {
    Call {
        key: format!("tenant {}", number % KEYS),
        due: Some(due.timestamp_micros()),
    }
}

async fn dispatch(client: &Client, calls: impl Iterator<Item = Call>) -> Result<(), Failure> {
    let mut calls = calls.map(Dispatch::new).peekable();
    while calls.peek().is_some() {
        let batch: Vec<_> = calls.by_ref().take(BATCH).collect();
        for stored in client.dispatch_all(batch).await? {
            stored?;
        }
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "that is what the command is for")]
fn say(line: &str) {
    println!("{line}");
}
