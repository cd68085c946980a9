//! Numbers of tasks, counted where the rows are.

use super::World;
use super::generated::{self, Dice};
use super::process::Process;
use super::sample::{at, task, task_in};
use crate::storage::query::{CappedCount, QueueCount, TaskFilter};
use crate::task::Status;

fn line(queue: &str, status: Status, count: u64) -> QueueCount {
    QueueCount {
        queue: queue.to_owned(),
        status,
        count,
    }
}

/// C35, storage specification 2.1.
pub async fn tasks_are_counted_by_queue_and_status(world: &dyn World) {
    let process = Process::start(world).await;
    assert_eq!(process.counts(None).await, []);
    let rows = [
        ("mail", Status::Failed),
        ("mail", Status::Completed),
        ("mail", Status::Completed),
        ("Mail", Status::WaitingQueue),
        ("mail ", Status::WaitingQueue),
    ];
    for (number, (queue, status)) in (1..).zip(rows) {
        let mut record = task_in(number, queue);
        record.state.status = status;
        process.store(&[record]).await;
    }
    let expected = [
        line("Mail", Status::WaitingQueue, 1),
        line("mail", Status::Completed, 2),
        line("mail", Status::Failed, 1),
        line("mail ", Status::WaitingQueue, 1),
    ];
    assert_eq!(process.counts(None).await, expected);
}

/// C35: with a date filter; storage edge cases 71 and 72.
pub async fn only_tasks_created_from_an_instant_on_are_counted(world: &dyn World) {
    let process = Process::start(world).await;
    for (number, seconds) in [(1, 9), (2, 10), (3, 11)] {
        let mut record = task(number);
        record.definition.created_at = at(seconds);
        process.store(&[record]).await;
    }
    let zone = chrono::FixedOffset::east_opt(5 * 3600).unwrap();
    let elsewhere = at(10).with_timezone(&zone).to_utc();
    for from in [at(10), elsewhere] {
        let counts = process.counts(Some(from)).await;
        assert_eq!(counts, [line("default", Status::WaitingQueue, 2)]);
    }
    assert_eq!(process.counts(Some(at(12))).await, []);
}

pub async fn a_count_ends_at_its_cap(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[task(1), task(2), task(3)]).await;
    for (cap, count, is_capped) in [(0, 0, true), (2, 2, true), (3, 3, false), (9, 3, false)] {
        let counted = process.count(&TaskFilter::default(), cap).await;
        assert_eq!(counted, CappedCount { count, is_capped }, "cap {cap}");
    }
}

pub async fn a_count_is_of_what_the_filter_means(world: &dyn World) {
    let process = Process::start(world).await;
    let mut dice = Dice::new(35);
    let rows = generated::rows(&mut dice, 60);
    process.store(&rows).await;
    for _ in 0..40 {
        let filter = generated::filter(&mut dice, &rows);
        let expected = rows.iter().filter(|record| filter.matches(record)).count();
        let counted = process.count(&filter, CappedCount::CAP).await;
        assert_eq!(
            counted.count,
            u64::try_from(expected).unwrap(),
            "{filter:?}"
        );
    }
}
