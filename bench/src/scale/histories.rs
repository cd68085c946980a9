use std::time::Duration;

use evertask_core::log::LogSearch;
use evertask_core::storage::query::{HistorySearch, PageLimit};
use evertask_core::task::TaskId;
use tokio::time::Instant;

use super::{Measurement, PAGE};
use crate::Failure;

/// Walks through the long histories of one task.
pub(super) async fn measure(
    measurement: &mut Measurement<'_>,
    task: TaskId,
) -> Result<(), Failure> {
    let limit = PageLimit::new(PageLimit::MAX)?;
    let queries = measurement.queries;

    let first = HistorySearch::audit(task).limit(limit);
    let (mut spans, mut search) = (Vec::new(), first.clone());
    loop {
        let (span, page) = timed(queries.audit_page(&search)).await?;
        spans.push(span);
        let Some(next) = page.next else { break };
        search = first.clone().after(next)?;
    }
    measurement.keep("a page: audit of a task", PAGE, spans);

    let first = HistorySearch::attempts(task).limit(limit);
    let (mut spans, mut search) = (Vec::new(), first.clone());
    loop {
        let (span, page) = timed(queries.attempts_page(&search)).await?;
        spans.push(span);
        let Some(next) = page.next else { break };
        search = first.clone().after(next)?;
    }
    measurement.keep("a page: attempts of a task", PAGE, spans);

    let first = HistorySearch::runs(task).limit(limit);
    let (mut spans, mut search) = (Vec::new(), first.clone());
    loop {
        let (span, page) = timed(queries.runs_page(&search)).await?;
        spans.push(span);
        let Some(next) = page.next else { break };
        search = first.clone().after(next)?;
    }
    measurement.keep("a page: runs of a series", PAGE, spans);

    let mut spans = Vec::new();
    let mut search = LogSearch {
        limit: PageLimit::MAX,
        ..LogSearch::of(task)
    };
    loop {
        let (span, page) = timed(queries.logs(&search)).await?;
        spans.push(span);
        search.after = page.next;
        if search.after.is_none() {
            break;
        }
    }
    measurement.keep("a page: log of a task", PAGE, spans);
    Ok(())
}

async fn timed<T>(
    question: impl Future<Output = Result<T, evertask_core::storage::StorageError>>,
) -> Result<(Duration, T), Failure> {
    let begin = Instant::now();
    let answer = question.await?;
    Ok((begin.elapsed(), answer))
}
