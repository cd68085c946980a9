use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use evertask::time::{SystemClock, Timestamp};

use super::{command, printed};

const HOURLY: &str = r#"{"every":1,"unit":"hours"}"#;

/// The first instant of a schedule for every hour.
fn first(more: &[&str]) -> String {
    let arguments = [&["--json", HOURLY, "--count", "1"], more].concat();
    printed(&arguments).concat()
}

#[test]
fn the_anchor_and_the_start_stand_for_each_other() {
    let [anchor, from] = ["2026-01-01T10:20:00Z", "2026-01-01T15:00:00Z"];
    let found = first(&["--anchor", anchor, "--from", from]);
    assert_eq!(found, "2026-01-01T15:20:00+00:00");
    let found = first(&["--anchor", anchor]);
    assert_eq!(found, "2026-01-01T11:20:00+00:00");
    let found = first(&["--from", from]);
    assert_eq!(found, "2026-01-01T16:00:00+00:00");
}

#[test]
fn without_either_it_starts_now() {
    let clock = SystemClock::shared();
    let before = clock.now();
    let found = printed(&["--cron", "* * * * * *", "--count", "1"]).concat();
    let found: Timestamp = found.parse().unwrap();
    assert!(found > before);
    assert!(found <= clock.now() + Duration::from_secs(1));
}

#[test]
fn instants_are_read_with_any_offset() {
    let found = first(&["--from", "2026-01-01T05:30:00+05:30"]);
    assert_eq!(found, "2026-01-01T01:00:00+00:00");
    let found = first(&["--from", "2026-01-01t00:00:00.5z"]);
    assert_eq!(found, "2026-01-01T01:00:00+00:00");
}

#[test]
fn ten_instants_are_printed_unless_told_otherwise() {
    assert_eq!(printed(&["--cron", "@hourly"]).len(), 10);
    let many = printed(&["--cron", "@hourly", "--count", "1000"]);
    assert_eq!(many.len(), 1000);
}

#[test]
fn a_schedule_that_names_no_zone_takes_the_one_that_is_asked_for() {
    let rome = |json: &str| {
        let from = "2026-07-01T12:00:00Z";
        let asked = ["--zone", "Europe/Rome", "--from", from, "--count", "2"];
        printed(&[&["--json", json], &asked[..]].concat())
    };
    let expected = ["2026-07-02T09:00:00+02:00", "2026-07-03T09:00:00+02:00"];
    assert_eq!(rome(r#"{"cron":"0 9 * * *"}"#), expected);
    let named = r#"{"cron":"0 9 * * *","zone":"Europe/Rome"}"#;
    assert_eq!(rome(named), expected);
    let parts = r#"{"any":[{"cron":"0 9 * * 4","zone":"Europe/Rome"},{"cron":"0 9 * * 5"}]}"#;
    assert_eq!(rome(parts), expected);
}

/// Monrovia was 44 minutes and 30 seconds behind UTC, which RFC 3339 can't write.
#[test]
fn an_offset_with_seconds_is_printed_in_utc() {
    let zone = ["--zone", "Africa/Monrovia", "--from"];
    let found = first(&[&zone[..], &["1960-01-01T00:00:00Z"]].concat());
    assert_eq!(found, "1960-01-01T01:00:00+00:00");
}

/// As `next_runs … | head -1` does.
#[test]
fn a_reader_who_has_read_enough_is_no_failure() {
    let mut process = command(&["--cron", "* * * * * *", "--count", "1000000"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    drop(output);
    assert!(process.wait().unwrap().success());
}
