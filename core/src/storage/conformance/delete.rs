//! A task that is over can be removed, and who removed it is kept.

use super::World;
use super::process::{Process, change_answer};
use super::sample::{
    HOSTILE, at, attempt, everything, id, ids, keyed, new_task, series, task, task_of_series,
};
use crate::lease::RowLease;
use crate::log::LogSearch;
use crate::storage::{
    Answer, ChangeAnswer, DeleteAnswer, DeleteTask, Deletion, StorageErrorKind, Write,
};
use crate::task::{AttemptOutcome, Status, TaskId, TaskRecord};

fn answered(answer: &Answer) -> &DeleteAnswer {
    let Answer::Delete(answer) = answer else {
        panic!("a deletion was answered with {answer:?}");
    };
    answer
}

fn write(delete: &DeleteTask) -> Write {
    Write::Delete(Box::new(delete.clone()))
}

/// Deletes the row that was found, in the words of a person.
fn delete(found: &TaskRecord) -> DeleteTask {
    DeleteTask {
        expected: found.generation,
        deletion: Deletion {
            id: found.id(),
            task: found.definition.task.clone(),
            queue: found.definition.queue.clone(),
            status: found.state.status,
            at: at(100),
            actor: HOSTILE.to_owned(),
            reason: Some(format!("in the way {HOSTILE}")),
        },
    }
}

impl Process<'_> {
    async fn delete(&self, delete: &DeleteTask) -> DeleteAnswer {
        let answers = self.apply(vec![write(delete)]).await;
        answered(&answers[0]).clone()
    }

    async fn deletion(&self, id: TaskId) -> Option<Deletion> {
        self.storage().queries().deletion(id).await.unwrap()
    }

    /// Stores a task, the only one that can be claimed, and has it fail.
    async fn failed(&self, record: TaskRecord) -> TaskRecord {
        let id = record.id();
        self.store(&[record]).await;
        let claimed = self.claim(everything(at(0))).await;
        let mut lease = RowLease::new(&claimed.tasks[0].record);
        let last = attempt(self.id, 1, AttemptOutcome::Failed);
        let failure = super::sample::failure("no");
        self.advance([
            lease.start(self.id, false, at(1)),
            lease.fail(failure, last, None, at(2)),
        ])
        .await;
        self.record(id).await
    }

    async fn has_history(&self, id: TaskId) -> bool {
        let logs = self.storage().queries().logs(&LogSearch::of(id)).await;
        !self.audit(id).await.is_empty()
            || !self.attempts(id).await.is_empty()
            || !self.runs(id).await.is_empty()
            || !logs.unwrap().lines.is_empty()
    }
}

pub async fn a_deleted_task_leaves_nothing_but_who_deleted_it(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[series(1, Some(1)), task(2)]).await;
    let claimed = process.claim(everything(at(0))).await;
    let mut lease = RowLease::new(&claimed.tasks[0].record);
    let last = attempt(process.id, 1, AttemptOutcome::Succeeded);
    process.advance([lease.complete(last, None, at(2))]).await;
    let logs = super::logs::append(id(1), &super::logs::lines(1, 1, 3));
    process.apply(vec![logs]).await;
    let other = process.record(id(2)).await;
    let delete = delete(&process.record(id(1)).await);
    assert_eq!(process.delete(&delete).await, DeleteAnswer::Deleted);
    assert_eq!(process.find(id(1)).await, None);
    assert!(!process.has_history(id(1)).await);
    assert_eq!(process.deletion(id(1)).await, Some(delete.deletion));
    assert_eq!(process.record(id(2)).await, other);
    assert_eq!(process.deletion(id(2)).await, None);
}

pub async fn a_deleted_task_gives_up_its_key_and_its_occurrence(world: &dyn World) {
    let process = Process::start(world).await;
    let mut holder = keyed(1, "report");
    holder.definition.key_until = Some(at(1_000));
    (holder.definition.series_id, holder.definition.occurrence_at) = (Some(id(50)), Some(at(5)));
    let holder = process.failed(holder).await;
    assert_eq!(holder.state.active_key.as_deref(), Some("report"));
    process.delete(&delete(&holder)).await;
    assert_eq!(process.task_by_key("report").await, None);
    process.store(&[keyed(2, "report")]).await;
    process.store(&[task_of_series(3, 50, at(5))]).await;
}

