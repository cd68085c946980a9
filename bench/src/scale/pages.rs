use std::time::Duration;

use evertask_core::storage::query::{
    CappedCount, PageLimit, SortDirection, SortKey, TaskFilter, TaskSearch, TaskSort,
};
use evertask_core::task::Status;
use tokio::time::Instant;

use super::{Measurement, PAGE, TIMES};
use crate::Failure;

/// How many pages the walk of the scenario has.
const LONG: usize = 500;

/// How many pages are enough to see how another list behaves.
const SHORT: usize = 50;

/// Walks through lists of tasks page by page, and counts what is in them.
pub(super) async fn measure(measurement: &mut Measurement<'_>) -> Result<(), Failure> {
    let next_run = order(SortKey::AvailableAt, SortDirection::Ascending);
    let created = order(SortKey::CreatedAt, SortDirection::Descending);
    let of_status = |status| TaskFilter {
        statuses: vec![status],
        ..TaskFilter::default()
    };
    let scenario = TaskFilter {
        queue: Some("mail".to_owned()),
        text: Some("Invoice".to_owned()),
        ..of_status(Status::WaitingQueue)
    };
    let ended = TaskFilter {
        statuses: vec![Status::Completed],
        ..scenario.clone()
    };
    let walks = [
        (
            "S24: status, queue, text, by next run",
            &scenario,
            next_run,
            LONG,
        ),
        ("all, latest first", &TaskFilter::default(), created, SHORT),
        (
            "one status, latest first",
            &of_status(Status::Failed),
            created,
            SHORT,
        ),
        ("status, queue, text, latest first", &ended, created, SHORT),
        ("ended, by next run", &ended, next_run, SHORT),
    ];
    for (what, filter, sort, pages) in walks {
        walk(measurement, what, filter, sort, pages).await?;
    }
    count(measurement, "total of S24", &scenario).await?;
    count(measurement, "total of all", &TaskFilter::default()).await
}

fn order(key: SortKey, direction: SortDirection) -> TaskSort {
    TaskSort { key, direction }
}

/// Reads page after page, as many as there are up to a number.
async fn walk(
    measurement: &mut Measurement<'_>,
    what: &str,
    filter: &TaskFilter,
    sort: TaskSort,
    pages: usize,
) -> Result<(), Failure> {
    let first = TaskSearch::new(filter.clone(), sort, PageLimit::new(PageLimit::MAX)?);
    let mut spans: Vec<Duration> = Vec::with_capacity(pages);
    let mut search = first.clone();
    while spans.len() < pages {
        let begin = Instant::now();
        let page = measurement.queries.search(&search).await?;
        spans.push(begin.elapsed());
        measurement.memory.look();
        let Some(next) = page.next else {
            break;
        };
        search = first.clone().after(next)?;
    }
    let reached = spans.len();
    measurement.keep(&format!("a page: {what}"), PAGE, spans);
    if reached < pages {
        measurement
            .figures
            .note(format!("{what}: the list ended at page {reached}"));
    }
    Ok(())
}

async fn count(
    measurement: &mut Measurement<'_>,
    what: &str,
    filter: &TaskFilter,
) -> Result<(), Failure> {
    let mut spans = Vec::with_capacity(TIMES);
    let mut counted = None;
    for _ in 0..TIMES {
        let begin = Instant::now();
        counted = Some(measurement.queries.count(filter, CappedCount::CAP).await?);
        spans.push(begin.elapsed());
    }
    measurement.keep(what, PAGE, spans);
    if let Some(counted) = counted {
        measurement.figures.note(format!("{what}: {counted}"));
    }
    Ok(())
}
