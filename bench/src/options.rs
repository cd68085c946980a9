use std::fmt;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Measures evertask at scale.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Fills a database and measures what pages ask of it; fails if a limit is broken.
    Scale(Data),
    /// Fills a database and prints how it runs the statements that evertask sends often.
    Plans(Data),
    /// Measures how long it takes to say when a schedule is due next; fails if a limit is broken.
    Schedules,
    /// Measures how long a decision about a rate limit takes, and how much memory its keys do.
    Limits,
    /// Measures how long tasks of a thousand keys wait, beside a hundred thousand of a key without budget
    /// that are stored ahead of them, and without those; fails if that makes a difference.
    Fairness(Stored),
    /// Measures how what is due later is put in order, how close to its instant it runs, and a hundred
    /// thousand series; fails if a limit is broken.
    Timers(Stored),
}

#[derive(Args, Debug)]
pub(crate) struct Stored {
    /// Where the tasks are stored; the limits are those of the runtime alone, in memory.
    #[arg(long, value_enum, default_value_t = Storage::Memory)]
    pub(crate) storage: Storage,
}

/// Where tasks are stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Storage {
    /// In memory.
    Memory,
    /// In a `SQLite` file in a temporary directory, as durable as by default.
    Sqlite,
}

impl fmt::Display for Storage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Memory => "memory",
            Self::Sqlite => "sqlite",
        })
    }
}

#[derive(Args, Debug)]
pub(crate) struct Data {
    /// A `PostgreSQL` database, as a URL; a `SQLite` file in a temporary directory if it is left out.
    #[arg(long)]
    pub(crate) database: Option<String>,
    /// How many tasks to fill in, each with five lines of audit.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(100..))]
    pub(crate) tasks: u32,
}
