//! A row can be given other work, if it is where the writer believes it is.

use std::time::Duration;

use super::World;
use super::process::{Process, change_answer};
use super::sample::{
    HOSTILE, actor, at, attempt, everything, id, ids, keyed, new_task, series, task,
};
use crate::audit::AuditLevel;
use crate::lease::RowLease;
use crate::storage::{Answer, AuditEntry, CancelTask, ChangeAnswer, Redefinition, Write};
use crate::task::{
    AttemptOutcome, Generation, ProcessId, RowState, Status, TaskDefinition, TaskRecord,
};

fn answered(answer: &Answer) -> &ChangeAnswer {
    let Answer::Redefine(answer) = answer else {
        panic!("a redefinition was answered with {answer:?}");
    };
    answer
}

fn write(redefinition: &Redefinition) -> Write {
    Write::Redefine(Box::new(redefinition.clone()))
}

impl Process<'_> {
    async fn redefine(&self, redefinition: &Redefinition) -> ChangeAnswer {
        let answers = self.apply(vec![write(redefinition)]).await;
        answered(&answers[0]).clone()
    }

    /// Stores a task with a key and claims it.
    async fn claim_keyed(&self) -> RowLease {
        self.store(&[keyed(1, "report")]).await;
        let claimed = self.claim(everything(at(0))).await;
        RowLease::new(&claimed.tasks[0].record)
    }
}

/// Everything that a redefinition may replace, replaced: a task that runs once becomes a series.
fn everything_else(found: &TaskRecord) -> Redefinition {
    let other = super::round_trip::with_every_field(ProcessId(found.definition.id.0));
    let definition = TaskDefinition {
        id: found.definition.id,
        created_at: found.definition.created_at,
        series_id: found.definition.series_id,
        occurrence_at: found.definition.occurrence_at,
        key: found.definition.key.clone(),
        series: series(1, Some(7)).definition.series,
        // So that the line of the audit is kept.
        audit_level: AuditLevel::Full,
        ..other.definition
    };
    let state = RowState {
        status: Status::WaitingQueue,
        owner: None,
        wait_reason: None,
        available_at: Some(at(30)),
        next_run_at: Some(at(30)),
        active_key: found.state.active_key.clone(),
        ..other.state
    };
    Redefinition {
        expected: found.generation,
        record: TaskRecord {
            definition,
            generation: found.generation.superseded(),
            state,
        },
        audit: vec![AuditEntry {
            reason: Some(format!("again {HOSTILE}")),
            ..AuditEntry::of(Status::WaitingQueue, at(20))
        }],
    }
}

/// The same task with another payload, due at once.
fn other_payload(found: &TaskRecord, payload: &str) -> Redefinition {
    let mut record = found.clone();
    payload.clone_into(&mut record.definition.payload);
    record.generation = found.generation.superseded();
    Redefinition {
        expected: found.generation,
        audit: vec![AuditEntry::of(record.state.status, at(20))],
        record,
    }
}

/// C3: what was asked for is replaced as a whole, and what is kept beside the row stays.
pub async fn a_redefined_row_is_read_back_as_it_was_given(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.claim_keyed().await;
    process.store(&[task(2)]).await;
    let failed = attempt(process.id, 1, AttemptOutcome::Failed);
    process
        .advance([
            lease.start(process.id, false, at(1)),
            lease.park(failed, Duration::from_secs(1), at(1)),
        ])
        .await;
    let before = process.record(id(1)).await;
    let attempts = process.attempts(id(1)).await;
    let mut audit = process.audit(id(1)).await;
    let redefinition = everything_else(&before);
    assert_eq!(process.redefine(&redefinition).await, ChangeAnswer::Applied);
    assert_eq!(process.record(id(1)).await, redefinition.record);
    audit.extend(redefinition.audit);
    assert_eq!(process.audit(id(1)).await, audit);
    assert_eq!(process.attempts(id(1)).await, attempts);
    let holder = process.task_by_key("report").await;
    assert_eq!(holder, Some(redefinition.record));
    assert_eq!(process.record(id(2)).await, task(2));
}

/// And the other way around: what is absent afterwards is absent.
pub async fn a_redefinition_leaves_nothing_of_what_was_asked_for_before(world: &dyn World) {
    let process = Process::start(world).await;
    let full = everything_else(&keyed(1, "report")).record;
    process.store(std::slice::from_ref(&full)).await;
    let mut bare = keyed(1, "report");
    bare.definition.created_at = full.definition.created_at;
    bare.generation = full.generation.superseded();
    let redefinition = Redefinition {
        expected: full.generation,
        record: bare.clone(),
        audit: Vec::new(),
    };
    assert_eq!(process.redefine(&redefinition).await, ChangeAnswer::Applied);
    assert_eq!(process.record(id(1)).await, bare);
}

