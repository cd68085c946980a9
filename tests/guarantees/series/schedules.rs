//! Series that run by the calendar, on a clock that goes from instant to instant.

use std::time::Duration;

use evertask::schedule::{
    Draft, Refine, Weekday, any, cron, every, every_day, every_month, every_week,
};
use evertask::time::{Clock, Timestamp};
use evertask::{DispatchError, Stored};

use super::{SERIES, Stage, assert_over};
use crate::one_shot::clock::StagedClock;
use crate::one_shot::home::Home;

on_every_storage_and_server! {
    a_weekly_list_runs_on_its_days,
    three_times_a_day_are_three_runs,
    the_last_of_a_month_is_the_last_of_each,
    a_cron_in_a_zone_follows_its_clocks,
    several_schedules_are_one_series,
    the_last_occurrence_before_the_end_runs_after_a_restart,
    a_schedule_without_an_occurrence_is_refused,
}

const HOUR: Duration = Duration::from_hours(1);

/// Runs a series from an instant on, with a restart in the middle, and answers when it ran; the clock
/// moves from one occurrence to the next.
async fn runs(home: Home, from: &str, schedule: impl Into<Draft>, expected: &[&str]) {
    let clock = StagedClock::starting_at(from.parse().unwrap());
    let stage = Stage::with_clock(home, clock, |_, _| async { Ok(()) });
    let mut evertask = stage.start().await;
    let id = evertask.dispatch(SERIES).schedule(schedule).await;
    let id = id.unwrap().id;
    let expected: Vec<Timestamp> = expected.iter().map(|at| at.parse().unwrap()).collect();
    for (run, at) in (1..).zip(&expected) {
        if run == expected.len().div_ceil(2) {
            stage.home.shut_down(evertask).await;
            evertask = stage.start().await;
        }
        let next = evertask.next_runs(id, 1).await.unwrap();
        assert_eq!(next, [*at]);
        let ahead = *at - stage.clock.now();
        stage.clock.advance(ahead.to_std().unwrap());
        stage.runs_ended(run).await;
    }
    stage.home.shut_down(evertask).await;
    let runs = stage.home.runs(id).await;
    let ran: Vec<_> = runs.iter().map(|run| run.scheduled_at.unwrap()).collect();
    assert_eq!(ran, expected);
    let count = stage.home.row(id).await.state.run_count;
    assert_eq!(usize::try_from(count).unwrap(), expected.len());
}

/// Scenario 21; core edge case 87.
async fn a_weekly_list_runs_on_its_days(home: Home) {
    let days = [Weekday::Mon, Weekday::Wed, Weekday::Fri];
    let schedule = every_week().on_days(days).at("09:00");
    let expected = [
        "2026-01-05T09:00:00Z",
        "2026-01-07T09:00:00Z",
        "2026-01-09T09:00:00Z",
        "2026-01-12T09:00:00Z",
        "2026-01-14T09:00:00Z",
        "2026-01-16T09:00:00Z",
    ];
    runs(home, "2026-01-05T08:59:00Z", schedule, &expected).await;
}

/// Scenario 23; core edge case 109.
async fn three_times_a_day_are_three_runs(home: Home) {
    let schedule = every_day().at_times(["09:00", "14:00", "18:00"]);
    let expected = [
        "2026-01-01T14:00:00Z",
        "2026-01-01T18:00:00Z",
        "2026-01-02T09:00:00Z",
        "2026-01-02T14:00:00Z",
        "2026-01-02T18:00:00Z",
        "2026-01-03T09:00:00Z",
    ];
    runs(home, "2026-01-01T10:00:00Z", schedule, &expected).await;
}

/// Scenario 24.
async fn the_last_of_a_month_is_the_last_of_each(home: Home) {
    let expected = [
        "2026-02-28T00:00:00Z",
        "2026-03-31T00:00:00Z",
        "2026-04-30T00:00:00Z",
    ];
    let schedule = every_month().on_day(31);
    runs(home, "2026-01-31T00:00:00Z", schedule, &expected).await;
}

async fn a_cron_in_a_zone_follows_its_clocks(home: Home) {
    let expected = [
        "2026-03-27T08:00:00Z",
        "2026-03-30T07:00:00Z",
        "2026-03-31T07:00:00Z",
    ];
    let schedule = cron("0 9 * * 1-5").in_zone("Europe/Rome");
    runs(home, "2026-03-27T00:00:00Z", schedule, &expected).await;
}

async fn several_schedules_are_one_series(home: Home) {
    let schedule = any([
        cron("0 9 * * 1-5"),
        every(1).weeks().on(Weekday::Sat).at("11:00"),
    ]);
    let expected = [
        "2026-01-09T09:00:00Z",
        "2026-01-10T11:00:00Z",
        "2026-01-12T09:00:00Z",
    ];
    runs(home, "2026-01-08T10:00:00Z", schedule, &expected).await;
}

/// Storage edge case 6: it is not over before.
async fn the_last_occurrence_before_the_end_runs_after_a_restart(home: Home) {
    let stage = Stage::idle(home);
    let evertask = stage.start().await;
    let series = every(1).hours().run_until(stage.begun + HOUR * 2);
    let id = evertask.dispatch(SERIES).schedule(series).await.unwrap().id;
    stage.advance_to(1_800);
    stage.home.shut_down(evertask).await;
    let evertask = stage.start().await;
    assert_eq!(evertask.next_runs(id, 9).await.unwrap(), [stage.at(3_600)]);
    stage.advance_to(3_600);
    stage.runs_ended(1).await;
    stage.home.shut_down(evertask).await;
    assert_over(&stage.home.row(id).await);
    assert_eq!(stage.occurrences(id).await, [3_600]);
    let audit = stage.home.audit(id).await;
    let reason = audit.last().unwrap().reason.clone();
    assert!(reason.unwrap().contains("was to run until"));
}

/// Scenario 27 and scenario 42 of the worked examples; core edge cases 96, 99 and 116.
async fn a_schedule_without_an_occurrence_is_refused(home: Home) {
    let stage = Stage::idle(home);
    let evertask = stage.start().await;
    let hour = stage.begun + HOUR;
    let refused: [(Draft, &str); 6] = [
        (cron("0 0 30 2 *"), "`30 2 *` has no day"),
        (cron("61 * * * *"), "`61` is not from 0 to 59"),
        (every(0).minutes().into(), "every `0`"),
        (every_day().at("25:00"), "at `25:00`"),
        (
            every_day().at("09:00").in_zone("Mars/Base"),
            "zone `Mars/Base`",
        ),
        (every(1).days().run_until(hour), "would run first at"),
    ];
    for (schedule, why) in refused {
        let error = evertask.dispatch(SERIES).schedule(schedule).await;
        let error = error.unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
        assert_eq!(error.stored(), Stored::No);
    }
    let never = evertask.dispatch(SERIES).every(HOUR).stop_after_failures(0);
    let never = never.await.unwrap_err().to_string();
    assert!(never.contains("stop_after_failures `0`"), "{never}");
    let late = evertask
        .dispatch(SERIES)
        .schedule(every(1).seconds().run_until(hour));
    let late = late.after(HOUR * 2).await.unwrap_err();
    assert!(matches!(late, DispatchError::Series { .. }), "{late}");
    stage.home.shut_down(evertask).await;
}
