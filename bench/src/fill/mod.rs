//! Fills a database with tasks and their histories, by few large statements.
//!
//! Everything is made of the number of a task, so that two fillings are the same. The instants lie in
//! the thirty days before [`NOW`], those of tasks that wait in the thirty days after it.

mod history;
mod tasks;

use evertask_core::task::TaskId;
use uuid::Uuid;

use crate::database::{Place, Words};
use crate::{Failure, progress};

/// The instant at which the database is looked at, in microseconds: 2026-11-21, noon.
pub(crate) const NOW: i64 = 1_795_262_400_000_000;

/// How far the tasks are spread, in microseconds.
const MONTH: i64 = 30 * 86_400_000_000;

/// How many tasks one transaction fills in.
const BATCH: u32 = 50_000;

/// How many lines the histories of the busy task have, each.
const BUSY: u32 = 10_000;

/// What ids are of.
const TASK: u32 = 0x0001_0000;
const FIRST_ATTEMPT: u32 = 0x0002_0000;
const LAST_ATTEMPT: u32 = 0x0003_0000;
const RUN: u32 = 0x0004_0000;
const BUSY_ATTEMPT: u32 = 0x0005_0000;
const BUSY_RUN: u32 = 0x0006_0000;
const PROCESS: u32 = 0x0007_0000;

/// Numbers of a range of tasks, and what a task is made of.
///
/// `s`, `q` and `k` are spread evenly and without regard to each other: of 1000, of 1000 and of 20.
fn seeds(words: Words, from: u32, to: u32) -> String {
    let numbers = words.numbers(from, to);
    let spread = |factor: u64, size: u64| format!("((n * {factor}) % 4294967296 / {size})");
    let (s, q, k) = (
        spread(2_654_435_761, 4_294_968),
        spread(2_246_822_519, 4_294_968),
        spread(3_266_489_917, 214_748_365),
    );
    format!("(SELECT n, {s} AS s, {q} AS q, {k} AS k FROM {numbers}) AS seed")
}

/// Fills in that many tasks.
pub(crate) async fn fill(place: &Place, tasks: u32) -> Result<(), Failure> {
    let words = place.words;
    let mut from = 1;
    while from <= tasks {
        let to = tasks.min(from + BATCH - 1);
        let seeds = seeds(words, from, to);
        let statements = [
            vec!["BEGIN".to_owned(), tasks::insert(words, &seeds, tasks)],
            history::inserts(words, &seeds, tasks),
            vec!["COMMIT".to_owned()],
        ];
        for sql in statements.concat() {
            place.execute(&sql).await?;
        }
        progress(&format!("filled in {to} of {tasks} tasks"));
        from = to + 1;
    }
    for sql in history::of_busy_task(words, tasks) {
        place.execute(&sql).await?;
    }
    place.execute(words.tidy_up()).await
}

/// The task with long histories: the last one.
pub(crate) fn busy_task(tasks: u32) -> TaskId {
    TaskId(Uuid::from_u128(u128::from(TASK) << 96 | u128::from(tasks)))
}

/// When a task was dispatched, in microseconds.
fn created(tasks: u32) -> String {
    let apart = MONTH / i64::from(tasks);
    format!("({} + n * {apart})", NOW - MONTH)
}