pub async fn a_redefinition_from_an_old_generation_is_refused(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[keyed(1, "report")]).await;
    let stale = everything_else(&process.record(id(1)).await);
    process.claim(everything(at(1))).await;
    let before = process.record(id(1)).await;
    let audit = process.audit(id(1)).await;
    let refused = ChangeAnswer::Refused(Box::new(before.clone()));
    assert_eq!(process.redefine(&stale).await, refused);
    assert_eq!(process.record(id(1)).await, before);
    assert_eq!(process.audit(id(1)).await, audit);
}

/// A claim of the row would have led to the very same generation.
pub async fn a_stale_redefinition_is_not_mistaken_for_a_repeated_one(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[keyed(1, "report")]).await;
    let found = process.record(id(1)).await;
    let (first, second) = (other_payload(&found, "1"), other_payload(&found, "2"));
    assert_eq!(process.redefine(&first).await, ChangeAnswer::Applied);
    let refused = ChangeAnswer::Refused(Box::new(first.record.clone()));
    assert_eq!(process.redefine(&second).await, refused);
    assert_eq!(process.record(id(1)).await, first.record);
}

pub async fn a_redefinition_written_again_changes_nothing(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[keyed(1, "report")]).await;
    let redefinition = everything_else(&process.record(id(1)).await);
    for _ in 0..2 {
        assert_eq!(process.redefine(&redefinition).await, ChangeAnswer::Applied);
    }
    assert_eq!(process.record(id(1)).await, redefinition.record);
    assert_eq!(process.audit(id(1)).await, redefinition.audit);
}

pub async fn a_redefinition_of_an_unknown_row_is_missing(world: &dyn World) {
    let process = Process::start(world).await;
    let redefinition = everything_else(&keyed(1, "report"));
    assert_eq!(process.redefine(&redefinition).await, ChangeAnswer::Missing);
    assert_eq!(process.find(id(1)).await, None);
    assert!(process.audit(id(1)).await.is_empty());
}

pub async fn of_two_redefinitions_in_a_group_the_first_is_applied(world: &dyn World) {
    let process = Process::start(world).await;
    process
        .store(&[keyed(1, "report"), keyed(2, "invoice")])
        .await;
    let found = process.record(id(1)).await;
    let neighbour = other_payload(&process.record(id(2)).await, "0");
    let (first, second) = (other_payload(&found, "1"), other_payload(&found, "2"));
    let third = other_payload(&first.record, "3");
    let writes = [&first, &second, &neighbour, &third].map(write);
    let answers = process.apply(writes.to_vec()).await;
    let refused = ChangeAnswer::Refused(Box::new(first.record.clone()));
    assert_eq!(answered(&answers[0]), &ChangeAnswer::Applied);
    assert_eq!(answered(&answers[1]), &refused);
    assert_eq!(answered(&answers[2]), &ChangeAnswer::Applied);
    assert_eq!(answered(&answers[3]), &ChangeAnswer::Applied);
    assert_eq!(process.record(id(1)).await, third.record);
    assert_eq!(process.record(id(2)).await, neighbour.record);
}

/// Core 2.4: a delivery of the old work overwrites nothing of the new.
pub async fn a_redefinition_supersedes_the_delivery_of_the_old_work(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.claim_keyed().await;
    let mut redefined = process.record(id(1)).await;
    redefined.state.owner = None;
    redefined.state.status = Status::WaitingQueue;
    let redefinition = other_payload(&redefined, "new");
    assert_eq!(process.redefine(&redefinition).await, ChangeAnswer::Applied);
    let refused = ChangeAnswer::Refused(Box::new(redefinition.record.clone()));
    let start = lease.start(process.id, false, at(1));
    let success = attempt(process.id, 1, AttemptOutcome::Succeeded);
    let complete = lease.complete(success, None, at(2));
    for change in [start, complete] {
        assert_eq!(process.change(change).await, refused);
    }
    assert_eq!(process.record(id(1)).await, redefinition.record);
}

