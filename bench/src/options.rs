use clap::{Args, Parser, Subcommand};

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
