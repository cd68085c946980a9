use super::next_runs;

/// Runs the example with what it must refuse: it prints nothing, and complains in all of these words.
fn is_refused(arguments: &[&str], words: &[&str]) {
    let ran = next_runs(arguments);
    assert_eq!(ran.code, Some(2), "{arguments:?}: {ran:?}");
    assert!(ran.lines.is_empty(), "{arguments:?}: {ran:?}");
    for word in words {
        assert!(ran.complaint.contains(word), "{word} is not in {ran:?}");
    }
}

#[test]
fn a_schedule_without_an_occurrence_is_refused() {
    is_refused(
        &["--cron", "0 0 30 2 *"],
        &["day of month", "month", "30 2 *"],
    );
    let json = r#"{"in_months":[2],"on_days":[30,31]}"#;
    is_refused(&["--json", json], &["on_days", "30, 31"]);
    // What only the search finds out.
    let json = r#"{"every":24,"unit":"hours","between":["09:00","10:00"]}"#;
    let never = ["--json", json, "--anchor", "2026-01-01T00:00:00Z"];
    is_refused(&never, &["--json", json, "has no occurrence"]);
    let json = r#"{"every":24,"unit":"hours","between":["09:00","10:00"],"run_until":"2026-01-01T00:00:00Z"}"#;
    let ended = ["--json", json, "--anchor", "2026-01-01T00:00:00Z"];
    is_refused(&ended, &["--json", json, "has no occurrence"]);
}

#[test]
fn a_bad_cron_is_refused_by_field() {
    is_refused(&["--cron", "61 * * * *"], &["\"minute\"", "`61`"]);
    is_refused(&["--cron", "*/90 * * * *"], &["\"minute\"", "`*/90`"]);
    is_refused(&["--cron", "1,2,, * * * *"], &["\"minute\""]);
    is_refused(&["--cron", "-5 * * * *"], &["\"minute\""]);
    is_refused(&["--cron", "0 9 * *"], &["cron", "`0 9 * *`", "4 fields"]);
    is_refused(&["--cron", ""], &["cron", "``"]);
}

#[test]
fn bad_json_is_refused_by_field() {
    let misspelt = r#"{"evry":5,"unit":"minutes"}"#;
    is_refused(&["--json", misspelt], &["`evry`", misspelt]);
    let no_step = r#"{"every":0,"unit":"minutes"}"#;
    is_refused(&["--json", no_step], &["every", "`0`"]);
    is_refused(&["--json", "{"], &["JSON", "`{`"]);
}

#[test]
fn a_zone_that_does_not_exist_is_refused() {
    let hourly = r#"{"every":1,"unit":"hours"}"#;
    let elsewhere = r#"{"every":1,"unit":"hours","zone":"Mars/Base"}"#;
    let words = ["zone", "`Mars/Base`"];
    is_refused(&["--cron", "@daily", "--zone", "Mars/Base"], &words);
    is_refused(&["--json", hourly, "--zone", "Mars/Base"], &words);
    is_refused(&["--json", elsewhere], &words);
}

#[test]
fn two_zones_are_refused() {
    let rome = |json: &str, zone: &str| {
        let words = ["--zone", "`Europe/Rome`", zone];
        is_refused(&["--json", json, "--zone", "Europe/Rome"], &words);
    };
    rome(r#"{"cron":"@daily","zone":"Asia/Tokyo"}"#, "`Asia/Tokyo`");
    rome(r#"{"cron":"@daily","zone":"UTC"}"#, "`UTC`");
    let part = r#"{"any":[{"cron":"@daily"},{"cron":"@hourly","zone":"Asia/Tokyo"}]}"#;
    rome(part, "`Asia/Tokyo`");
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    let daily = |more: &[&str], words: &[&str]| {
        is_refused(&[&["--cron", "@daily"], more].concat(), words);
    };
    daily(&["--count", "0"], &["--count", "'0'"]);
    daily(&["--count", "-1"], &["--count", "'-1'"]);
    daily(&["--count", "ten"], &["--count", "'ten'"]);
    daily(&["--from", "tomorrow"], &["--from", "'tomorrow'"]);
    let local = "2026-03-27T00:00:00";
    daily(&["--anchor", local], &["--anchor", &format!("'{local}'")]);
    daily(&["--json", "{}"], &["--cron", "--json"]);
    is_refused(&[], &["--cron", "--json"]);
}