/// In the order that the contract gives: what was inserted and changed before is there, and what a
/// person or a claim does comes after it.
pub async fn a_redefinition_has_its_place_in_the_order_of_its_group(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.claim_keyed().await;
    let released = lease.release(at(1));
    let mut after_release = process.record(id(1)).await;
    after_release.generation = lease.generation();
    after_release.state = lease.state().clone();
    let inserted = keyed(2, "invoice");
    let mut after_insert = other_payload(&inserted, "2");
    after_insert.record.state.available_at = Some(at(500));
    let (first, third) = (
        other_payload(&after_release, "1"),
        other_payload(&keyed(3, "k"), "3"),
    );
    let cancel = CancelTask {
        id: id(3),
        at: at(5),
        actor: None,
        reason: None,
    };
    let writes = vec![
        Write::Claim(everything(at(10))),
        Write::Cancel(cancel),
        write(&first),
        write(&after_insert),
        write(&third),
        Write::Change(Box::new(released)),
        new_task(&inserted),
        new_task(&keyed(3, "k")),
    ];
    let answers = process.apply(writes).await;
    for redefined in &answers[2..5] {
        assert_eq!(answered(redefined), &ChangeAnswer::Applied);
    }
    assert_eq!(change_answer(&answers[5]), &ChangeAnswer::Applied);
    let Answer::Claim(claimed) = &answers[0] else {
        panic!("a claim was answered with {:?}", answers[0]);
    };
    assert_eq!(ids(claimed), [id(1)]);
    assert_eq!(claimed.tasks[0].record.definition.payload, "1");
    assert_eq!(claimed.next_available_at, Some(at(500)));
    assert_eq!(process.record(id(2)).await, after_insert.record);
    let cancelled = process.record(id(3)).await;
    assert_eq!(cancelled.state.status, Status::Cancelled);
    assert_eq!(cancelled.definition.payload, "3");
}

/// Core edge cases 53 and 56: the row is where it was moved to, and nowhere else.
pub async fn a_redefined_row_is_claimed_at_its_new_time_and_in_its_new_queue(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[keyed(1, "report")]).await;
    let mut redefinition = other_payload(&process.record(id(1)).await, "later");
    "mail".clone_into(&mut redefinition.record.definition.queue);
    redefinition.record.state.available_at = Some(at(50));
    assert_eq!(process.redefine(&redefinition).await, ChangeAnswer::Applied);
    let early = process.claim(everything(at(49))).await;
    assert_eq!(
        (ids(&early), early.next_available_at),
        (vec![], Some(at(50)))
    );
    let of_queue = |queue: &str| crate::storage::ClaimTasks {
        queues: crate::storage::QueueSelector::Only(queue.to_owned()),
        ..everything(at(50))
    };
    assert_eq!(ids(&process.claim(of_queue("default")).await), []);
    let claimed = process.claim(of_queue("mail")).await;
    assert_eq!(ids(&claimed), [id(1)]);
    assert_eq!(claimed.tasks[0].record.definition.payload, "later");
}

/// Core edge case 65.
pub async fn a_redefinition_is_audited_at_its_new_level(world: &dyn World) {
    let process = Process::start(world).await;
    for (number, before, after) in [
        (1, AuditLevel::Full, AuditLevel::Minimal),
        (2, AuditLevel::None, AuditLevel::Full),
    ] {
        let mut record = keyed(number, &format!("key {number}"));
        record.definition.audit_level = before;
        process.store(&[record.clone()]).await;
        let mut redefinition = other_payload(&record, "new");
        redefinition.record.definition.audit_level = after;
        assert_eq!(process.redefine(&redefinition).await, ChangeAnswer::Applied);
        let expected: &[_] = match after {
            AuditLevel::Full => &redefinition.audit,
            AuditLevel::Minimal | AuditLevel::ErrorsOnly | AuditLevel::None => &[],
        };
        assert_eq!(process.audit(id(number)).await, expected);
        let stored = process.record(id(number)).await;
        assert_eq!(stored.definition.audit_level, after);
    }
}

/// What a person did is always kept.
pub async fn a_redefinition_by_a_person_is_audited_at_every_level(world: &dyn World) {
    let process = Process::start(world).await;
    for (number, level) in (1..).zip(AuditLevel::ALL) {
        let mut record = keyed(number, &format!("key {number}"));
        record.definition.audit_level = level;
        process.store(&[record.clone()]).await;
        let mut redefinition = other_payload(&record, "new");
        for entry in &mut redefinition.audit {
            entry.actor = Some(actor());
        }
        assert_eq!(process.redefine(&redefinition).await, ChangeAnswer::Applied);
        assert_eq!(process.audit(id(number)).await, redefinition.audit);
    }
}

/// A redefined row goes on as any other does.
pub async fn a_redefined_row_is_changed_from_its_new_generation(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[keyed(1, "report")]).await;
    let redefinition = other_payload(&process.record(id(1)).await, "new");
    assert_eq!(process.redefine(&redefinition).await, ChangeAnswer::Applied);
    let stored = process.record(id(1)).await;
    assert_eq!(stored.generation, Generation(0).superseded());
    let mut lease = RowLease::new(&stored);
    let success = attempt(process.id, 1, AttemptOutcome::Succeeded);
    process
        .advance([lease.complete(success, None, at(2))])
        .await;
    assert_eq!(process.record(id(1)).await.state.active_key, None);
}
