//! Measures what evertask promises at scale, on a database that it fills itself.
//!
//! ```text
//! evertask-bench scale                                       SQLite, a million tasks
//! evertask-bench scale --database postgres://user@host/db    PostgreSQL
//! evertask-bench plans                                       how the statements are run
//! evertask-bench schedules                                   when a schedule is due next
//! evertask-bench limits                                      how fast rate limits are decided about
//! evertask-bench fairness                                    whether a key without budget delays others
//! evertask-bench timers                                      how what is due later is kept and run
//! ```
//!
//! A server gets a schema of its own, which is dropped at the end.

mod database;
mod fairness;
mod fill;
mod lateness;
mod limits;
mod memory;
mod options;
mod plans;
mod scale;
mod schedules;
mod timers;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;

use options::{Command, Options};

/// What ends a measurement early.
type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Options::parse().command {
        Command::Scale(data) => scale::run(data).await,
        Command::Plans(data) => plans::run(data).await.map(|()| true),
        Command::Schedules => schedules::run(),
        Command::Limits => limits::run(),
        Command::Fairness(storage) => fairness::run(storage.storage).await,
        Command::Timers(storage) => timers::run(storage.storage).await,
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            complain(&*error);
            ExitCode::FAILURE
        }
    }
}

#[expect(
    clippy::print_stderr,
    reason = "a command tells its caller what failed"
)]
fn complain(mut error: &dyn Error) {
    eprintln!("failed: {error}");
    while let Some(source) = error.source() {
        eprintln!("because: {source}");
        error = source;
    }
}

/// Says where the command is.
#[expect(
    clippy::print_stderr,
    reason = "the figures alone go to the standard output"
)]
fn progress(text: &str) {
    eprintln!("{text}");
}
