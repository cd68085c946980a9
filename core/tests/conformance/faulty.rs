//! A storage that fails on purpose fails as a database may, and is a storage all the same.

use std::sync::Arc;
use std::time::Duration;

use evertask_core::retention::{RetentionScope, RetentionStep, RetentionTarget};
use evertask_core::storage::conformance::{World, block_on};
use evertask_core::storage::faulty::{Call, Fault, FaultScript, FaultyStorage, Method};
use evertask_core::storage::{
    Answer, InsertAnswer, MemoryStorage, StorageBackend, StorageError, StorageErrorKind,
    TaskStorage, WriteKind,
};
use evertask_core::time::{ManualClock, SystemClock, Timestamp};
use futures::FutureExt;

use crate::row::{id, insert, start};

mod without_faults {
    use super::{Call, Fault, FaultyStorage, MemoryStorage, StorageBackend, SystemClock, World};

    async fn world() -> impl World {
        let nothing = |_: &Call<'_>| None::<Fault>;
        let storage = FaultyStorage::new(MemoryStorage::new(), SystemClock::shared(), nothing);
        Box::new(storage) as Box<dyn StorageBackend>
    }

    evertask_core::conformance_tests!(world);
}

mod whose_calls_are_late {
    use super::{Call, Fault, FaultyStorage, MemoryStorage, StorageBackend, SystemClock, World};

    async fn world() -> impl World {
        let late = |call: &Call<'_>| Some(Fault::Yield(u32::try_from(call.number % 4).ok()?));
        let storage = FaultyStorage::new(MemoryStorage::new(), SystemClock::shared(), late);
        Box::new(storage) as Box<dyn StorageBackend>
    }

    evertask_core::conformance_tests!(world);
}

const LOST: Fault = Fault::LoseReply {
    committed: true,
    gone_for: 0,
};

/// A storage of which the calls of a script fail, opened.
async fn opened(script: FaultScript) -> (FaultyStorage, Arc<dyn TaskStorage>) {
    let storage = FaultyStorage::new(MemoryStorage::new(), SystemClock::shared(), script);
    let session = storage.open(start(1)).await.unwrap();
    (storage, session)
}

fn inserts(call: &Call<'_>) -> bool {
    call.holds(WriteKind::Insert)
}

#[track_caller]
fn assert_stored(answers: &[Answer]) {
    assert!(
        matches!(answers, [Answer::Insert(InsertAnswer::Stored)]),
        "{answers:?}"
    );
}

#[track_caller]
fn assert_kind<T>(result: Result<T, StorageError>, kind: StorageErrorKind) {
    let error = result.err().expect("the call fails");
    assert_eq!(error.kind(), kind, "{error}");
}

#[test]
fn a_group_that_fails_stores_nothing() {
    block_on(async {
        let kinds = [StorageErrorKind::Transient, StorageErrorKind::Rejected];
        for kind in kinds {
            let script = FaultScript::new().then(inserts, Fault::Fail(kind));
            let (_, session) = opened(script).await;
            assert_kind(session.apply(&insert(1)).await, kind);
            assert_eq!(session.task(id(1)).await.unwrap(), None);
            assert_stored(&session.apply(&insert(1)).await.unwrap());
        }
    });
}

#[test]
fn a_group_whose_reply_is_lost_is_answered_when_it_is_repeated() {
    block_on(async {
        for committed in [true, false] {
            let lost = Fault::LoseReply {
                committed,
                gone_for: 2,
            };
            let (storage, session) = opened(FaultScript::new().then(inserts, lost)).await;
            for _ in 0..3 {
                let applied = session.apply(&insert(1)).await;
                assert_kind(applied, StorageErrorKind::OutcomeUnknown);
                assert_eq!(session.task(id(1)).await.unwrap().is_some(), committed);
            }
            // Applied twice, it would find the task there already.
            assert_stored(&session.apply(&insert(1)).await.unwrap());
            assert_eq!(storage.log().unrepeated(), [0; 0]);
        }
    });
}

#[test]
fn the_answers_of_a_lost_group_are_not_given_to_another_one() {
    block_on(async {
        let (storage, session) = opened(FaultScript::new().then(inserts, LOST)).await;
        let applied = session.apply(&insert(1)).await;
        assert_kind(applied, StorageErrorKind::OutcomeUnknown);
        assert_stored(&session.apply(&insert(2)).await.unwrap());
        assert!(session.task(id(2)).await.unwrap().is_some());
        assert_eq!(storage.log().unrepeated(), [2], "the contract was broken");
    });
}

