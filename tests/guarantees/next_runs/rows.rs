use chrono::NaiveDateTime;
use evertask::time::Timestamp;

use super::printed;

/// The worked examples that the schedules themselves are tested with.
const ROWS: &str = include_str!("../../../core/src/schedule/tests/rows.txt");

#[test]
fn every_worked_example_is_printed() {
    let rows: Vec<&str> = ROWS.lines().filter(|row| !row.starts_with('#')).collect();
    assert!(!rows.is_empty());
    let wrong: Vec<String> = rows.into_iter().filter_map(wrong).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the example prints instead of the instants of a row.
fn wrong(row: &str) -> Option<String> {
    let parts: Vec<&str> = row.split('|').map(str::trim).collect();
    let [name, json, anchor, after, expected] = parts[..] else {
        panic!("{row}");
    };
    // One more than there are, if the row says that nothing follows.
    let expected: Vec<&str> = expected.split(' ').collect();
    let count = expected.len().to_string();
    let mut arguments = vec!["--json", json, "--anchor", anchor, "--count", &count];
    if !after.is_empty() {
        arguments.extend(["--from", after]);
    }
    let lines = printed(&arguments);
    let found: Vec<Timestamp> = lines.iter().map(|line| line.parse().unwrap()).collect();
    let expected = expected.into_iter().filter(|text| *text != ".");
    let expected: Vec<Timestamp> = expected.map(instant).collect();
    (found != expected).then(|| format!("{name}: {json}\n  {lines:?}\n  {expected:?}"))
}

/// Reads an instant of the table, in UTC and with or without seconds.
fn instant(text: &str) -> Timestamp {
    let with_seconds = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S");
    let parsed = with_seconds.or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M"));
    parsed.unwrap().and_utc()
}
