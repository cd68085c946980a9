//! A key is held by one task at a time.

use super::World;
use super::process::{Process, insert_answer};
use super::sample::{HOSTILE, at, attempt, everything, failure, id, keyed, new_task, series, task};
use crate::lease::RowLease;
use crate::storage::{CancelAnswer, InsertAnswer};
use crate::task::{AttemptOutcome, TaskRecord};

async fn assert_taken(process: &Process<'_>, record: &TaskRecord, holder: u128) {
    let holder = process.record(id(holder)).await;
    let answer = process.insert(record).await;
    assert_eq!(answer, InsertAnswer::KeyTaken(Box::new(holder)));
    assert_eq!(process.find(record.definition.id).await, None);
    assert!(process.audit(record.definition.id).await.is_empty());
}

/// C6 and storage edge case 63: the loser of a race learns who won, and its neighbours are stored.
pub async fn a_taken_key_is_answered_with_its_holder(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[keyed(1, "report")]).await;
    let writes = vec![
        new_task(&task(2)),
        new_task(&keyed(3, "report")),
        new_task(&keyed(4, "invoice")),
    ];
    let answers = process.apply(writes).await;
    let holder = Box::new(process.record(id(1)).await);
    assert_eq!(insert_answer(&answers[0]), &InsertAnswer::Stored);
    assert_eq!(insert_answer(&answers[1]), &InsertAnswer::KeyTaken(holder));
    assert_eq!(insert_answer(&answers[2]), &InsertAnswer::Stored);
    assert_eq!(process.find(id(3)).await, None);
}

pub async fn of_one_key_twice_in_a_group_the_first_is_stored(world: &dyn World) {
    let process = Process::start(world).await;
    let writes = vec![new_task(&keyed(1, "report")), new_task(&keyed(2, "report"))];
    let answers = process.apply(writes).await;
    assert_eq!(insert_answer(&answers[0]), &InsertAnswer::Stored);
    let holder = Box::new(process.record(id(1)).await);
    assert_eq!(insert_answer(&answers[1]), &InsertAnswer::KeyTaken(holder));
}

/// C6 and storage edge case 73.
pub async fn any_number_of_tasks_have_no_key(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[task(1), task(2), task(3)]).await;
    for number in 1..=3 {
        assert_eq!(process.record(id(number)).await, task(number));
    }
}

pub async fn keys_are_told_apart_exactly(world: &dyn World) {
    let process = Process::start(world).await;
    let keys = [
        "report",
        "Report",
        "r\u{e9}port",
        "report ",
        " report",
        "",
        HOSTILE,
    ];
    for (number, key) in (1..).zip(keys) {
        process.store(&[keyed(number, key)]).await;
    }
    for (number, key) in (1..).zip(keys) {
        assert_taken(&process, &keyed(100, key), number).await;
    }
}

pub async fn a_task_that_is_over_gives_up_its_key(world: &dyn World) {
    let process = Process::start(world).await;
    let success = || attempt(process.id, 1, AttemptOutcome::Succeeded);
    let failed = || attempt(process.id, 1, AttemptOutcome::Failed);
    let mut first = process.store_keyed(1).await;
    process
        .advance([first.complete(success(), None, at(1))])
        .await;
    let mut second = process.store_keyed(2).await;
    process
        .advance([second.fail(failure("all"), failed(), None, at(2))])
        .await;
    process.store_keyed(3).await;
    let answer = process.cancel(id(3)).await;
    assert!(matches!(answer, CancelAnswer::Cancelled(_)), "{answer:?}");
    process.store_keyed(4).await;
    for number in 1..=3 {
        let record = process.record(id(number)).await;
        assert_eq!(record.state.active_key, None);
        assert_eq!(record.definition.key.as_deref(), Some("report"));
    }
}

pub async fn a_series_keeps_its_key_when_it_is_over(world: &dyn World) {
    let process = Process::start(world).await;
    let keyed_series = |number, max_runs| {
        let mut record = series(number, max_runs);
        record.definition.key = Some(format!("series {number}"));
        record.state.active_key.clone_from(&record.definition.key);
        record
    };
    process
        .store(&[keyed_series(1, Some(1)), keyed_series(2, None)])
        .await;
    process.cancel(id(2)).await;
    let claimed = process.claim(everything(at(0))).await;
    let mut lease = RowLease::new(&claimed.tasks[0].record);
    let success = attempt(process.id, 1, AttemptOutcome::Succeeded);
    process
        .advance([lease.complete(success, None, at(1))])
        .await;
    for number in 1..=2 {
        assert_taken(&process, &keyed_series(number, None).renumbered(), number).await;
    }
}

/// However it ends, and until it gives the key up; one whose time is over by its end gives it up then.
pub async fn a_key_for_a_time_outlives_its_task(world: &dyn World) {
    let process = Process::start(world).await;
    let held = |number: u128, until| {
        let mut record = keyed(number, &format!("key {number}"));
        record.definition.key_until = Some(at(until));
        record
    };
    let success = || attempt(process.id, 1, AttemptOutcome::Succeeded);
    // A cancel of the suite is made at 90.
    for (first, until, stays) in [(1, 91, true), (11, 90, false)] {
        let completed = held(first, until);
        let cancelled = held(first + 1, until);
        process.store(&[completed.clone(), cancelled.clone()]).await;
        let mut lease = RowLease::new(&completed);
        process
            .advance([lease.complete(success(), None, at(90))])
            .await;
        process.cancel(cancelled.definition.id).await;
        for over in [completed, cancelled] {
            let number = over.definition.id.0.as_u128();
            let again = held(number, until).renumbered();
            if stays {
                assert_taken(&process, &again, number).await;
                let mut lease = RowLease::new(&process.record(over.definition.id).await);
                process.advance([lease.give_up_key()]).await;
            }
            process.store(&[again]).await;
            let record = process.record(over.definition.id).await;
            assert_eq!(record.state.active_key, None);
            assert!(record.state.status.is_terminal());
        }
    }
}

impl Process<'_> {
    async fn store_keyed(&self, number: u128) -> RowLease {
        let record = keyed(number, "report");
        self.store(std::slice::from_ref(&record)).await;
        RowLease::new(&record)
    }
}

impl TaskRecord {
    /// The same under an id of its own.
    fn renumbered(mut self) -> Self {
        self.definition.id = id(100 + self.definition.id.0.as_u128());
        self
    }
}
