//! The measurement: what pages and the overview ask of a database with a million tasks (storage
//! scenario S24).

mod figures;
mod histories;
mod memory;
mod overview;
mod pages;

use std::time::Duration;

use evertask_core::storage::query::TaskQueries;
use evertask_core::task::ProcessId;
use uuid::Uuid;

use self::figures::Figures;
use self::memory::Memory;
use crate::database::Place;
use crate::options::Data;
use crate::{Failure, fill, progress};

/// How long a page may take, 95 of 100 times.
const PAGE: Duration = Duration::from_millis(150);

/// How long the overview may take, 95 of 100 times.
const OVERVIEW: Duration = Duration::from_millis(300);

/// How often what has no pages is asked.
const TIMES: usize = 20;

/// Fills a database, measures and prints; answers whether every limit was kept.
pub(crate) async fn run(options: Data) -> Result<bool, Failure> {
    let place = Place::new(options.database.as_deref()).await?;
    let measured = measure(&place, options.tasks).await;
    place.remove().await?;
    measured
}

async fn measure(place: &Place, tasks: u32) -> Result<bool, Failure> {
    fill::fill(place, tasks).await?;
    let storage = place.open(ProcessId(Uuid::now_v7())).await?;
    let queries = storage.queries();
    let mut measurement = Measurement {
        queries,
        figures: Figures::default(),
        memory: Memory::now(),
    };
    pages::measure(&mut measurement).await?;
    overview::measure(&mut measurement).await?;
    histories::measure(&mut measurement, fill::busy_task(tasks)).await?;
    let figures = measurement.figures;
    let memory = measurement.memory;
    storage.close().await?;
    figures.print(place.words.name(), tasks, memory);
    Ok(figures.are_within_limits() && memory.is_within_limit())
}

/// What is asked, what was measured.
struct Measurement<'a> {
    queries: &'a dyn TaskQueries,
    figures: Figures,
    memory: Memory,
}

impl Measurement<'_> {
    /// Keeps how long the parts of one walk or repetition took.
    fn keep(&mut self, what: &str, limit: Duration, spans: Vec<Duration>) {
        progress(&format!("measured {what}"));
        self.memory.look();
        self.figures.keep(what, limit, spans);
    }
}
