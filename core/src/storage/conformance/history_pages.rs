//! The history of a task by pages.

use std::fmt::Debug;
use std::time::Duration;

use super::World;
use super::cycle::{days, days_ago, ended, success};
use super::process::Process;
use super::sample::{SOON, at, attempt, failure, id, series, task};
use crate::lease::RowLease;
use crate::retention::RetentionRules;
use crate::storage::query::{HistoryOrder, HistoryPage, HistorySearch, PageLimit};
use crate::task::{AttemptOutcome, Status};

const ORDERS: [HistoryOrder; 2] = [HistoryOrder::OldestFirst, HistoryOrder::NewestFirst];

/// A task with eleven failed attempts, two and two of the same instant, and one that was stopped.
async fn store_history(process: &Process<'_>, number: u128) {
    let mut lease = process.store_queued(task(number)).await;
    process
        .advance([lease.start(process.id, false, at(1))])
        .await;
    for attempt_number in 1..=11 {
        let mut failed = attempt(process.id, attempt_number, AttemptOutcome::Failed);
        failed.started_at = at(i64::from(attempt_number / 2));
        process.advance([lease.retry_in_slot(failed, SOON)]).await;
    }
    let stopped = attempt(process.id, 12, AttemptOutcome::Stopped);
    let stop = lease.stop(Some(stopped), at(300));
    let restart = lease.start(process.id, false, at(301));
    process.advance([stop, restart]).await;
    process
        .advance([lease.poison(failure("gone"), at(400))])
        .await;
}

/// Asks for page after page and answers all lines.
macro_rules! walk {
    ($process:expr, $read:ident, $search:expr, $rows:expr) => {{
        let limit = PageLimit::new($rows).unwrap();
        let mut lines = Vec::new();
        let mut page = $process.$read(&$search.limit(limit)).await;
        loop {
            lines.append(&mut page.lines);
            let Some(next) = page.next else {
                break lines;
            };
            let next = next.to_string().parse().unwrap();
            page = $process
                .$read(&$search.limit(limit).after(next).unwrap())
                .await;
        }
    }};
}

fn in_order<Line: Clone>(lines: &[Line], order: HistoryOrder) -> Vec<Line> {
    let mut lines = lines.to_vec();
    if order == HistoryOrder::NewestFirst {
        lines.reverse();
    }
    lines
}

/// Storage scenario S26.
pub async fn the_audit_is_read_page_by_page_in_both_orders(world: &dyn World) {
    let process = Process::start(world).await;
    store_history(&process, 1).await;
    store_history(&process, 2).await;
    let all = process.audit(id(1)).await;
    assert_eq!(all.len(), 5);
    for order in ORDERS {
        for rows in [1, 2, 5, 200] {
            let lines = walk!(
                process,
                audit_page,
                HistorySearch::audit(id(1)).order(order),
                rows
            );
            assert_eq!(lines, in_order(&all, order), "{order:?}, {rows} a page");
        }
    }
}

/// Storage scenario S26.
pub async fn attempts_are_read_page_by_page_in_both_orders(world: &dyn World) {
    let process = Process::start(world).await;
    store_history(&process, 1).await;
    store_history(&process, 2).await;
    let all = process.attempts(id(1)).await;
    assert_eq!(all.len(), 12);
    for order in ORDERS {
        for rows in [1, 5, 12, 200] {
            let lines = walk!(
                process,
                attempts_page,
                HistorySearch::attempts(id(1)).order(order),
                rows
            );
            assert_eq!(lines, in_order(&all, order), "{order:?}, {rows} a page");
        }
    }
}

