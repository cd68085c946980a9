//! How long a decision about a rate limit takes, and how much memory the keys do.

use std::hint::black_box;
use std::time::{Duration, Instant};

use evertask_core::limit::{Decision, Demand, KeyedLimiter, RateLimit, Request, Scope};
use evertask_core::task::TaskId;
use evertask_core::time::{Timestamp, later};
use uuid::Uuid;

use crate::Failure;
use crate::memory::resident;

const KEYS: u64 = 10_000;
const ROUNDS: u64 = 100;
/// How many tasks of one key are parked.
const PARKED: u64 = 100_000;
/// How often everything is measured; a figure is the median, beside the least and the greatest.
const RUNS: usize = 5;

/// Prints the figures.
pub(crate) fn run() -> Result<bool, Failure> {
    // First, while nothing that was used before can be used again.
    memory()?;
    let keys: Vec<_> = (0..KEYS).map(key).collect();
    say("\ndecisions about 10,000 keys, each in turn\n");
    say("| what | median | least | greatest |");
    say("|---|---|---|---|");
    let open = RateLimit::per_second(1_000_000);
    rate("granted, decisions/s", || decisions(&keys, &open))?;
    let short = RateLimit::per_second(100).burst(1);
    rate("every other one booked, then redeemed, decisions/s", || {
        decisions(&keys, &short)
    })?;
    say("\n100,000 tasks of one key\n");
    say("| what | median | least | greatest |");
    say("|---|---|---|---|");
    let mut spans = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        spans.push(parked()?);
    }
    for (place, what) in ["booked/s", "told another slot/s", "redeemed/s"]
        .into_iter()
        .enumerate()
    {
        line(what, spans.iter().map(|spans| (PARKED, spans[place])));
    }
    Ok(true)
}

/// A key of 20 bytes.
fn key(number: u64) -> String {
    format!("tenant-{number:013}")
}

fn demand<'a>(key: &'a str, limit: &'a RateLimit) -> Result<Demand<'a>, Failure> {
    let scope = Scope::key("partner.deliver", key)?.ok_or("the key is blank")?;
    Ok(Demand::new(scope, limit)?)
}

/// Has two tasks of each key ask in each round, ten milliseconds apart; answers how many asked.
fn decisions(keys: &[String], limit: &RateLimit) -> Result<u64, Failure> {
    let mut limiter = KeyedLimiter::default();
    let (mut asked, mut granted) = (0, 0);
    for round in 0..ROUNDS {
        let now = later(Timestamp::UNIX_EPOCH, Duration::from_millis(10 * round));
        for (key, number) in keys.iter().zip(0..) {
            let demands = [demand(key, limit)?];
            // Where only one fits, the other one comes back in the next round.
            for task in [round, round + 1] {
                let id = TaskId(Uuid::from_u64_pair(task, number));
                let decision = limiter.acquire(&Request::new(id, &demands)?, now);
                granted += u64::from(matches!(decision, Decision::Granted { .. }));
                asked += 1;
            }
        }
    }
    black_box(granted);
    Ok(asked)
}

#[expect(
    clippy::disallowed_methods,
    reason = "what is measured is the real time"
)]
fn rate(what: &str, mut body: impl FnMut() -> Result<u64, Failure>) -> Result<(), Failure> {
    let mut runs = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let begin = Instant::now();
        let count = body()?;
        runs.push((count, begin.elapsed()));
    }
    line(what, runs.into_iter());
    Ok(())
}

/// How long it takes to book all of them, to tell all of them another slot after all workers stood
/// still, and to grant all of them at those.
#[expect(
    clippy::disallowed_methods,
    reason = "what is measured is the real time"
)]
fn parked() -> Result<[Duration; 3], Failure> {
    let limit = RateLimit::per_second(1_000).burst(1);
    let demands = [Demand::new(Scope::task("partner.deliver"), &limit)?];
    let mut limiter = KeyedLimiter::default();
    let mut ask = |number: u64, at: Duration| -> Result<bool, Failure> {
        let id = TaskId(Uuid::from_u64_pair(0, number));
        let now = later(Timestamp::UNIX_EPOCH, at);
        let decision = limiter.acquire(&Request::new(id, &demands)?, now);
        Ok(matches!(decision, Decision::Granted { .. }))
    };
    let late = Duration::from_secs(100);
    let steps: [fn(u64) -> u64; 3] = [|_| 0, |_| 0, |number| number];
    let mut spans = [Duration::ZERO; 3];
    for ((span, step), begun) in spans
        .iter_mut()
        .zip(steps)
        .zip([Duration::ZERO, late, late])
    {
        let begin = Instant::now();
        for number in 0..PARKED {
            black_box(ask(number, begun + Duration::from_millis(step(number)))?);
        }
        *span = begin.elapsed();
    }
    Ok(spans)
}

fn memory() -> Result<(), Failure> {
    const TRACKED: u64 = 100_000;
    let limit = RateLimit::per_minute(15);
    let before = resident().ok_or("this system does not tell how much memory is used")?;
    let mut limiter = KeyedLimiter::default();
    for number in 0..TRACKED {
        let key = key(number);
        let demands = [demand(&key, &limit)?];
        let request = Request::new(TaskId(Uuid::from_u64_pair(1, number)), &demands)?;
        let decision = limiter.acquire(&request, Timestamp::UNIX_EPOCH);
        if !matches!(decision, Decision::Granted { .. }) {
            return Err("a key has no budget of its own".into());
        }
    }
    let grown = resident().map_or(0, |after| after.saturating_sub(before)) * 1024;
    let tracked = u64::try_from(limiter.tracked())?;
    say(&format!(
        "{} bytes for each of {tracked} keys of 20 bytes",
        grown / tracked.max(1)
    ));
    Ok(())
}

fn line(what: &str, runs: impl Iterator<Item = (u64, Duration)>) {
    #[expect(clippy::cast_precision_loss, reason = "it is far below 2^52")]
    let mut rates: Vec<_> = runs
        .map(|(count, span)| count as f64 / span.as_secs_f64())
        .collect();
    rates.sort_unstable_by(f64::total_cmp);
    let (least, median, greatest) = (rates[0], rates[RUNS / 2], rates[RUNS - 1]);
    say(&format!(
        "| {what} | {median:.0} | {least:.0} | {greatest:.0} |"
    ));
}

#[expect(
    clippy::print_stdout,
    reason = "the figures are what the command is for"
)]
fn say(line: &str) {
    println!("{line}");
}
