//! How a database runs the statements that evertask sends often.
//!
//! The storage is used as a runtime would use it, what it sends is recorded, and the database is
//! asked about that: so the plans are those of the statements as they are, with real values.

mod reads;
mod writes;

use evertask_core::task::ProcessId;
use evertask_core::time::Timestamp;
use uuid::Uuid;

use crate::database::Place;
use crate::options::Data;
use crate::{Failure, fill};

/// How much of a statement is printed.
const SHOWN: usize = 400;

/// Fills a database, uses it and prints the plans in Markdown.
pub(crate) async fn run(options: Data) -> Result<(), Failure> {
    let place = Place::new(options.database.as_deref()).await?;
    let explained = explain(&place, options.tasks).await;
    place.remove().await?;
    explained
}

async fn explain(place: &Place, tasks: u32) -> Result<(), Failure> {
    fill::fill(place, tasks).await?;
    let process = ProcessId(Uuid::from_u128(1));
    let storage = place.open(process).await?;
    let mut plans = Plans { place };
    writes::explain(&mut plans, &*storage, process).await?;
    reads::explain(&mut plans, storage.queries(), fill::busy_task(tasks)).await?;
    storage.close().await?;
    Ok(())
}

/// The instant at which everything is asked.
fn now() -> Result<Timestamp, Failure> {
    Timestamp::from_timestamp_micros(fill::NOW).ok_or_else(|| "the instant is out of range".into())
}

/// Where the plans come from.
#[derive(Debug)]
struct Plans<'a> {
    place: &'a Place,
}

impl Plans<'_> {
    /// Does something and prints how the statements were run that it sent.
    ///
    /// Rows that are inserted need no plan.
    async fn of<T, E: Into<Failure>>(
        &mut self,
        what: &str,
        writes: bool,
        does: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Failure> {
        let statements = self.place.statements();
        statements.record();
        let done = does.await.map_err(Into::into)?;
        for setting in self.place.words.settings(writes) {
            self.place.execute(&setting).await?;
        }
        heading(what);
        for statement in statements.recorded() {
            if !statement.sql.starts_with("INSERT") {
                show(&statement.sql, &self.place.explain(&statement).await?);
            }
        }
        Ok(done)
    }
}

#[expect(clippy::print_stdout, reason = "the plans are what the command is for")]
fn heading(what: &str) {
    println!("### {what}\n");
}

#[expect(clippy::print_stdout, reason = "the plans are what the command is for")]
fn show(sql: &str, steps: &[String]) {
    let words: Vec<_> = sql.split_whitespace().collect();
    let sql = words.join(" ");
    let mut shown: String = sql.chars().take(SHOWN).collect();
    if shown.len() < sql.len() {
        shown.push_str(" …");
    }
    println!("```sql\n{shown}\n```\n\n```text");
    for step in steps {
        println!("{step}");
    }
    println!("```\n");
}