/// Storage scenario S26.
pub async fn runs_are_read_page_by_page_in_both_orders(world: &dyn World) {
    let process = Process::start(world).await;
    let record = series(1, None);
    process.store(std::slice::from_ref(&record)).await;
    let mut lease = RowLease::new(&record);
    for number in 1..=7 {
        let now = at(60 * i64::from(number));
        let next = Some(now + Duration::from_mins(1));
        let change = if number % 3 == 0 {
            let failed = attempt(process.id, number, AttemptOutcome::Failed);
            lease.fail(failure("gone"), failed, next, now)
        } else {
            let success = attempt(process.id, number, AttemptOutcome::Succeeded);
            lease.complete(success, next, now)
        };
        process.advance([change]).await;
    }
    let all = process.runs(id(1)).await;
    assert_eq!(all.len(), 7);
    for order in ORDERS {
        for rows in [1, 3, 7, 200] {
            let lines = walk!(
                process,
                runs_page,
                HistorySearch::runs(id(1)).order(order),
                rows
            );
            assert_eq!(lines, in_order(&all, order), "{order:?}, {rows} a page");
        }
    }
    let failed = HistorySearch::runs(id(1)).only(vec![Status::Failed]);
    let numbers = process.runs_page(&failed).await;
    let numbers: Vec<_> = numbers.lines.iter().map(|run| run.number).collect();
    assert_eq!(numbers, [6, 3]);
}

pub async fn a_history_is_filtered_before_it_is_cut_into_pages(world: &dyn World) {
    let process = Process::start(world).await;
    store_history(&process, 1).await;
    let quiet = vec![AttemptOutcome::Stopped, AttemptOutcome::Cancelled];
    for order in ORDERS {
        let search = HistorySearch::attempts(id(1)).order(order);
        let stopped = walk!(
            process,
            attempts_page,
            search.clone().only(quiet.clone()),
            1
        );
        let outcomes: Vec<_> = stopped.iter().map(|attempt| attempt.outcome).collect();
        assert_eq!(outcomes, [AttemptOutcome::Stopped], "{order:?}");
    }
    let started = walk!(
        process,
        audit_page,
        HistorySearch::audit(id(1)).only(vec![Status::InProgress]),
        1
    );
    let statuses: Vec<_> = started.iter().map(|line| line.status).collect();
    assert_eq!(statuses, [Status::InProgress; 2]);
}

pub async fn a_line_written_between_two_pages_repeats_nothing(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.store_queued(task(1)).await;
    process
        .advance([lease.start(process.id, false, at(1))])
        .await;
    let two = PageLimit::new(1).unwrap();
    let search = || HistorySearch::audit(id(1)).limit(two);
    let first = process.audit_page(&search()).await;
    assert_eq!(first.lines[0].status, Status::InProgress);
    process.advance([lease.stop(None, at(2))]).await;
    let next = search().after(first.next.unwrap()).unwrap();
    let second = process.audit_page(&next).await;
    assert_eq!(second.lines[0].status, Status::Queued);
    assert_eq!(second.next, None);
}

/// Retention takes the beginning of a history away while somebody reads it.
pub async fn lines_removed_between_two_pages_hide_no_others(world: &dyn World) {
    let process = Process::start(world).await;
    let lines = [100, 99, 3, 2, 1].map(|age| success(days_ago(age)));
    let record = ended(1, Status::ServiceStopped, days_ago(100));
    process.store_with_audit(&record, lines.to_vec()).await;
    let one = PageLimit::new(1).unwrap();
    let search = HistorySearch::audit(id(1))
        .order(HistoryOrder::OldestFirst)
        .limit(one);
    let first = process.audit_page(&search).await;
    assert_eq!(first.lines, lines[..1]);
    process
        .cycle(&RetentionRules::new().status_audit(days(7)))
        .await;
    let rest = search.limit(PageLimit::default());
    let rest = rest.after(first.next.unwrap()).unwrap();
    assert_eq!(process.audit_page(&rest).await.lines, lines[2..]);
}

/// Storage edge case 123 leaves it to the caller to say that there is no such task.
pub async fn an_unknown_task_has_an_empty_history(world: &dyn World) {
    fn assert_empty<Line: Debug + PartialEq>(page: &HistoryPage<Line>) {
        assert_eq!(page.lines, []);
        assert_eq!(page.next, None);
    }
    let process = Process::start(world).await;
    assert_empty(&process.audit_page(&HistorySearch::audit(id(1))).await);
    assert_empty(&process.runs_page(&HistorySearch::runs(id(1))).await);
    assert_empty(&process.attempts_page(&HistorySearch::attempts(id(1))).await);
}
