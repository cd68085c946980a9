//! The queue of what waits in memory, with a million entries.

use std::time::{Duration, Instant};

use evertask_core::delay_queue::DelayQueue;
use evertask_core::task::TaskId;
use evertask_core::time::{Timestamp, later};
use uuid::Uuid;

use crate::Failure;
use crate::memory::resident;

const ENTRIES: u64 = 1_000_000;
/// How many of them a second have to be added, and taken out again.
const LEAST_RATE: f64 = 1e6;
const MOST_BYTES: u64 = 160;
const RUNS: usize = 5;

/// What one run took.
struct Spans {
    insert: Duration,
    cancel: Duration,
    fire: Duration,
}

pub(super) fn run() -> Result<bool, Failure> {
    let ids: Vec<_> = (0..ENTRIES)
        .map(|number| (id(number), due(number)))
        .collect();
    let before = resident();
    let queue = filled(&ids);
    let bytes = before
        .zip(resident())
        .map(|(before, after)| after.saturating_sub(before) * 1024 / ENTRIES);
    drop(queue);
    let runs: Vec<_> = (0..RUNS).map(|_| spans(&ids)).collect();
    say("\na million delayed tasks in memory, in any order\n");
    say("| what | median | least | greatest | limit |");
    say("|---|---|---|---|---|");
    let inserts = line(
        "inserts/s",
        runs.iter().map(|run| run.insert),
        Some(LEAST_RATE),
    );
    let cancels = line(
        "cancels/s",
        runs.iter().map(|run| run.cancel),
        Some(LEAST_RATE),
    );
    line("fires/s", runs.iter().map(|run| run.fire), None);
    let bytes = bytes.ok_or("this system does not tell how much memory is used")?;
    say(&format!("| bytes/entry | {bytes} | | | {MOST_BYTES} |"));
    Ok(inserts && cancels && bytes <= MOST_BYTES)
}

fn filled(ids: &[(TaskId, Timestamp)]) -> DelayQueue<u64> {
    let mut queue = DelayQueue::new();
    for (number, (id, due)) in (0..).zip(ids) {
        queue.insert(*id, *due, number);
    }
    queue
}

#[expect(
    clippy::disallowed_methods,
    reason = "what is measured is the real time"
)]
fn spans(ids: &[(TaskId, Timestamp)]) -> Spans {
    let begin = Instant::now();
    let mut queue = filled(ids);
    let insert = begin.elapsed();
    let begin = Instant::now();
    for (id, _) in ids {
        queue.remove(*id);
    }
    let cancel = begin.elapsed();
    let mut queue = filled(ids);
    let begin = Instant::now();
    while queue.pop_due(Timestamp::MAX_UTC).is_some() {}
    Spans {
        insert,
        cancel,
        fire: begin.elapsed(),
    }
}

fn line(what: &str, spans: impl Iterator<Item = Duration>, limit: Option<f64>) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "a million is exact")]
    let rate = |span: Duration| ENTRIES as f64 / span.as_secs_f64();
    let mut rates: Vec<_> = spans.map(rate).collect();
    rates.sort_unstable_by(f64::total_cmp);
    let (least, median, greatest) = (rates[0], rates[RUNS / 2], rates[RUNS - 1]);
    let limit_text = limit.map_or_else(String::new, |limit| format!("{limit:.0}"));
    say(&format!(
        "| {what} | {median:.0} | {least:.0} | {greatest:.0} | {limit_text} |"
    ));
    limit.is_none_or(|limit| median >= limit)
}

/// Ids and instants without an order, the same in every run.
fn id(number: u64) -> TaskId {
    let high = mixed(number);
    TaskId(Uuid::from_u64_pair(high, mixed(high)))
}

/// Some time of a day.
fn due(number: u64) -> Timestamp {
    let micros = mixed(number ^ 0x5bd1_e995) % (24 * 3_600 * 1_000_000);
    later(Timestamp::UNIX_EPOCH, Duration::from_micros(micros))
}

/// Splitmix64's finalizer: every bit depends on every other one.
fn mixed(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[expect(
    clippy::print_stdout,
    reason = "the figures are what the command is for"
)]
pub(super) fn say(line: &str) {
    println!("{line}");
}