/// Somebody retried it in the meantime, say.
pub async fn a_task_that_moved_on_is_not_deleted(world: &dyn World) {
    let process = Process::start(world).await;
    let found = process.failed(task(1)).await;
    let mut delete = delete(&found);
    delete.expected = found.generation.next();
    let refused = DeleteAnswer::Refused(Box::new(found.clone()));
    assert_eq!(process.delete(&delete).await, refused);
    assert_eq!(process.record(id(1)).await, found);
    assert!(process.has_history(id(1)).await);
    assert_eq!(process.deletion(id(1)).await, None);
}

/// A write whose answer was lost is repeated.
pub async fn a_deletion_written_again_is_answered_alike(world: &dyn World) {
    let process = Process::start(world).await;
    let first = delete(&process.failed(task(1)).await);
    assert_eq!(process.delete(&first).await, DeleteAnswer::Deleted);
    let mut second = first.clone();
    second.deletion.at = at(200);
    assert_eq!(process.delete(&second).await, DeleteAnswer::Deleted);
    assert_eq!(process.deletion(id(1)).await, Some(first.deletion));
}

pub async fn a_deletion_of_an_unknown_row_is_missing(world: &dyn World) {
    let process = Process::start(world).await;
    let delete = delete(&task(1));
    assert_eq!(process.delete(&delete).await, DeleteAnswer::Missing);
    assert_eq!(process.deletion(id(1)).await, None);
}

pub async fn a_deleted_id_may_be_used_and_deleted_again(world: &dyn World) {
    let process = Process::start(world).await;
    process
        .delete(&delete(&process.failed(task(1)).await))
        .await;
    let mut again = delete(&process.failed(task(1)).await);
    again.deletion.at = at(200);
    again.deletion.reason = None;
    assert_eq!(process.delete(&again).await, DeleteAnswer::Deleted);
    assert_eq!(process.find(id(1)).await, None);
    assert_eq!(process.deletion(id(1)).await, Some(again.deletion));
}

/// After the changes and before the claims, whatever their order in the group.
pub async fn a_deletion_has_its_place_in_the_order_of_its_group(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.store_queued(task(1)).await;
    let start = lease.start(process.id, false, at(1));
    process.advance([start]).await;
    let last = attempt(process.id, 1, AttemptOutcome::Succeeded);
    let complete = lease.complete(last, None, at(2));
    let mut ended = process.record(id(1)).await;
    (ended.generation, ended.state) = (complete.generation, complete.state.clone());
    let writes = vec![
        Write::Claim(everything(at(10))),
        write(&delete(&ended)),
        new_task(&task(2)),
        Write::Change(Box::new(complete)),
    ];
    let answers = process.apply(writes).await;
    let Answer::Claim(claimed) = &answers[0] else {
        panic!("{answers:?}");
    };
    assert_eq!(ids(claimed), [id(2)]);
    assert_eq!(answered(&answers[1]), &DeleteAnswer::Deleted);
    assert_eq!(change_answer(&answers[3]), &ChangeAnswer::Applied);
    assert_eq!(process.find(id(1)).await, None);
    assert!(!process.has_history(id(1)).await);
}

pub async fn each_deletion_of_a_group_is_answered(world: &dyn World) {
    let process = Process::start(world).await;
    let (first, second) = (process.failed(task(1)).await, process.failed(task(2)).await);
    let mut stale = delete(&second);
    stale.expected = second.generation.next();
    let deletions = [delete(&first), delete(&task(7)), stale, delete(&first)];
    let answers = process.apply(deletions.iter().map(write).collect()).await;
    let answers: Vec<_> = answers.iter().map(answered).cloned().collect();
    let expected = [
        DeleteAnswer::Deleted,
        DeleteAnswer::Missing,
        DeleteAnswer::Refused(Box::new(second.clone())),
        DeleteAnswer::Deleted,
    ];
    assert_eq!(answers, expected);
    assert_eq!(process.find(id(1)).await, None);
    assert_eq!(process.record(id(2)).await, second);
}

pub async fn a_rejected_group_deletes_nothing(world: &dyn World) {
    let process = Process::start(world).await;
    let found = process.failed(task(1)).await;
    let writes = vec![
        new_task(&task_of_series(2, 100, at(5))),
        new_task(&task_of_series(3, 100, at(5))),
        write(&delete(&found)),
    ];
    let error = process.try_apply(writes).await.unwrap_err();
    assert_eq!(error.kind(), StorageErrorKind::Rejected);
    assert_eq!(process.record(id(1)).await, found);
    assert_eq!(found.state.status, Status::Failed);
    assert_eq!(process.deletion(id(1)).await, None);
}
