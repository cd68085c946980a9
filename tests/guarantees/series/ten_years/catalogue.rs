//! The fifty series: every kind of schedule, in zones whose clocks do what others don't, with every policy.

use std::time::Duration;

use evertask::schedule::{Misfire, Overlap, SeriesPolicy};
use serde_json::{Value, json};

/// A series as it is registered.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) schedule: Value,
    pub(super) policy: SeriesPolicy,
    pub(super) first: First,
    pub(super) max_runs: Option<u32>,
    /// After how many days of the soak it ends.
    pub(super) until_day: Option<i64>,
    /// Whether some of its runs fail.
    pub(super) fails: bool,
    /// Whether its schedule comes to an end by itself.
    pub(super) is_finite: bool,
}

/// When it runs first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum First {
    AsScheduled,
    AtOnce,
    After(Duration),
}

impl Entry {
    fn skips(schedule: Value) -> Self {
        Self {
            schedule,
            policy: SeriesPolicy::default(),
            first: First::AsScheduled,
            max_runs: None,
            until_day: None,
            fails: false,
            is_finite: false,
        }
    }

    fn runs_last(schedule: Value) -> Self {
        let mut entry = Self::skips(schedule);
        entry.policy.misfire = Misfire::RunOnce;
        entry
    }

    fn catches_up(most: u32, schedule: Value) -> Self {
        let mut entry = Self::skips(schedule);
        entry.policy.misfire = Misfire::CatchUp(most);
        entry
    }

    fn buffers(mut self) -> Self {
        self.policy.overlap = Overlap::BufferOne;
        self
    }

    fn overlaps(mut self) -> Self {
        self.policy.overlap = Overlap::Allow;
        self
    }

    fn fails(mut self) -> Self {
        self.fails = true;
        self
    }

    /// Some runs of it fail, and so many in a row end it.
    fn stops_after(mut self, failures: u32) -> Self {
        self.policy.stop_after_failures = Some(failures);
        self.fails()
    }

    fn first(mut self, first: First) -> Self {
        self.first = first;
        self
    }

    fn max_runs(mut self, runs: u32) -> Self {
        self.max_runs = Some(runs);
        self
    }

    fn until_day(mut self, day: i64) -> Self {
        self.until_day = Some(day);
        self
    }

    fn comes_to_an_end(mut self) -> Self {
        self.is_finite = true;
        self
    }

    /// Whether a run of it fails, which hangs on nothing but the occurrence.
    pub(super) fn fails_at(&self, occurrence: i64) -> bool {
        self.fails
            && occurrence
                .unsigned_abs()
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                >> 61
                == 0
    }
}

/// All of them.
pub(super) fn fifty() -> Vec<Entry> {
    let all = [elapsed(), days(), weeks(), months(), crons(), composed()];
    let all: Vec<Entry> = all.into_iter().flatten().collect();
    assert_eq!(all.len(), 50);
    all
}

/// What counts the time that passes.
fn elapsed() -> Vec<Entry> {
    vec![
        Entry::skips(json!({ "every": 250_000, "unit": "seconds" })).first(First::AtOnce),
        Entry::runs_last(json!({ "every": 345_599, "unit": "seconds" })).buffers(),
        Entry::catches_up(7, json!({ "every": 200_000, "unit": "seconds" }))
            .first(First::After(Duration::from_secs(123_456)))
            .fails()
            .max_runs(1_000),
        Entry::catches_up(
            5,
            json!({
                "every": 3_000, "unit": "minutes", "at_second": 30, "zone": "Asia/Kathmandu"
            }),
        ),
        Entry::skips(json!({
            "every": 2_300, "unit": "minutes", "between": ["06:00", "18:00"], "zone": "Asia/Kathmandu"
        }))
        .buffers(),
        Entry::skips(json!({
            "every": 60, "unit": "minutes", "between": ["01:00", "03:00"],
            "except": ["mon", "tue", "wed", "thu", "fri", "sat"], "zone": "America/New_York"
        }))
        .overlaps(),
        Entry::runs_last(json!({ "every": 49, "unit": "hours" })).max_runs(1_200),
        Entry::skips(json!({
            "every": 35, "unit": "hours", "at_minute": 45, "zone": "Australia/Lord_Howe"
        }))
        .buffers()
        .until_day(700),
        Entry::runs_last(json!({
            "every": 26, "unit": "hours", "at_minute": 20, "at_second": 10,
            "between": ["22:00", "06:00"], "zone": "Africa/Casablanca"
        }))
        .overlaps(),
        Entry::skips(json!({
            "on_hours": [1, 2, 3], "at_minute": 30, "zone": "Australia/Lord_Howe",
            "except": ["mon", "tue", "wed", "thu", "fri", "sat"]
        })),
        Entry::catches_up(
            20,
            json!({
                "on_hours": [9], "at_minute": 15, "zone": "Europe/Rome",
                "calendar": { "name": "italy", "closed": ["sat", "sun", "mon", "tue", "12-25", "04-25", "2012-08-10/2012-08-20"] }
            }),
        )
        .overlaps()
        .fails(),
    ]
}

