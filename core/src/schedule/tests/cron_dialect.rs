//! What a cron expression may say, field by field.

use proptest::prelude::*;

use super::cron_texts;
use super::oracle::has_date;
use super::properties::cases;
use crate::schedule::{InvalidSchedule, Refine, cron};
use crate::time::Timestamp;

fn refused(text: &str) -> InvalidSchedule {
    let error = cron(text).build();
    error.expect_err(text)
}

fn next(text: &str, after: &str) -> String {
    let (schedule, after) = (cron(text).build().unwrap(), after.parse().unwrap());
    let next: Option<Timestamp> = schedule.next_after(after, after);
    next.map_or("none".to_owned(), |next| {
        next.format("%FT%H:%M:%S").to_string()
    })
}

/// Core 4.2, with what other libraries read otherwise or not at all.
#[test]
fn the_whole_dialect_is_read() {
    for text in [
        "* * * * *",
        "*/5 0-23/2 1,15 */3 MON-FRI",
        "0 0 1 JAN,jul sun",
        "5/15 * * * *",
        "0 22-1 * * *",
        "50-10/5 * * * *",
        "0 0 * NOV-FEB FRI-MON",
        "0 0 ? * ?",
        "0 0 L * *",
        "0 0 L-3 * *",
        "0 0 l-30 * *",
        "0 0 15W * *",
        "0 0 LW,1W,10 * *",
        "0 0 L,LW * *",
        "0 0 * * 5L",
        "0 0 * * friL",
        "0 0 * * mon#1,3#5",
        "0 0 * * 1-7",
        "  0\t0   *  * *  ",
        "0,30 0 0 29 2 *",
    ] {
        assert!(cron(text).build().is_ok(), "{text}");
    }
}

#[test]
fn a_field_that_cannot_be_read_is_named_with_its_value() {
    for (text, field, value) in [
        ("60 * * * *", "minute", "60"),
        ("* 24 * * *", "hour", "24"),
        ("* * 0 * *", "day of month", "0"),
        ("* * 32 * *", "day of month", "32"),
        ("* * * 13 *", "month", "13"),
        ("* * * * 8", "day of week", "8"),
        ("60 * * * * *", "second", "60"),
        ("*/90 * * * *", "minute", "*/90"),
        ("*/0 * * * *", "minute", "*/0"),
        ("* */24 * * *", "hour", "*/24"),
        ("1,2,, * * * *", "minute", "1,2,,"),
        (",1 * * * *", "minute", ",1"),
        ("1- * * * *", "minute", "1-"),
        ("-1 * * * *", "minute", "-1"),
        ("1-2-3 * * * *", "minute", "2-3"),
        ("1/2/3 * * * *", "minute", "1/2/3"),
        ("+1 * * * *", "minute", "+1"),
        ("1.5 * * * *", "minute", "1.5"),
        ("? * * * *", "minute", "?"),
        ("* L * * *", "hour", "L"),
        ("* * L-0 * *", "day of month", "L-0"),
        ("* * L-31 * *", "day of month", "L-31"),
        ("* * L-+3 * *", "day of month", "L-+3"),
        ("* * 32W * *", "day of month", "32W"),
        ("* * W * *", "day of month", "W"),
        ("* * 1-5W * *", "day of month", "1-5W"),
        ("* * * january *", "month", "january"),
        ("* * * mon *", "month", "mon"),
        ("* * * * monday", "day of week", "monday"),
        ("* * * * 5#0", "day of week", "5#0"),
        ("* * * * 5#6", "day of week", "5#6"),
        ("* * * * 8L", "day of week", "8L"),
        ("* * * * *#2", "day of week", "*"),
        ("* * 9999999999 * *", "day of month", "9999999999"),
    ] {
        let error = refused(text);
        assert_eq!(error.field, format!("cron field \"{field}\""), "{text}");
        assert_eq!(error.value, value, "{text}");
    }
}

