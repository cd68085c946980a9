//! Ten thousand tasks a second that are due at instants of their own, beside a million that are not.

use std::time::Duration;

use evertask::time::{SystemClock, Timestamp, later};
use evertask::{AuditLevel, Client, Dispatch, EverTask, MemoryStorage, Queue, SqlStorage};

use super::order::say;
use crate::lateness::{Due, Lateness};
use crate::options::Storage;
use crate::{Failure, progress};

/// How many are due in a second.
const RATE: u32 = 10_000;
const SECONDS: u32 = 5;
/// How many are due tomorrow.
const RESIDENT: u32 = 1_000_000;
/// How many are dispatched in one batch.
const BATCH: usize = 5_000;
const LIMIT_OF_P99: Duration = Duration::from_micros(2_500);

pub(super) async fn run(storage: Storage) -> Result<bool, Failure> {
    let directory = tempfile::tempdir()?;
    let lateness = Lateness::new();
    let builder = match storage {
        Storage::Memory => EverTask::builder().storage(MemoryStorage::new()),
        Storage::Sqlite => {
            EverTask::builder().storage(SqlStorage::sqlite(directory.path().join("timers.db")))
        }
    };
    let evertask = builder
        .queue(Queue::new(Queue::DEFAULT).parallelism(64).capacity(10_000))
        .audit_level(AuditLevel::None)
        .handler(lateness.clone())
        .start()
        .await?;
    let clock = SystemClock::shared();
    progress("storing what is due tomorrow");
    let tomorrow = later(clock.now(), Duration::from_hours(24));
    dispatch(&evertask, (0..RESIDENT).map(|_| tomorrow)).await?;
    progress("storing what is due in a moment");
    let fires = RATE * SECONDS;
    let begin = later(clock.now(), Duration::from_secs(20));
    let step = Duration::from_secs(1) / RATE;
    dispatch(
        &evertask,
        (0..fires).map(|number| later(begin, step * number)),
    )
    .await?;
    if clock.now() >= begin {
        return Err("it took too long to store what is due".into());
    }
    lateness.noted(usize::try_from(fires)?).await;
    let late = lateness.percentiles();
    say(&format!(
        "\n{RATE} fires a second for {SECONDS} s, {RESIDENT} due tomorrow, storage: {storage}\n"
    ));
    say("| from due to the handler | p50 | p99 | most | limit of p99 |");
    say("|---|---|---|---|---|");
    say(&format!(
        "| | {:.1?} | {:.1?} | {:.1?} | {LIMIT_OF_P99:.1?} |",
        late.p50, late.p99, late.most
    ));
    evertask.shutdown().await?;
    Ok(late.p99 <= LIMIT_OF_P99 || storage != Storage::Memory)
}

async fn dispatch(
    client: &Client,
    instants: impl Iterator<Item = Timestamp>,
) -> Result<(), Failure> {
    let mut batch = Vec::with_capacity(BATCH);
    let mut instants = instants.peekable();
    while let Some(at) = instants.next() {
        batch.push(Dispatch::new(Due(at.timestamp_micros())).at(at));
        if batch.len() == BATCH || instants.peek().is_none() {
            for stored in client.dispatch_all(std::mem::take(&mut batch)).await? {
                stored?;
            }
        }
    }
    Ok(())
}