#[test]
fn a_read_whose_reply_is_lost_can_be_made_again() {
    block_on(async {
        let of_row = |call: &Call<'_>| call.method == Method::Task;
        let (_, session) = opened(FaultScript::new().then(of_row, LOST)).await;
        session.apply(&insert(1)).await.unwrap();
        assert_kind(session.task(id(1)).await, StorageErrorKind::Transient);
        assert!(session.task(id(1)).await.unwrap().is_some());
    });
}

#[test]
fn a_storage_whose_opening_gets_no_reply_is_open_to_the_next_process() {
    block_on(async {
        let opens = |call: &Call<'_>| call.method == Method::Open;
        let script = FaultScript::new().then(opens, LOST);
        let storage = FaultyStorage::new(MemoryStorage::new(), SystemClock::shared(), script);
        let opened = storage.open(start(1)).await;
        assert_kind(opened, StorageErrorKind::Transient);
        // The same process would be alive already if that one had not died.
        storage.open(start(1)).await.unwrap();
    });
}

#[test]
fn every_call_can_fail() {
    block_on(async {
        let fails = Fault::Fail(StorageErrorKind::Transient);
        let plan = move |call: &Call<'_>| (call.method != Method::Open).then_some(fails);
        let storage = FaultyStorage::new(MemoryStorage::new(), SystemClock::shared(), plan);
        let session = storage.open(start(1)).await.unwrap();
        let transient = StorageErrorKind::Transient;
        let queues = evertask_core::storage::QueueSelector::AllExcept(Vec::new());
        assert_kind(session.apply(&insert(1)).await, transient);
        assert_kind(session.task(id(1)).await, transient);
        assert_kind(session.attempts(id(1)).await, transient);
        assert_kind(session.audit(id(1)).await, transient);
        assert_kind(session.runs(id(1)).await, transient);
        assert_kind(session.owned(start(1).id, &queues).await, transient);
        let step = RetentionStep {
            scope: RetentionScope::default(),
            target: RetentionTarget::LogsByCount {
                keep: 1,
                aged_before: None,
            },
        };
        assert_kind(session.retain(&step, None, 1).await, transient);
        assert_kind(session.preview(&step, None).await, transient);
        assert_kind(session.queries().task_by_key("key").await, transient);
        assert_kind(session.close().await, transient);
        let failed: Vec<_> = storage.log().records();
        let failed: Vec<_> = failed.iter().map(|record| record.method).collect();
        assert_eq!(failed, Method::ALL[1..]);
        storage.heal();
        session.close().await.unwrap();
    });
}

#[test]
fn a_late_call_waits_for_the_clock() {
    block_on(async {
        let late = Fault::Delay(Duration::from_secs(3));
        let clock = ManualClock::starting_at(Timestamp::UNIX_EPOCH);
        let script = FaultScript::new().then(inserts, late);
        let storage = FaultyStorage::new(MemoryStorage::new(), Arc::new(clock.clone()), script);
        let session = storage.open(start(1)).await.unwrap();
        let group = insert(1);
        let mut applied = session.apply(&group);
        assert!((&mut applied).now_or_never().is_none());
        assert_eq!(session.task(id(1)).await.unwrap(), None);
        clock.advance(Duration::from_secs(3));
        assert_stored(&applied.await.unwrap());
    });
}

#[test]
fn a_script_is_played_in_its_order() {
    block_on(async {
        let script = FaultScript::new()
            .then(inserts, Fault::Fail(StorageErrorKind::Transient))
            .then(|_| true, Fault::Fail(StorageErrorKind::Unusable));
        let (storage, session) = opened(script).await;
        assert_eq!(session.task(id(1)).await.unwrap(), None);
        let applied = session.apply(&insert(1)).await;
        assert_kind(applied, StorageErrorKind::Transient);
        assert_kind(session.task(id(1)).await, StorageErrorKind::Unusable);
        assert_stored(&session.apply(&insert(1)).await.unwrap());
        assert_eq!(
            storage.log().to_string(),
            "apply 1 [Insert]: Fail(Transient)\ntask 2: Fail(Unusable)\n"
        );
    });
}
