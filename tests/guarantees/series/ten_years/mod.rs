//! Ten years of fifty series in virtual time, with crashes and downtime.
//!
//! A real runtime on a storage in memory, and a clock that goes from each instant at which anything is due to
//! the next. Meanwhile the process crashes, also between two commits, is shut down and is away for minutes or
//! weeks; handlers are held so that occurrences come due while they run, and series are paused.
//!
//! What has to run when is known without the runtime: the instants are those of the oracle of the schedules'
//! own tests (`almanac`), and what is missed, caught up with, kept or left out follows from the rules of the
//! specification, which are applied to them a second time (`course`). After each instant the runtime must have
//! come to where the series are expected, and in the end every run and every count are compared (`account`).
//! Where a crash between two commits leaves a series is the one thing that is looked up; it has to be a place
//! on its way.
//!
//! `EVERTASK_TEST_SOAK_SEED` repeats a run, and `EVERTASK_TEST_SOAK_YEARS` says how long it is.

mod account;
mod almanac;
mod catalogue;
mod course;
#[path = "../../../../core/src/schedule/tests/oracle/mod.rs"]
#[expect(dead_code, reason = "the tests of the schedules ask for more")]
mod oracle;
mod performer;
mod play;
mod witness;
mod world;

use std::env;

use self::almanac::Almanac;
use self::play::Play;

const YEARS: i64 = 10;
const SEED: u64 = 4;

/// Issue on schedules, must show 4: "A soak test in virtual time: ten years of fifty mixed series with crashes
/// and downtime, run counts and instants equal to the oracle's."
#[actix::test]
async fn fifty_series_run_for_ten_years_as_the_oracle_says() {
    let years = number("EVERTASK_TEST_SOAK_YEARS").unwrap_or(YEARS);
    let seed = number("EVERTASK_TEST_SOAK_SEED").unwrap_or(SEED);
    println!("seed {seed}, {years} years");
    let almanac = Almanac::of_years(years);
    let mut play = Play::new(seed, almanac);
    play.play().await;
    let (runs, missed) = account::check(&play.world).await;
    println!("{runs} runs, {missed} occurrences missed; {}", play.figures);
}

fn number<N: std::str::FromStr>(variable: &str) -> Option<N> {
    let text = env::var(variable).ok()?;
    Some(text.parse().ok().expect("it is a number"))
}
