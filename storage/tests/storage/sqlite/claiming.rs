use evertask_core::storage::{Answer, ClaimTasks, QueueSelector, ReconsiderWaiting, Write};
use evertask_core::task::{
    Failure, FailureKind, Generation, RowState, Status, TaskRecord, WaitReason,
};

use super::world::World;
use crate::sample::{
    apply, at, audited, claim, claim_of, ids, in_queue, insert, process_id, queued, read, store,
    task_id, waiting,
};

#[tokio::test]
async fn rows_are_claimed_in_the_order_of_their_time_and_id() {
    let world = World::new();
    let storage = world.open(1).await;
    store(
        &storage,
        [waiting(4, 1), waiting(3, 2), waiting(1, 3), waiting(2, 2)],
    )
    .await;
    let limited = ClaimTasks {
        limit: 3,
        ..claim_of("mail", 10)
    };
    let first = claim(&storage, limited.clone()).await;
    assert_eq!(ids(&first), [4, 2, 3]);
    assert!(!first.exhausted);
    let row = &first.tasks[0].record;
    assert_eq!(row.state.status, Status::Queued);
    assert_eq!(row.state.owner, Some(process_id(1)));
    assert_eq!(row.generation, Generation(0).superseded());
    assert_eq!(*row, read(&storage, 4).await);
    assert_eq!(audited(&storage, 4).await, [Status::Queued]);

    let second = claim(&storage, limited.clone()).await;
    assert_eq!(ids(&second), [1]);
    assert!(second.exhausted);
    let nothing = claim(&storage, limited).await;
    assert!(nothing.tasks.is_empty() && nothing.exhausted);
}

#[tokio::test]
async fn a_claim_takes_no_more_bytes_than_it_may_but_always_one_row() {
    let world = World::new();
    let storage = world.open(1).await;
    let sized = |id, payload: &str| {
        let mut record = waiting(id, 0);
        payload.clone_into(&mut record.definition.payload);
        record
    };
    store(
        &storage,
        [sized(1, "ééééé"), sized(2, "12345"), sized(3, "12345")],
    )
    .await;
    let within = |max_bytes| ClaimTasks {
        max_bytes,
        ..claim_of("mail", 10)
    };
    assert_eq!(ids(&claim(&storage, within(9)).await), [1]);
    let rest = claim(&storage, within(10)).await;
    assert_eq!(ids(&rest), [2, 3]);
    assert!(rest.exhausted);
}

#[tokio::test]
async fn a_claim_takes_from_the_queues_it_names() {
    let world = World::new();
    let storage = world.open(1).await;
    let rows = [
        (1, "mail"),
        (2, "gone"),
        (3, "images"),
        (4, "gone too"),
        (5, "mail"),
    ];
    store(
        &storage,
        rows.map(|(id, queue)| in_queue(waiting(id, 10 - i64::try_from(id).unwrap()), queue)),
    )
    .await;
    let except = |queues: &[&str]| ClaimTasks {
        queues: QueueSelector::AllExcept(queues.iter().map(|queue| (*queue).to_owned()).collect()),
        ..claim_of("", 10)
    };
    assert_eq!(ids(&claim(&storage, claim_of("images", 10)).await), [3]);
    assert_eq!(
        ids(&claim(&storage, except(&["mail", "other"])).await),
        [4, 2]
    );
    assert_eq!(ids(&claim(&storage, except(&[])).await), [5, 1]);
}

#[tokio::test]
async fn rows_that_are_not_claimable_are_left_alone() {
    let world = World::new();
    let other = world.open(2).await;
    let storage = world.open(1).await;
    let reason = |id| {
        let mut record = waiting(id, 0);
        record.state.wait_reason = Some(WaitReason::NoHandler);
        record
    };
    let over = |id| {
        let mut record = waiting(id, 0);
        record.state.status = Status::Completed;
        record.state.available_at = None;
        record
    };
    let mine = queued(1, 0, 1);
    store(
        &other,
        [mine, queued(2, 0, 2), reason(3), over(4), waiting(5, 11)],
    )
    .await;
    let answer = claim(&storage, claim_of("mail", 10)).await;
    assert!(answer.tasks.is_empty() && answer.exhausted);
    assert_eq!(answer.next_available_at, Some(at(11)));
}

#[tokio::test]
async fn the_next_time_is_that_of_the_claimed_queues() {
    let world = World::new();
    let storage = world.open(1).await;
    let later = |id, queue| in_queue(waiting(id, 100 + i64::try_from(id).unwrap()), queue);
    store(
        &storage,
        [
            waiting(1, 0),
            later(5, "mail"),
            later(3, "images"),
            later(2, "gone"),
        ],
    )
    .await;
    let next = async |queues| {
        let wanted = ClaimTasks {
            queues,
            ..claim_of("", 10)
        };
        claim(&storage, wanted).await.next_available_at
    };
    assert_eq!(
        next(QueueSelector::Only("mail".to_owned())).await,
        Some(at(105))
    );
    assert_eq!(
        next(QueueSelector::AllExcept(vec!["gone".to_owned()])).await,
        Some(at(103))
    );
    assert_eq!(
        next(QueueSelector::AllExcept(Vec::new())).await,
        Some(at(102))
    );
    assert_eq!(next(QueueSelector::Only("none".to_owned())).await, None);
}