/// What counts days.
fn days() -> Vec<Entry> {
    vec![
        Entry::runs_last(json!({
            "unit": "days", "on": ["sun", "thu"], "at": ["02:30"], "zone": "Europe/Rome"
        })),
        Entry::catches_up(
            3,
            json!({
                "every": 8, "unit": "days", "at": ["09:00", "14:00:30", "18:00"],
                "zone": "Africa/Casablanca"
            }),
        )
        .buffers()
        .fails(),
        Entry::skips(json!({ "every": 3, "unit": "days", "zone": "Pacific/Apia" })).buffers().max_runs(250),
        Entry::skips(json!({
            "unit": "days", "on": ["mon", "wed", "fri"], "at": ["09:00"],
            "zone": "America/New_York"
        }))
        .stops_after(3),
        Entry::skips(json!({
            "every": 1, "unit": "days", "zone": "America/Sao_Paulo", "except": ["mon", "tue", "wed", "thu", "fri", "12-25", "01-01"]
        }))
        .overlaps(),
        Entry::skips(json!({
            "every": 1, "unit": "days", "at": ["02:15"], "zone": "Australia/Lord_Howe",
            "calendar": { "name": "office", "closed": ["sat", "sun", "12-24", "12-25", "01-01", "01-02"] },
            "on_holiday": "next"
        }))
        .until_day(900),
        Entry::runs_last(json!({
            "every": 4, "unit": "days", "at": ["07:00", "19:00"],
            "calendar": { "name": "office", "closed": ["sun", "2013-05-01/2013-06-15"] },
            "on_holiday": "previous"
        }))
        .buffers(),
        Entry::skips(json!({
            "every": 1, "unit": "days", "at": ["12:00"], "except": ["mon", "tue", "wed", "thu", "2016-06-01/9999-12-31"]
        }))
        .comes_to_an_end(),
    ]
}

fn weeks() -> Vec<Entry> {
    vec![
        Entry::skips(json!({
            "every": 1, "unit": "weeks", "on": ["tue", "thu"], "at": ["08:00"],
            "zone": "Asia/Kathmandu"
        }))
        .until_day(2_000),
        Entry::runs_last(json!({
            "every": 2, "unit": "weeks", "on": ["mon", "wed"], "at": ["09:00"],
            "week_start": "mon", "zone": "Europe/Rome"
        })),
        Entry::catches_up(
            2,
            json!({ "every": 2, "unit": "weeks", "on": ["sun", "mon"], "at": ["00:00", "12:00"] }),
        ),
        Entry::skips(json!({ "every": 3, "unit": "weeks", "at": ["14:30"] })).first(First::AtOnce),
        Entry::runs_last(json!({
            "on": ["sat"], "unit": "weeks", "at": ["23:59:59"], "zone": "Africa/Casablanca"
        }))
        .until_day(3_000)
        .max_runs(400),
    ]
}