#[test]
fn a_wrong_number_of_fields_is_refused_with_their_number() {
    for (text, count) in [
        ("", 0),
        ("@never", 1),
        ("* * * *", 4),
        ("0 0 0 1 1 * 2026", 7),
    ] {
        let error = refused(text);
        assert_eq!((error.field.as_str(), error.value.as_str()), ("cron", text));
        assert!(
            error.reason.contains(&format!("has {count} fields")),
            "{error}"
        );
    }
}

/// Core edge case 116.
#[test]
fn an_expression_that_never_fires_is_refused() {
    for text in [
        "0 0 30 2 *",
        "0 0 31 4,6,9,11 *",
        "0 0 L-29 2 *",
        "0 0 31W 2 *",
        "0 0 8 * mon#1",
    ] {
        assert!(refused(text).reason.contains("ever meet"), "{text}");
    }
}

/// Core edge case 116.
#[test]
fn both_fields_for_days_have_to_agree() {
    assert_eq!(
        next("0 0 13 * 5", "2026-03-14T00:00:00Z"),
        "2026-11-13T00:00:00"
    );
    assert_eq!(
        next("0 0 29 2 0", "2026-01-01T00:00:00Z"),
        "2032-02-29T00:00:00"
    );
    assert_eq!(
        next("0 0 L * FRI", "2026-01-01T00:00:00Z"),
        "2026-07-31T00:00:00"
    );
}

/// Core edge case 116.
#[test]
fn sunday_is_0_and_7() {
    for text in [
        "0 0 * * 0",
        "0 0 * * 7",
        "0 0 * * sun",
        "0 0 * * 7#1",
        "0 0 * * 7-7",
    ] {
        assert_eq!(
            next(text, "2026-01-01T00:00:00Z"),
            "2026-01-04T00:00:00",
            "{text}"
        );
    }
    assert_eq!(
        next("0 0 * * 7L", "2026-01-01T00:00:00Z"),
        "2026-01-25T00:00:00"
    );
    assert_eq!(
        next("0 0 * * 6-7", "2026-01-03T00:00:00Z"),
        "2026-01-04T00:00:00"
    );
}

/// croner reads the two in one list as `LW` alone.
#[test]
fn the_last_day_and_the_last_workday_go_together() {
    assert_eq!(
        next("0 0 L,LW * *", "2026-05-01T00:00:00Z"),
        "2026-05-29T00:00:00"
    );
    assert_eq!(
        next("0 0 L,LW * *", "2026-05-29T00:00:00Z"),
        "2026-05-31T00:00:00"
    );
}

/// croner gives up in the year 5000.
#[test]
fn a_cron_goes_on_until_the_end_of_time() {
    assert_eq!(
        next("0 0 1 1 *", "7999-06-01T00:00:00Z"),
        "8000-01-01T00:00:00"
    );
    assert_eq!(
        next("0 0 29 2 *", "9993-01-01T00:00:00Z"),
        "9996-02-29T00:00:00"
    );
    assert_eq!(next("0 0 1 1 *", "9999-06-01T00:00:00Z"), "none");
}

#[test]
fn a_macro_is_the_expression_it_stands_for() {
    let after = "2026-02-17T10:20:30Z";
    for (name, next_one) in [
        ("@yearly", "2027-01-01T00:00:00"),
        ("@ANNUALLY", "2027-01-01T00:00:00"),
        ("@monthly", "2026-03-01T00:00:00"),
        ("@weekly", "2026-02-22T00:00:00"),
        ("@daily", "2026-02-18T00:00:00"),
        ("@midnight", "2026-02-18T00:00:00"),
        ("@hourly", "2026-02-17T11:00:00"),
        ("@every_minute", "2026-02-17T10:21:00"),
    ] {
        assert_eq!(next(name, after), next_one, "{name}");
    }
}

proptest! {
    #![proptest_config(cases(10))]

    /// The calendar repeats itself after 400 years, so what has no day in them never has.
    #[test]
    fn an_expression_is_refused_only_if_no_day_of_400_years_is_one(text in cron_texts::never_twice()) {
        let expected = (0..146_097).any(|day| has_date(&text, day));
        let found = cron(&text).build();
        prop_assert_eq!(found.is_ok(), expected, "{}", text);
    }
}
