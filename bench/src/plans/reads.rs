use std::time::Duration;

use evertask_core::log::LogSearch;
use evertask_core::storage::query::{
    CappedCount, HistorySearch, PageLimit, SortDirection, SortKey, StatisticsQuery, TaskFilter,
    TaskQueries, TaskSearch, TaskSort,
};
use evertask_core::task::{Status, TaskId};

use super::{Plans, now};
use crate::Failure;

const DAY: Duration = Duration::from_hours(24);

/// What pages ask.
pub(super) async fn explain(
    plans: &mut Plans<'_>,
    queries: &dyn TaskQueries,
    task: TaskId,
) -> Result<(), Failure> {
    let now = now()?;
    let limit = PageLimit::new(PageLimit::MAX)?;
    let page = |filter: &TaskFilter, key| {
        let direction = SortDirection::Ascending;
        TaskSearch::new(filter.clone(), TaskSort { key, direction }, limit)
    };
    let all = TaskFilter::default();
    let failed = TaskFilter {
        statuses: vec![Status::Failed],
        ..TaskFilter::default()
    };
    let scenario = TaskFilter {
        statuses: vec![Status::WaitingQueue],
        queue: Some("mail".to_owned()),
        text: Some("Invoice".to_owned()),
        ..TaskFilter::default()
    };
    let lists = [
        (
            "The second page of all, by creation",
            page(&all, SortKey::CreatedAt),
        ),
        (
            "The second page of one status, by creation",
            page(&failed, SortKey::CreatedAt),
        ),
        (
            "The second page of all, by next run",
            page(&all, SortKey::AvailableAt),
        ),
        (
            "The second page of status, queue and text, by next run",
            page(&scenario, SortKey::AvailableAt),
        ),
    ];
    for (what, first) in lists {
        let next = queries.search(&first).await?.next;
        let second = first.after(next.ok_or("there are too few tasks for a second page")?)?;
        plans.of(what, false, queries.search(&second)).await?;
    }
    let cap = CappedCount::CAP;
    let total = queries.count(&scenario, cap);
    plans.of("A total with a cap", false, total).await?;
    let counts = queries.counts(None);
    plans
        .of("Counts by queue and status", false, counts)
        .await?;
    let counts = queries.counts(Some(now - DAY));
    plans.of("The same of a day", false, counts).await?;
    let day = StatisticsQuery::new(now - DAY, now, Duration::from_hours(1))?;
    let statistics = queries.statistics(&day);
    plans
        .of("Statistics of a day by hour", false, statistics)
        .await?;
    let audit = HistorySearch::audit(task);
    plans
        .of("A page of audit", false, queries.audit_page(&audit))
        .await?;
    let attempts = HistorySearch::attempts(task);
    plans
        .of(
            "A page of attempts",
            false,
            queries.attempts_page(&attempts),
        )
        .await?;
    let runs = HistorySearch::runs(task);
    plans
        .of("A page of runs", false, queries.runs_page(&runs))
        .await?;
    let logs = LogSearch::of(task);
    plans
        .of("A page of log lines", false, queries.logs(&logs))
        .await?;
    Ok(())
}