#[tokio::test]
async fn rows_of_a_dead_owner_are_interrupted_and_come_in_order_with_the_others() {
    let world = World::new();
    let died = world.open(1).await;
    let mut probation = queued(2, 2, 1);
    probation.state.status = Status::InProgress;
    probation.state.on_probation = true;
    store(
        &died,
        [waiting(1, 1), probation, waiting(3, 3), queued(4, 4, 1)],
    )
    .await;
    drop(died);

    let storage = world.open(2).await;
    let answer = claim(&storage, claim_of("mail", 10)).await;
    assert_eq!(ids(&answer), [1, 2, 3, 4]);
    let interrupted: Vec<_> = answer.tasks.iter().map(|task| task.interrupted).collect();
    assert_eq!(interrupted, [false, true, false, true]);
    let state = &answer.tasks[1].record.state;
    assert_eq!(state.status, Status::Queued);
    assert_eq!((state.interruptions, state.on_probation), (1, false));
    assert_eq!(answer.tasks[3].record.state.interruptions, 0);
    assert_eq!(audited(&storage, 2).await, [Status::Queued]);
}

#[tokio::test]
async fn a_row_between_two_attempts_stays_in_progress() {
    let world = World::new();
    let storage = world.open(1).await;
    let mut parked = waiting(1, 0);
    parked.state.status = Status::InProgress;
    store(&storage, [parked]).await;
    let answer = claim(&storage, claim_of("mail", 10)).await;
    assert_eq!(answer.tasks[0].record.state.status, Status::InProgress);
    assert_eq!(audited(&storage, 1).await, []);
}

#[tokio::test]
async fn a_claim_sees_what_its_group_did() {
    let world = World::new();
    let storage = world.open(1).await;
    let group = [Write::Claim(claim_of("mail", 10)), insert(waiting(1, 0))];
    let answers = apply(&storage, group).await.unwrap();
    assert!(matches!(&answers[0], Answer::Claim(answer) if answer.tasks.len() == 1));
}

#[tokio::test]
async fn rows_that_wait_for_a_reason_are_reconsidered() {
    let world = World::new();
    let dead = world.open(1).await;
    let living = world.open(2).await;
    let judged = |id, task: &str, owner, reason| {
        let mut record: TaskRecord = waiting(id, 0);
        task.clone_into(&mut record.definition.task);
        record.state = RowState {
            wait_reason: Some(reason),
            failure: Some(Failure::new(FailureKind::Undecodable, "no")),
            owner: Some(process_id(owner)),
            ..record.state
        };
        record
    };
    let rows = [
        judged(1, "known", 2, WaitReason::NoHandler),
        judged(2, "unknown", 1, WaitReason::NoHandler),
        judged(3, "known", 1, WaitReason::Undecodable),
        judged(4, "known", 2, WaitReason::Undecodable),
    ];
    store(&dead, rows).await;
    drop(dead);
    let storage = world.open(3).await;
    let reconsider = Write::Reconsider(ReconsiderWaiting {
        known_tasks: vec!["known".to_owned(), "alias".to_owned()],
    });
    let answers = apply(&storage, [Write::Claim(claim_of("mail", 10)), reconsider]).await;
    let Some(Answer::Claim(answer)) = answers.unwrap().into_iter().next() else {
        panic!("a claim was not answered");
    };
    assert_eq!(ids(&answer), [1, 3]);
    let reconsidered = Generation(0).superseded();
    assert_eq!(
        read(&storage, 1).await.generation,
        reconsidered.superseded()
    );
    assert!(!answer.tasks[1].interrupted);
    drop(living);
}

#[tokio::test]
async fn a_row_that_somebody_else_spoilt_waits_and_blocks_nobody() {
    let world = World::new();
    let storage = world.open(1).await;
    store(&storage, [waiting(1, 0), waiting(2, 0)]).await;
    world
        .execute("UPDATE evertask_tasks SET retry = '{' WHERE rowid = 1")
        .await;
    let answer = claim(&storage, claim_of("mail", 10)).await;
    assert_eq!(ids(&answer), [2]);
    assert!(storage.task(task_id(1)).await.is_err());
    let rows = world
        .query("SELECT wait_reason, recovery_failures, error FROM evertask_tasks WHERE rowid = 1")
        .await;
    let reason: String = rows[0].try_get("", "wait_reason").unwrap();
    assert_eq!(reason, "undecodable");
    let error: String = rows[0].try_get("", "error").unwrap();
    assert!(error.contains("retry"), "{error}");
}

#[tokio::test]
async fn what_an_owner_holds_is_told_by_queue() {
    let world = World::new();
    let storage = world.open(1).await;
    let mut judged = queued(3, 0, 1);
    judged.state.wait_reason = Some(WaitReason::NoHandler);
    let rows = [
        queued(1, 0, 1),
        in_queue(queued(2, 0, 1), "images"),
        judged,
        queued(4, 0, 2),
        waiting(5, 0),
    ];
    store(&storage, rows).await;
    let owned = async |queues| storage.owned(process_id(1), &queues).await.unwrap();
    let first = (task_id(1), Generation(0));
    let second = (task_id(2), Generation(0));
    assert_eq!(owned(QueueSelector::Only("mail".to_owned())).await, [first]);
    assert_eq!(
        owned(QueueSelector::AllExcept(vec!["mail".to_owned()])).await,
        [second]
    );
    assert_eq!(owned(QueueSelector::AllExcept(Vec::new())).await.len(), 2);
}
