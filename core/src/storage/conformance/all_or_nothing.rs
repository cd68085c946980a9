//! Tasks that are stored all or not at all.

use super::World;
use super::process::{Process, claim_answer};
use super::sample::{at, everything, id, ids, keyed, new_task, task};
use crate::storage::{Answer, InsertAllAnswer, InsertAnswer, NewTask, Write};
use crate::task::{RowState, TaskRecord};

fn all_of(records: &[TaskRecord]) -> Write {
    Write::InsertAll(records.iter().cloned().map(NewTask::new).collect())
}

async fn insert_all(process: &Process<'_>, records: &[TaskRecord]) -> InsertAllAnswer {
    let answers = process.apply(vec![all_of(records)]).await;
    let [Answer::InsertAll(answer)] = &answers[..] else {
        panic!("{answers:?}");
    };
    answer.clone()
}

/// Another task with that number.
fn other(number: u128) -> TaskRecord {
    let mut record = task(number);
    "\"other\"".clone_into(&mut record.definition.payload);
    record
}

async fn assert_refused(
    process: &Process<'_>,
    records: &[TaskRecord],
    by: &[(usize, InsertAnswer)],
) {
    let refused = insert_all(process, records).await;
    assert_eq!(refused, InsertAllAnswer::Refused(by.to_vec()));
}

async fn assert_absent(process: &Process<'_>, number: u128) {
    assert_eq!(process.find(id(number)).await, None);
    assert!(process.audit(id(number)).await.is_empty());
}

pub async fn tasks_that_are_stored_together_are_read_back(world: &dyn World) {
    let process = Process::start(world).await;
    let mut queued = task(2);
    queued.state = RowState::queued(at(0), process.id);
    let records = [task(1), queued, keyed(3, "report")];
    let stored = insert_all(&process, &records).await;
    assert_eq!(
        stored,
        InsertAllAnswer::Stored(vec![InsertAnswer::Stored; 3])
    );
    for record in &records {
        assert_eq!(&process.record(record.id()).await, record);
    }
    assert_eq!(process.audit(id(2)).await.len(), 1);
    assert_eq!(
        insert_all(&process, &[]).await,
        InsertAllAnswer::Stored(Vec::new())
    );
}

pub async fn an_id_that_another_task_has_keeps_all_of_them_out(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[task(2)]).await;
    let mut queued = task(3);
    queued.state = RowState::queued(at(0), process.id);
    let found = InsertAnswer::Exists(Box::new(task(2)));
    assert_refused(&process, &[task(1), other(2), queued], &[(1, found)]).await;
    assert_absent(&process, 1).await;
    assert_absent(&process, 3).await;
    assert_eq!(process.record(id(2)).await, task(2));
}

pub async fn a_key_that_is_taken_keeps_all_of_them_out(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[keyed(1, "report"), task(2)]).await;
    let holder = InsertAnswer::KeyTaken(Box::new(keyed(1, "report")));
    let found = InsertAnswer::Exists(Box::new(task(2)));
    let records = [task(3), keyed(4, "report"), keyed(5, "invoice"), other(2)];
    assert_refused(&process, &records, &[(1, holder), (3, found)]).await;
    for number in 3..=5 {
        assert_absent(&process, number).await;
    }
    // What was not stored holds no key.
    process.store(&[keyed(6, "invoice")]).await;
}

pub async fn of_one_key_twice_none_of_them_is_stored(world: &dyn World) {
    let process = Process::start(world).await;
    let records = [keyed(1, "report"), keyed(2, "report")];
    let InsertAllAnswer::Refused(refused) = insert_all(&process, &records).await else {
        panic!("both are stored");
    };
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].0, 1);
    assert_absent(&process, 1).await;
    assert_absent(&process, 2).await;
}

/// A set whose answer was lost is stored again.
pub async fn tasks_that_are_stored_already_are_in_nobodys_way(world: &dyn World) {
    let process = Process::start(world).await;
    let records = [task(1), keyed(2, "report"), task(3)];
    process.store(&records[..2]).await;
    let found = |record: &TaskRecord| InsertAnswer::Exists(Box::new(record.clone()));
    let (first, second) = (found(&records[0]), found(&records[1]));
    let stored = insert_all(&process, &records).await;
    let expected = vec![first.clone(), second.clone(), InsertAnswer::Stored];
    assert_eq!(stored, InsertAllAnswer::Stored(expected));
    let again = insert_all(&process, &records).await;
    let expected = vec![first, second, found(&records[2])];
    assert_eq!(again, InsertAllAnswer::Stored(expected));
}

pub async fn a_set_that_is_refused_leaves_its_group_alone(world: &dyn World) {
    let process = Process::start(world).await;
    let writes = vec![
        all_of(&[task(2), other(1), task(3)]),
        Write::Claim(everything(at(10))),
        all_of(&[task(4), task(5)]),
        new_task(&task(1)),
    ];
    let answers = process.apply(writes).await;
    // The insert came before the sets.
    let Answer::InsertAll(InsertAllAnswer::Refused(refused)) = &answers[0] else {
        panic!("{answers:?}");
    };
    assert_eq!(refused[..], [(1, InsertAnswer::Exists(Box::new(task(1))))]);
    let claimed = claim_answer(&answers[1]);
    assert_eq!(ids(claimed), [1, 4, 5].map(id));
    assert_absent(&process, 2).await;
    assert_absent(&process, 3).await;
}
