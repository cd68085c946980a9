use chrono::NaiveDateTime;

use crate::schedule::Schedule;
use crate::time::Timestamp;

fn instant(text: &str) -> Timestamp {
    let with_seconds = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S");
    let parsed = with_seconds.or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M"));
    parsed.unwrap().and_utc()
}

/// Core 4.7: every row of the table, with the required column and the notes in the decisions.
#[test]
fn every_worked_example_has_the_required_instants() {
    let rows = include_str!("rows.txt").lines();
    let mut wrong = Vec::new();
    for row in rows.filter(|row| !row.starts_with('#')) {
        let parts: Vec<&str> = row.split('|').map(str::trim).collect();
        let [name, json, anchor, after, expected] = parts[..] else {
            panic!("{row}");
        };
        let schedule = Schedule::from_json(json).unwrap();
        let anchor: Timestamp = anchor.parse().unwrap();
        let after = after.parse().unwrap_or(anchor);
        let expected: Vec<&str> = expected.split(' ').collect();
        let ends = expected.last() == Some(&".");
        let found = schedule.preview(anchor, after).take(expected.len());
        let found: Vec<Timestamp> = found.collect();
        let instants = expected.iter().filter(|text| **text != ".");
        let instants: Vec<Timestamp> = instants.map(|text| instant(text)).collect();
        assert!(ends || found.len() == instants.len(), "{name}: {found:?}");
        if found != instants {
            wrong.push(format!("{name}: {json}\n  {found:?}\n  {instants:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
