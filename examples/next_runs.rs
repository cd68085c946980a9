//! When a schedule is due: `cargo run --example next_runs -- --cron "0 9 * * 1-5" --zone Europe/Rome`.

use std::error::Error;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use chrono::{DateTime, Datelike};
use clap::{Args, Parser, value_parser};
use evertask::schedule::{Draft, InvalidSchedule, Refine, Schedule, Zone, cron};
use evertask::time::{SystemClock, Timestamp};
use serde_json::Value;

/// Prints the instants at which a schedule is due, one per line.
///
/// They are written as in RFC 3339, with the offset that the zone of the schedule has at that time;
/// of several schedules in one, the zone is that of the first.
#[derive(Debug, Parser)]
#[command(
    name = "next_runs",
    after_long_help = "\
A schedule that ends (`run_until`, `max_runs`) may have fewer instants than asked for, or none; the
exit code is 0. It is 2 if an argument makes no sense or the schedule has no instant at all; the
standard error says why. `max_runs` is counted from --from, as nobody knows here what ran before."
)]
struct Options {
    #[command(flatten)]
    source: Source,
    /// The zone whose clocks count, by its IANA name; UTC by default.
    ///
    /// With --json it is for a schedule that names none. One that names another is refused.
    #[arg(long, value_name = "NAME")]
    zone: Option<String>,
    /// Only instants after this one; by default --anchor, or now without it.
    ///
    /// It is written as in RFC 3339, with any offset: 2026-03-27T01:00:00+01:00.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    from: Option<Timestamp>,
    /// Where the schedule begins, and what "every 2 weeks" is counted from; by default --from.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    anchor: Option<Timestamp>,
    /// How many instants, from 1.
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 10,
        allow_negative_numbers = true
    )]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    count: u32,
    /// Says in the first line what the schedule is in words.
    #[arg(long)]
    describe: bool,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Source {
    /// A cron expression of 5 fields, or 6 with the second first, or a macro such as @daily.
    #[arg(long, value_name = "EXPRESSION", allow_hyphen_values = true)]
    cron: Option<String>,
    /// Any schedule, as `Schedule::from_json` reads it, such as '{"every":5,"unit":"minutes"}'.
    #[arg(long, value_name = "SCHEDULE", allow_hyphen_values = true)]
    json: Option<String>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let from = options.from.or(options.anchor);
    let from = from.unwrap_or_else(|| SystemClock::shared().now());
    let anchor = options.anchor.unwrap_or(from);
    let schedule = match options.schedule(anchor) {
        Ok(schedule) => schedule,
        Err(error) => {
            complain(&*error);
            return ExitCode::from(2);
        }
    };
    match options.print(&schedule, anchor, from) {
        // Who reads it may have read enough.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            complain(&error);
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

impl Options {
    /// The schedule that is asked about, which is due some time after the anchor.
    fn schedule(&self, anchor: Timestamp) -> Result<Schedule, Box<dyn Error>> {
        let Source { cron, json } = &self.source;
        let (field, value, schedule) = match (cron, json) {
            (Some(text), _) => ("cron", text, self.by_cron(text)?),
            (None, Some(json)) => ("json", json, self.by_json(json)?),
            (None, None) => return Err("neither --cron nor --json says anything".into()),
        };
        let endless = schedule.clone().without_bounds();
        if endless.next_after(anchor, anchor).is_none() {
            let anchor = written(anchor, schedule.zone());
            return Err(format!("--{field} `{value}` has no occurrence after {anchor}").into());
        }
        Ok(schedule)
    }

    fn by_cron(&self, text: &str) -> Result<Schedule, InvalidSchedule> {
        let zone = self.zone.as_deref().unwrap_or(Zone::UTC.name());
        cron(text).in_zone(zone).build()
    }

    fn by_json(&self, json: &str) -> Result<Schedule, Box<dyn Error>> {
        let schedule = Schedule::from_json(json)?;
        let Some(zone) = self.zone.as_deref() else {
            return Ok(schedule);
        };
        let wanted: Zone = zone.parse()?;
        // A schedule itself does not tell UTC from a zone that was left out.
        for named in zones(&serde_json::from_str(json)?) {
            if named.parse::<Zone>()? != wanted {
                let reason = format!("--zone `{zone}` is not the zone of the schedule, `{named}`");
                return Err(reason.into());
            }
        }
        Ok(Draft::from(schedule).in_zone(zone).build()?)
    }

    fn print(&self, schedule: &Schedule, anchor: Timestamp, from: Timestamp) -> io::Result<()> {
        let mut output = io::stdout().lock();
        if self.describe {
            writeln!(output, "{}", schedule.describe())?;
        }
        let most = usize::try_from(self.count).unwrap_or(usize::MAX);
        for instant in schedule.preview(anchor, from).take(most) {
            writeln!(output, "{}", written(instant, schedule.zone()))?;
        }
        Ok(())
    }
}

/// The zones that a schedule names, for itself and for each of several in it.
fn zones(schedule: &Value) -> Vec<String> {
    let parts = schedule.get("any").and_then(Value::as_array);
    let said = [schedule].into_iter().chain(parts.into_iter().flatten());
    said.filter_map(|said| said.get("zone")?.as_str())
        .map(str::to_owned)
        .collect()
}

/// Reads what RFC 3339 knows.
fn instant(text: &str) -> Result<Timestamp, String> {
    let read = DateTime::parse_from_rfc3339(text);
    read.map(|instant| instant.to_utc())
        .map_err(|error| format!("it is not such as 2026-03-27T00:00:00Z: {error}"))
}

/// Writes an instant with the offset of the zone, if RFC 3339 can: an offset of old may have seconds,
/// and a local year may be one too late.
fn written(instant: Timestamp, zone: Zone) -> String {
    let local = zone.local(instant);
    if local.offset().local_minus_utc() % 60 == 0 && local.year() <= 9999 {
        local.to_rfc3339()
    } else {
        instant.to_rfc3339()
    }
}

#[expect(
    clippy::print_stderr,
    reason = "a command tells its caller what is wrong"
)]
fn complain(error: &dyn Error) {
    eprintln!("error: {error}");
}
