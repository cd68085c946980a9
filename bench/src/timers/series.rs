//! A hundred thousand series that run.

use std::time::Duration;

use evertask::schedule::every;
use evertask::{AuditLevel, EverTask, MemoryStorage, Queue, SqlStorage};
use futures::stream::{self, TryStreamExt};

use super::order::say;
use crate::lateness::{Due, Lateness};
use crate::memory::resident;
use crate::options::Storage;
use crate::{Failure, progress};

const SERIES: u32 = 100_000;
/// How far apart the runs of a series are, in seconds: so many fire in that time.
const STEP: u32 = 60;
const AT_ONCE: usize = 512;

pub(super) async fn run(storage: Storage) -> Result<bool, Failure> {
    let directory = tempfile::tempdir()?;
    let lateness = Lateness::new();
    let builder = match storage {
        Storage::Memory => EverTask::builder().storage(MemoryStorage::new()),
        Storage::Sqlite => {
            EverTask::builder().storage(SqlStorage::sqlite(directory.path().join("series.db")))
        }
    };
    let evertask = builder
        .queue(
            Queue::new(Queue::RECURRING)
                .parallelism(64)
                .capacity(10_000),
        )
        .audit_level(AuditLevel::None)
        .handler(lateness.clone())
        .start()
        .await?;
    progress("registering the series");
    stream::iter((0..SERIES).map(Ok))
        .try_for_each_concurrent(AT_ONCE, |number| {
            // Its grid begins with its registration, so the instants of all are spread.
            let first = Duration::from_secs((number % STEP).into());
            let series = evertask.dispatch(Due(0)).schedule(every(STEP).seconds());
            let series = series.key(format!("series {number}"));
            async move {
                series
                    .after(first + Duration::from_secs(90))
                    .await
                    .map(drop)
            }
        })
        .await?;
    if lateness.count() > 0 {
        return Err("it took too long to register the series".into());
    }
    let before = resident();
    progress("waiting until each has run twice");
    lateness.noted(2 * usize::try_from(SERIES)?).await;
    let late = lateness.percentiles();
    let growth = before.zip(resident());
    let growth = growth.map(|(before, after)| after.saturating_sub(before) / 1024);
    say(&format!(
        "\n{SERIES} series, each every {STEP} s, storage: {storage}\n"
    ));
    say("| runs | from due to the handler: p50 | p99 | most | memory grew by |");
    say("|---|---|---|---|---|");
    let growth = growth.map_or_else(|| "?".to_owned(), |growth| format!("{growth} MiB"));
    say(&format!(
        "| {} | {:.1?} | {:.1?} | {:.1?} | {growth} |",
        lateness.count(),
        late.p50,
        late.p99,
        late.most
    ));
    evertask.shutdown().await?;
    Ok(true)
}
