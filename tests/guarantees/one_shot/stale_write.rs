//! What an outdated delivery still writes changes nothing and leaves no trace.

use evertask::storage::{
    Answer, CancelTask, ChangeAnswer, ClaimTasks, QueueSelector, Write, WriteGroup,
};
use evertask::task::{AttemptId, AttemptRecord, ProcessId};
use evertask::time::Timestamp;
use evertask::{AttemptOutcome, Failure, FailureKind, Status, TaskRecord};
use evertask_core::lease::RowLease;
use uuid::Uuid;

use super::home::Home;
use super::row::{id_of, waiting};

on_every_storage_and_server! {
    no_write_of_a_superseded_delivery_overwrites_its_successor,
    a_row_that_ended_is_never_claimed_again,
}

const T0: Timestamp = Timestamp::UNIX_EPOCH;

async fn claim(session: &dyn evertask::storage::TaskStorage) -> Vec<TaskRecord> {
    let everywhere = QueueSelector::AllExcept(Vec::new());
    let claim = Write::Claim(ClaimTasks::everything(everywhere, T0));
    let writes = vec![claim];
    let mut answers = session.apply(&WriteGroup { writes }).await.unwrap();
    let Some(Answer::Claim(answer)) = answers.pop() else {
        panic!("a claim is answered as one");
    };
    answer.tasks.into_iter().map(|task| task.record).collect()
}

fn attempt(process: ProcessId) -> AttemptRecord {
    AttemptRecord {
        id: AttemptId(Uuid::now_v7()),
        number: 1,
        process,
        started_at: T0,
        waited: std::time::Duration::ZERO,
        ran: std::time::Duration::ZERO,
        outcome: AttemptOutcome::Failed,
        failure: Some(Failure::new(FailureKind::Other, "late")),
        is_counted: false,
    }
}

/// Core edge cases 16, 22 and 23: the conditional write is one definition for every storage, its
/// audit and attempts commit with it, and a refusal leaves no trace. Every transition is tried, the
/// return to the queue among them.
async fn no_write_of_a_superseded_delivery_overwrites_its_successor(home: Home) {
    home.seed(|_| vec![waiting(0, T0)]).await;
    let id = id_of(0);
    let (outdated, stale_session) = home.process().await;
    let stale = claim(&*stale_session).await.remove(0);
    drop(stale_session);
    let (me, session) = home.process().await;
    let mut lease = RowLease::new(&claim(&*session).await[0]);
    let start = lease.start(me, false, T0);
    let writes = vec![Write::Change(Box::new(start))];
    session.apply(&WriteGroup { writes }).await.unwrap();
    let (row, audit) = (home.row(id).await, home.audit(id).await);

    let failure = || Failure::new(FailureKind::Other, "late");
    let late: [&dyn Fn(&mut RowLease) -> _; 9] = [
        &|lease| lease.start(outdated, false, T0),
        &|lease| lease.retry_in_slot(attempt(outdated), std::time::Duration::ZERO),
        &|lease| lease.park(attempt(outdated), std::time::Duration::ZERO, T0),
        &|lease| lease.complete(attempt(outdated), None, T0),
        &|lease| lease.fail(failure(), attempt(outdated), None, T0),
        &|lease| lease.stop(Some(attempt(outdated)), T0),
        &|lease| lease.cancel(None, None, T0),
        &|lease| lease.release(T0),
        &|lease| lease.note(attempt(outdated)),
    ];
    for write in late {
        let change = write(&mut RowLease::new(&stale));
        let writes = vec![Write::Change(Box::new(change.clone()))];
        let answers = session.apply(&WriteGroup { writes }).await.unwrap();
        let refused = matches!(&answers[..], [Answer::Change(ChangeAnswer::Refused(_))]);
        assert!(refused, "{change:?} was answered {answers:?}");
        assert_eq!(home.row(id).await, row);
        assert_eq!(home.audit(id).await, audit);
        assert_eq!(home.attempts(id).await, []);
    }
}

/// Core edge case 18, the storage's part of it.
async fn a_row_that_ended_is_never_claimed_again(home: Home) {
    home.seed(|_| (0..3).map(|number| waiting(number, T0)).collect())
        .await;
    let (me, session) = home.process().await;
    let mut writes = Vec::new();
    for row in claim(&*session).await {
        let mut lease = RowLease::new(&row);
        let change = match row.definition.id {
            id if id == id_of(0) => lease.complete(attempt(me), None, T0),
            id if id == id_of(1) => lease.poison(Failure::new(FailureKind::Other, "no"), T0),
            id => {
                writes.push(Write::Cancel(CancelTask {
                    id,
                    at: T0,
                    actor: None,
                    reason: None,
                }));
                continue;
            }
        };
        writes.push(Write::Change(Box::new(change)));
    }
    session.apply(&WriteGroup { writes }).await.unwrap();
    drop(session);
    let (_, next) = home.process().await;
    assert_eq!(claim(&*next).await, []);
    let ends = [Status::Completed, Status::Failed, Status::Cancelled];
    for (number, status) in (0..).zip(ends) {
        assert_eq!(home.status(id_of(number)).await, status);
        assert_eq!(home.audited(id_of(number)).await.last(), Some(&status));
    }
}
