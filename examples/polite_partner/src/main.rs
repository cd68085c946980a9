//! Polite partner: fifty tenants ask for five times as many calls as their limits allow.
//!
//! A partner's service, played by this program, takes so many calls a minute from each tenant. The
//! calls are tasks of another process, which this one starts, stalls, pauses, kills and starts again. In
//! the end the partner checks every arrival by its own clock: the program fails if a limit was broken at
//! any moment, or if a tenant got less than nine tenths of its budget.
//!
//! ```text
//! course (this process)  ── stdin: pause, resume, end ──►  caller: evertask, 16 workers, one file
//!        ▲                                                        │
//!        └──────────── partner ◄────── POST /call/{tenant} ───────┘
//! ```

mod allowance;
mod caller;
mod course;
mod partner;
mod plan;
mod report;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::filter::EnvFilter;

/// Fifty tenants call a partner no more often than their limits allow, whatever happens.
#[derive(Debug, Parser)]
struct Options {
    /// How long calls are offered, in seconds; at least 30.
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u64).range(30..=100))]
    seconds: u64,
    #[command(subcommand)]
    role: Option<Role>,
}

/// What the program starts itself as.
#[derive(Debug, Subcommand)]
enum Role {
    /// Makes the calls.
    #[command(hide = true)]
    Caller {
        /// Where the partner is.
        partner: String,
        /// Where the tasks are kept.
        directory: PathBuf,
        /// Which round of offers is next.
        round: u64,
    },
}

#[actix_web::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("error"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match run(options).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            tracing::error!(error, "the example failed");
            ExitCode::FAILURE
        }
    }
}

/// Answers whether everybody was polite.
async fn run(options: Options) -> Result<bool, Box<dyn Error>> {
    match options.role {
        Some(Role::Caller {
            partner,
            directory,
            round,
        }) => caller::run(partner, directory, round).await.map(|()| true),
        None => course::run(options.seconds).await,
    }
}
