//! How long it takes to say when a schedule is due next.

use std::hint::black_box;
use std::time::{Duration, Instant};

use evertask_core::schedule::Schedule;
use evertask_core::time::{Timestamp, later};

use crate::Failure;

/// What one next occurrence may take, of any kind.
const LIMIT_OF_NEXT: Duration = Duration::from_micros(50);
/// What a schedule that never runs may take to be refused, and a century to be skipped.
const LIMIT_OF_FAR: Duration = Duration::from_millis(50);

/// How often everything is measured; a figure is the median, beside the least and the greatest.
const RUNS: usize = 5;
/// How many occurrences are asked for in one run.
const ASKED: u32 = 1_000;

const KINDS: [(&str, &str); 16] = [
    ("seconds", r#"{"every":1,"unit":"seconds"}"#),
    ("minutes", r#"{"every":5,"unit":"minutes","at_second":30}"#),
    ("hours", r#"{"every":2,"unit":"hours","at_minute":45}"#),
    (
        "hours, zone",
        r#"{"every":2,"unit":"hours","at_minute":45,"zone":"Europe/Rome"}"#,
    ),
    ("hours of the day", r#"{"on_hours":[9,12,15,18]}"#),
    (
        "days",
        r#"{"every":2,"unit":"days","at":["09:00","14:00","18:00"]}"#,
    ),
    (
        "days, zone",
        r#"{"every":1,"unit":"days","at":["09:00"],"zone":"Europe/Rome"}"#,
    ),
    (
        "weeks",
        r#"{"every":2,"unit":"weeks","on":["mon","wed"],"at":["09:00"]}"#,
    ),
    ("months", r#"{"every":1,"unit":"months","on_days":[31]}"#),
    (
        "months of the year",
        r#"{"in_months":[1,4,7,10],"on_last":"fri"}"#,
    ),
    (
        "fifth weekday",
        r#"{"every":1,"unit":"months","on_nth":[5,"mon"]}"#,
    ),
    (
        "between",
        r#"{"every":30,"unit":"seconds","between":["09:00","17:00"]}"#,
    ),
    (
        "business days",
        r#"{"every":1,"unit":"days","calendar":{"name":"it","closed":["sat","sun","12-25"]},"on_holiday":"next"}"#,
    ),
    ("cron", r#"{"cron":"0 9 * * 1-5","zone":"Europe/Rome"}"#),
    (
        "cron, every quarter",
        r#"{"cron":"*/15 * * * *","zone":"Europe/Rome"}"#,
    ),
    ("cron, last weekday", r#"{"cron":"0 0 LW * *"}"#),
];

/// Prints the figures, and answers whether they are within the limits.
pub(crate) fn run() -> Result<bool, Failure> {
    let anchor: Timestamp = "2026-01-01T00:00:00Z".parse()?;
    let mut within = true;
    head("next occurrence", "of 1,000, each after another");
    for (name, json) in KINDS {
        let schedule = Schedule::from_json(json)?;
        let spans = repeated(|| {
            for number in 0..ASKED {
                // All over five years, at no round time.
                let after = later(anchor, Duration::from_secs(157_013) * number);
                black_box(schedule.next_after(anchor, after));
            }
        });
        within &= line(name, spans.map(|span| span / ASKED), LIMIT_OF_NEXT);
    }
    head("a century later", "the first of all");
    let century = later(anchor, Duration::from_hours(24 * 36_525));
    for (name, json) in KINDS {
        let schedule = Schedule::from_json(json)?;
        let spans = repeated(|| {
            black_box(schedule.next_after(anchor, century));
        });
        within &= line(name, spans, LIMIT_OF_FAR);
    }
    head("never", "until it is refused");
    for text in ["0 0 30 2 *", "0 0 31 2,4,6,9,11 *", "0 0 29 2 1#1"] {
        let json = format!(r#"{{"cron":"{text}"}}"#);
        let spans = repeated(|| {
            let refused = black_box(Schedule::from_json(&json));
            assert!(refused.is_err(), "{text} has a day");
        });
        within &= line(text, spans, LIMIT_OF_FAR);
    }
    Ok(within)
}

#[expect(
    clippy::disallowed_methods,
    reason = "what is measured is the real time"
)]
fn repeated(mut body: impl FnMut()) -> [Duration; RUNS] {
    body();
    let mut spans = [(); RUNS].map(|()| {
        let begin = Instant::now();
        body();
        begin.elapsed()
    });
    spans.sort_unstable();
    spans
}

#[expect(
    clippy::print_stdout,
    reason = "the figures are what the command is for"
)]
fn head(what: &str, of: &str) {
    println!("\n{what} ({of})\n");
    println!("| schedule | median | least | greatest | limit |");
    println!("|---|---|---|---|---|");
}

/// The limit is one of the median.
#[expect(
    clippy::print_stdout,
    reason = "the figures are what the command is for"
)]
fn line(name: &str, spans: [Duration; RUNS], limit: Duration) -> bool {
    let (least, median, greatest) = (spans[0], spans[RUNS / 2], spans[RUNS - 1]);
    println!("| {name} | {median:.1?} | {least:.1?} | {greatest:.1?} | {limit:?} |");
    median <= limit
}
