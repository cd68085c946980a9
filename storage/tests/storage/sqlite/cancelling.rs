use std::time::Duration;

use evertask_core::storage::{Answer, AuditEntry, CancelAnswer, CancelTask, Write};
use evertask_core::task::{Failure, FailureKind, RowState, Status, TaskRecord, WaitReason};

use super::world::World;
use crate::sample::{apply, at, process_id, read, store, task_id, waiting};

fn cancel(id: u128) -> Write {
    Write::Cancel(CancelTask {
        id: task_id(id),
        at: at(77),
        actor: Some("ada".to_owned()),
        reason: Some("a mistake".to_owned()),
    })
}

fn in_status(id: u128, status: Status) -> TaskRecord {
    let mut record = waiting(id, 0);
    record.state = RowState {
        status,
        owner: Some(process_id(1)),
        available_at: (!status.is_terminal()).then(|| at(0)),
        wait_reason: Some(WaitReason::NoHandler),
        attempts: 2,
        on_probation: true,
        failure: Some(Failure::new(FailureKind::Other, "broken")),
        error_fingerprint: Some("00".to_owned()),
        last_execution_at: Some(at(5)),
        execution_time: Some(Duration::from_micros(6)),
        ..record.state
    };
    record
}

#[tokio::test]
async fn every_status_is_cancelled_unless_it_is_over() {
    let world = World::new();
    let storage = world.open(1).await;
    for (id, status) in (1..).zip(Status::ALL) {
        let before = in_status(id, status);
        store(&storage, [before.clone()]).await;
        let answers = apply(&storage, [cancel(id)]).await.unwrap();
        let after = read(&storage, id).await;
        let [Answer::Cancel(answer)] = answers.as_slice() else {
            panic!("a cancel was answered by {answers:?}");
        };
        if status.is_terminal() {
            assert_eq!(*answer, CancelAnswer::AlreadyOver(status));
            assert_eq!(after, before);
            assert_eq!(storage.audit(task_id(id)).await.unwrap(), []);
            continue;
        }
        assert_eq!(*answer, CancelAnswer::Cancelled(status));
        let expected = RowState {
            status: Status::Cancelled,
            owner: None,
            available_at: None,
            wait_reason: None,
            on_probation: false,
            failure: None,
            error_fingerprint: None,
            ..before.state
        };
        assert_eq!(after.state, expected);
        assert_eq!(after.generation, before.generation.superseded());
        let audit = AuditEntry {
            actor: Some("ada".to_owned()),
            reason: Some("a mistake".to_owned()),
            ..AuditEntry::of(Status::Cancelled, at(77))
        };
        assert_eq!(storage.audit(task_id(id)).await.unwrap(), [audit]);
    }
}

#[tokio::test]
async fn a_second_cancel_in_a_group_finds_the_task_over() {
    let world = World::new();
    let storage = world.open(1).await;
    store(&storage, [waiting(1, 0)]).await;
    let answers = apply(&storage, [cancel(1), cancel(2), cancel(1)])
        .await
        .unwrap();
    let answers: Vec<_> = answers
        .into_iter()
        .map(|answer| {
            let Answer::Cancel(answer) = answer else {
                panic!("a cancel was answered by {answer:?}");
            };
            answer
        })
        .collect();
    assert_eq!(
        answers,
        [
            CancelAnswer::Cancelled(Status::WaitingQueue),
            CancelAnswer::Unknown,
            CancelAnswer::AlreadyOver(Status::Cancelled),
        ]
    );
    assert_eq!(storage.audit(task_id(1)).await.unwrap().len(), 1);
}
