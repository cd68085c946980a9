//! Every zone there is, at every change of its clocks from 2000 to 2099.

use std::sync::LazyLock;

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::{TZ_VARIANTS, Tz};
use serde_json::{Value, json};

use super::properties::{instant, read};
use crate::time::Timestamp;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;
const FIRST: i64 = 946_684_800;
const LAST: i64 = 4_102_444_800;

fn offset(zone: Tz, at: i64) -> i64 {
    let utc = DateTime::from_timestamp(at, 0).unwrap().naive_utc();
    zone.offset_from_utc_datetime(&utc)
        .fix()
        .local_minus_utc()
        .into()
}

/// A change of the clocks: what they were ahead of UTC before it, and from it on.
#[derive(Clone, Copy, Debug)]
struct Change {
    at: i64,
    before: i64,
    after: i64,
}

/// The changes that a look every `step` seconds shows.
fn changes(zone: Tz, first: i64, step: usize) -> Vec<Change> {
    let mut found = Vec::new();
    let (mut last, mut before) = (first, offset(zone, first));
    for look in (first..LAST).step_by(step).skip(1) {
        let after = offset(zone, look);
        if after != before {
            let (mut same, mut at) = (last, look);
            while at - same > 1 {
                let middle = i64::midpoint(same, at);
                if offset(zone, middle) == before {
                    same = middle;
                } else {
                    at = middle;
                }
            }
            found.push(Change { at, before, after });
        }
        (last, before) = (look, after);
    }
    found
}

impl Change {
    fn offset(self, at: i64) -> i64 {
        if at < self.at {
            self.before
        } else {
            self.after
        }
    }

    /// The instant of a local time, with nothing but this one change in sight.
    fn instant(self, local: i64) -> i64 {
        let candidates = [self.before, self.after].map(|offset| local - offset);
        let shown = candidates
            .into_iter()
            .filter(|at| at + self.offset(*at) == local);
        shown.min().unwrap_or(self.at)
    }
}

/// `Zone::change_in` looks so often for a change.
#[test]
fn no_zone_changes_its_clocks_twice_within_six_days() {
    for zone in TZ_VARIANTS {
        let changes = changes(zone, 0, 86_400);
        for pair in changes.windows(2) {
            assert!(pair[1].at - pair[0].at > 6 * DAY, "{zone}: {pair:?}");
        }
    }
}

/// A schedule by the clock on the wall, a week around it, at
/// times before, in and after the gap or the overlap.
#[test]
fn a_wall_clock_schedule_is_right_around_every_change() {
    for (zone, change) in CHANGES.iter().copied() {
        let local = change.at + change.before;
        let shift = change.after - change.before;
        let wanted = [-1, 0, 1, shift / 2, shift, shift + 1, 6 * HOUR];
        let mut times = wanted.map(|after| (local + after).rem_euclid(DAY));
        times.sort_unstable();
        let at: Vec<String> = times.map(clock).to_vec();
        let daily = json!({ "every": 1, "unit": "days", "at": at, "zone": zone.name() });
        let anchor = change.at - WEEK / 2;
        let days =
            (anchor + change.before).div_euclid(DAY) - 1..=(change.at + WEEK).div_euclid(DAY);
        let local = days.flat_map(|day| times.map(|time| day * DAY + time));
        let mut expected: Vec<i64> = local.map(|local| change.instant(local)).collect();
        expected.retain(|at| (anchor + 1..change.at + WEEK / 2).contains(at));
        expected.sort_unstable();
        expected.dedup();
        assert_eq!(
            found(&daily, anchor, expected.len()),
            expected,
            "{daily} {change:?}"
        );
    }
}

/// The same for what counts elapsed time: a cron for every hour, and hours at a local minute.
#[test]
fn an_interval_is_right_around_every_change() {
    for (zone, change) in CHANGES.iter().copied() {
        let (anchor, end) = (change.at - 6 * HOUR, change.at + 6 * HOUR);
        let shows = |minute: i64| {
            let at = move |at: &i64| (at + change.offset(*at)).rem_euclid(HOUR) == minute * 60;
            (anchor + 60..end)
                .step_by(60)
                .filter(at)
                .collect::<Vec<i64>>()
        };
        let cron = json!({ "cron": "30 * * * *", "zone": zone.name() });
        let expected = shows(30);
        assert_eq!(
            found(&cron, anchor, expected.len()),
            expected,
            "{cron} {change:?}"
        );
        let hours = json!({ "every": 1, "unit": "hours", "at_minute": 15, "zone": zone.name() });
        let expected = shows(15);
        assert_eq!(
            found(&hours, anchor, expected.len()),
            expected,
            "{hours} {change:?}"
        );
    }
}

static CHANGES: LazyLock<Vec<(Tz, Change)>> = LazyLock::new(|| {
    let of_zone = |zone: Tz| {
        let changes = changes(zone, FIRST, 518_400).into_iter();
        changes.map(move |change| (zone, change))
    };
    TZ_VARIANTS.into_iter().flat_map(of_zone).collect()
});

/// The clocks of Boa Vista were an hour ahead from the 8th to the 15th of October 2000, and an hour less
/// than a week.
#[test]
fn two_changes_within_a_week_are_both_seen() {
    let cron = json!({ "cron": "0 * 14 10 *", "zone": "America/Boa_Vista" });
    let just_before = 970_977_600 - HOUR / 2;
    let in_summer_time = "2000-10-14T03:00:00Z".parse::<Timestamp>().unwrap();
    assert_eq!(found(&cron, just_before, 1), [in_summer_time.timestamp()]);
}

fn clock(time: i64) -> String {
    format!("{:02}:{:02}:{:02}", time / HOUR, time / 60 % 60, time % 60)
}

/// The first instants of a schedule.
fn found(json: &Value, anchor: i64, count: usize) -> Vec<i64> {
    let schedule = read(json);
    let found = schedule
        .preview(instant(anchor), instant(anchor))
        .take(count);
    found.map(|at| at.timestamp()).collect()
}
