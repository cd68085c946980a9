//! What the example `next_runs` prints, run as anybody would run it.
//!
//! `cargo test` builds the examples before it runs anything. Where only this binary was asked for, with
//! `--test guarantees`, the example is the one that was built last:
//! `cargo build -p evertask --example next_runs`.

mod arguments;
mod refusals;
mod rows;

use std::env::consts::EXE_SUFFIX;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What a run of the example came to.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    lines: Vec<String>,
    complaint: String,
}

/// Runs the example to its end.
fn next_runs(arguments: &[&str]) -> Ran {
    let output = command(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran {
        code: output.status.code(),
        lines: text(output.stdout).lines().map(str::to_owned).collect(),
        complaint: text(output.stderr),
    }
}

/// Runs the example and answers what it printed; it must have nothing to complain about.
fn printed(arguments: &[&str]) -> Vec<String> {
    let ran = next_runs(arguments);
    let is_content = ran.code == Some(0) && ran.complaint.is_empty();
    assert!(is_content, "{arguments:?}: {ran:?}");
    ran.lines
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(executable());
    command.args(arguments).stdin(Stdio::null());
    command
}

/// The examples of a build are beside the folder of its tests.
fn executable() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let build = test.parent().and_then(|folder| folder.parent()).unwrap();
    let name = format!("next_runs{EXE_SUFFIX}");
    let executable = build.join("examples").join(name);
    assert!(
        executable.is_file(),
        "{} is missing; `cargo build -p evertask --example next_runs` makes it",
        executable.display()
    );
    executable
}

/// The command of the issue: nine o'clock stays nine o'clock as summer time begins.
#[test]
fn a_cron_follows_the_clocks_of_rome_into_summer() {
    let lines = printed(&[
        "--cron",
        "0 9 * * 1-5",
        "--zone",
        "Europe/Rome",
        "--from",
        "2026-03-27T00:00:00Z",
        "--count",
        "5",
    ]);
    assert_eq!(
        lines,
        [
            "2026-03-27T09:00:00+01:00",
            "2026-03-30T09:00:00+02:00",
            "2026-03-31T09:00:00+02:00",
            "2026-04-01T09:00:00+02:00",
            "2026-04-02T09:00:00+02:00",
        ]
    );
}

#[test]
fn a_description_is_the_first_line() {
    let json =
        r#"{"every":2,"unit":"weeks","on":["mon","wed"],"at":["09:00"],"zone":"Europe/Rome"}"#;
    let lines = printed(&[
        "--json",
        json,
        "--anchor",
        "2026-01-05T00:00:00Z",
        "--count",
        "1",
        "--describe",
    ]);
    assert_eq!(
        lines,
        [
            "every 2 weeks on Monday and Wednesday at 09:00, Europe/Rome time",
            "2026-01-05T09:00:00+01:00",
        ]
    );
}

#[test]
fn a_schedule_that_ends_prints_what_is_left() {
    let daily = |end: &str| {
        let json = format!(r#"{{"every":1,"unit":"days",{end}}}"#);
        printed(&["--json", &json, "--from", "2026-01-01T12:00:00Z"])
    };
    let [second, third] = ["2026-01-02T00:00:00+00:00", "2026-01-03T00:00:00+00:00"];
    assert_eq!(daily(r#""max_runs":2"#), [second, third]);
    assert_eq!(daily(r#""run_until":"2026-01-03T00:00:00Z""#), [second]);
    assert!(daily(r#""run_until":"2026-01-01T18:00:00Z""#).is_empty());
    assert!(daily(r#""run_until":"2025-01-01T00:00:00Z""#).is_empty());
}