fn months() -> Vec<Entry> {
    let monthly = |day: Value| {
        let mut json = json!({ "every": 1, "unit": "months", "at": ["10:00"] });
        let (json_fields, day) = (json.as_object_mut().unwrap(), day.as_object().unwrap());
        json_fields.extend(day.clone());
        json
    };
    vec![
        Entry::runs_last(monthly(json!({ "on_days": [31] }))),
        Entry::skips(monthly(json!({
            "on_days": [1, 15], "at": ["06:00", "18:00"], "zone": "Pacific/Apia"
        })))
        .buffers(),
        Entry::skips(monthly(json!({ "on_days": [29, 30, 31] }))).max_runs(150),
        Entry::skips(monthly(json!({ "on_first": "mon" }))),
        Entry::catches_up(
            2,
            monthly(json!({ "on_nth": [5, "fri"], "zone": "Europe/Rome" })),
        ),
        Entry::skips(monthly(
            json!({ "on_nth": [3, "tue"], "at": ["02:30", "03:30"] }),
        ))
        .overlaps(),
        Entry::runs_last(monthly(json!({
            "on_last": "fri", "at": ["17:00"], "zone": "America/New_York"
        }))),
        Entry::skips(monthly(json!({
            "on_last": "day", "at": ["23:59:59"], "zone": "Australia/Lord_Howe"
        })))
        .fails(),
        Entry::skips(json!({ "every": 5, "unit": "months" })),
        Entry::skips(json!({ "in_months": [1, 4, 7, 10], "on_days": [1], "at": ["00:30"] }))
            .until_day(3_333),
        Entry::runs_last(json!({ "in_months": [2], "on_days": [29], "at": ["09:00"] })),
        Entry::skips(json!({ "in_months": [2, 3], "on_days": [28, 29, 30], "at": ["01:00"] })),
        Entry::skips(monthly(json!({
            "on_days": [1], "on_holiday": "previous",
            "calendar": { "name": "bank", "closed": ["sat", "sun", "01-01", "05-01"] }
        }))),
    ]
}

fn crons() -> Vec<Entry> {
    let cron = |text: &str, zone: &str| json!({ "cron": text, "zone": zone });
    vec![
        Entry::catches_up(4, cron("0 9 * * 1-2", "Europe/Rome")).overlaps(),
        Entry::runs_last(cron("30 2 * * SUN,WED", "America/New_York")).fails(),
        Entry::skips(cron("0 0 13 * FRI", "UTC")),
        Entry::runs_last(cron("0 12 LW * *", "Pacific/Apia")).overlaps(),
        Entry::skips(cron("15 10 15W,1W * *", "Asia/Kathmandu")).buffers(),
        Entry::skips(cron("0 8 * * 1L", "Europe/Rome")).max_runs(180),
        Entry::skips(cron("30 */2 1 * *", "Australia/Lord_Howe"))
            .fails()
            .buffers(),
        Entry::runs_last(cron("0 */6 * * SUN", "Africa/Casablanca")).buffers(),
        Entry::catches_up(10, cron("15 */12 */6 * *", "Pacific/Apia")),
        Entry::skips(cron("20 10 6,18 * * MON,FRI", "America/New_York"))
            .overlaps()
            .until_day(1_800),
    ]
}

fn composed() -> Vec<Entry> {
    vec![
        Entry::skips(json!({ "zone": "Europe/Rome", "any": [
            { "cron": "0 9 * * 1,4" },
            { "every": 1, "unit": "weeks", "on": ["sat"], "at": ["11:00"] },
        ] }))
        .buffers(),
        Entry::runs_last(json!({ "any": [
            { "every": 3, "unit": "days", "at": ["05:00"], "zone": "America/New_York" },
            { "cron": "0 17 * * 5", "zone": "Asia/Kathmandu" },
            { "every": 1, "unit": "months", "on_last": "day", "at": ["12:00"] },
        ] }))
        .fails(),
        Entry::catches_up(
            6,
            json!({ "zone": "Australia/Lord_Howe", "any": [
            { "cron": "0 2 * * *", "except": ["mon", "tue", "wed", "thu", "fri"] },
            { "cron": "30 2 * * SUN" },
        ] }),
        ),
    ]
}
