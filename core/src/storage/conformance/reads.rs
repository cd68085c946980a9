//! Reads see what is committed, of any process.

use super::World;
use super::process::Process;
use super::sample::{SOON, at, attempt, everything, failure, id, task, task_in, task_with};
use crate::storage::QueueSelector;
use crate::task::{AttemptOutcome, Status, WaitReason};

fn every_queue() -> QueueSelector {
    QueueSelector::AllExcept(Vec::new())
}

pub async fn an_unknown_task_has_no_row_and_no_history(world: &dyn World) {
    let process = Process::start(world).await;
    assert_eq!(process.find(id(1)).await, None);
    assert!(process.attempts(id(1)).await.is_empty());
    assert!(process.audit(id(1)).await.is_empty());
    assert!(process.owned(process.id, &every_queue()).await.is_empty());
}

pub async fn a_process_sees_what_another_committed(world: &dyn World) {
    let writer = Process::start(world).await;
    let reader = Process::start(world).await;
    let mut lease = writer.store_queued(task(1)).await;
    let failed = attempt(writer.id, 1, AttemptOutcome::Failed);
    writer.advance([lease.park(failed, SOON, at(60))]).await;
    assert_eq!(reader.record(id(1)).await, writer.record(id(1)).await);
    assert_eq!(reader.audit(id(1)).await, writer.audit(id(1)).await);
    assert_eq!(reader.attempts(id(1)).await, writer.attempts(id(1)).await);
    assert_eq!(reader.attempts(id(1)).await.len(), 1);
}

pub async fn everything_outlives_the_process_that_wrote_it(world: &dyn World) {
    let crashed = Process::start(world).await;
    let mut lease = crashed.store_queued(task(1)).await;
    let failed = attempt(crashed.id, 1, AttemptOutcome::Failed);
    let fail = lease.fail(failure("gone"), failed, None, at(5));
    crashed.advance([fail]).await;
    let record = crashed.record(id(1)).await;
    let audit = crashed.audit(id(1)).await;
    let attempts = crashed.attempts(id(1)).await;
    crashed.crash().await;
    let process = Process::start(world).await;
    assert_eq!(process.record(id(1)).await, record);
    assert_eq!(process.audit(id(1)).await, audit);
    assert_eq!(process.attempts(id(1)).await, attempts);
}

pub async fn owned_lists_the_open_rows_of_an_owner(world: &dyn World) {
    let process = Process::start(world).await;
    let other = Process::start(world).await;
    let mut number = 0;
    let mut expected = Vec::new();
    for status in Status::ALL {
        for owner in [None, Some(process.id), Some(other.id)] {
            for wait_reason in [None, Some(WaitReason::Undecodable)] {
                number += 1;
                let record = task_with(number, |state| {
                    state.status = status;
                    state.owner = owner;
                    state.wait_reason = wait_reason;
                });
                let is_open = !status.is_terminal() && wait_reason.is_none();
                if is_open && owner == Some(process.id) {
                    expected.push((id(number), record.generation));
                }
                process.store(&[record]).await;
            }
        }
    }
    for reader in [&process, &other] {
        let owned = reader.owned(process.id, &every_queue()).await;
        assert_eq!(owned, expected);
    }
}

pub async fn owned_counts_rows_that_are_not_due(world: &dyn World) {
    let process = Process::start(world).await;
    let later = task_with(1, |state| {
        state.owner = Some(process.id);
        state.available_at = Some(at(1_000_000));
    });
    process.store(std::slice::from_ref(&later)).await;
    let owned = process.owned(process.id, &every_queue()).await;
    assert_eq!(owned, [(id(1), later.generation)]);
}

pub async fn owned_answers_present_generations_and_follows_the_owner(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[task(1)]).await;
    let claimed = process.claim(everything(at(10))).await;
    let generation = claimed.tasks[0].record.generation;
    let owned = process.owned(process.id, &every_queue()).await;
    assert_eq!(owned, [(id(1), generation)]);
    process.cancel(id(1)).await;
    assert!(process.owned(process.id, &every_queue()).await.is_empty());
}

pub async fn owned_keeps_to_the_queues_asked_for(world: &dyn World) {
    let process = Process::start(world).await;
    for (number, queue) in [(1, "mail"), (2, "other"), (3, "third")] {
        process.store_queued(task_in(number, queue)).await;
    }
    let name = |name: &str| name.to_owned();
    let selectors = [
        (QueueSelector::Only(name("mail")), vec![id(1)]),
        (QueueSelector::Only(name("unknown")), Vec::new()),
        (
            QueueSelector::AllExcept(vec![name("mail"), name("third")]),
            vec![id(2)],
        ),
        (every_queue(), vec![id(1), id(2), id(3)]),
    ];
    for (queues, expected) in selectors {
        let owned = process.owned(process.id, &queues).await;
        let owned: Vec<_> = owned.into_iter().map(|(id, _)| id).collect();
        assert_eq!(owned, expected, "{queues:?}");
    }
}
