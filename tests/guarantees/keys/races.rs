//! Many dispatches of one key at once.

use std::time::Duration;

use evertask::storage::{Answer, InsertAnswer, Write};
use evertask::{DispatchOutcome, Dispatched, EverTask};
use futures::future::join_all;

use super::gated;
use crate::one_shot::clock::StagedClock;
use crate::one_shot::home::Home;
use crate::one_shot::player::{Diary, Player};
use crate::stage::{Numbered, soon};

on_every_storage_and_server!(
    twenty_dispatches_of_a_new_key_store_one_task_and_run_it_once,
    twenty_delayed_dispatches_of_a_new_key_run_the_one_payload_that_is_stored,
    two_processes_agree_on_the_holder_of_a_key,
);

fn stored(write: &Write, answer: &Answer) -> bool {
    let stored = matches!(answer, Answer::Insert(InsertAnswer::Stored));
    stored && matches!(write, Write::Insert(new) if new.record.definition.key.is_some())
}

fn tasks_stored(home: &Home) -> usize {
    let committed = home.committed();
    let stored = committed
        .iter()
        .filter(|(write, answer)| stored(write, answer));
    stored.count()
}

/// All mean one task, which one of them stored.
fn assert_one(dispatched: &[Dispatched]) {
    let id = dispatched[0].id;
    assert!(
        dispatched.iter().all(|other| other.id == id),
        "{dispatched:?}"
    );
    let created = dispatched.iter().filter(|dispatched| dispatched.is_new());
    assert_eq!(created.count(), 1, "{dispatched:?}");
}

/// Core acceptance scenario 28 and core edge cases 49 and 51.
async fn twenty_dispatches_of_a_new_key_store_one_task_and_run_it_once(home: Home) {
    let diary = Diary::default();
    let (player, gate) = gated(&diary);
    let evertask = player.at(&home).start().await.unwrap();
    let dispatches = (0..20).map(|number| {
        let dispatch = evertask.dispatch(Numbered(number)).key("k");
        dispatch.into_future()
    });
    let dispatched = soon(join_all(dispatches)).await;
    let dispatched: Vec<_> = dispatched.into_iter().map(Result::unwrap).collect();
    assert_one(&dispatched);
    gate.add_permits(20);
    diary.counts(1, "completed").await;
    home.shut_down(evertask).await;
    assert_eq!(tasks_stored(&home), 1);
    assert_eq!(diary.count("handle"), 1);
}

/// Core edge case 53: whichever comes last, what runs is what is stored.
async fn twenty_delayed_dispatches_of_a_new_key_run_the_one_payload_that_is_stored(home: Home) {
    let (diary, clock) = (Diary::default(), StagedClock::new());
    let player = Player::idle(&diary);
    let evertask = player.at(&home).clock(clock.clone()).start().await.unwrap();
    let hour = Duration::from_hours(1);
    let dispatches = (0..20).map(|number| {
        let dispatch = evertask.dispatch(Numbered(number)).after(hour).key("k");
        dispatch.into_future()
    });
    let dispatched = soon(join_all(dispatches)).await;
    let dispatched: Vec<_> = dispatched.into_iter().map(Result::unwrap).collect();
    assert_one(&dispatched);
    let updated = |one: &&Dispatched| one.outcome == DispatchOutcome::Updated;
    assert_eq!(dispatched.iter().filter(updated).count(), 19);
    let payload = home.row(dispatched[0].id).await.definition.payload;
    clock.advance(hour);
    diary.says(&format!("completed {payload}")).await;
    home.shut_down(evertask).await;
    assert_eq!(tasks_stored(&home), 1);
    assert_eq!(diary.count("handle"), 1);
}

/// Core edge case 50.
async fn two_processes_agree_on_the_holder_of_a_key(home: Home) {
    let diary = Diary::default();
    let (player, gate) = gated(&diary);
    let runtimes = [
        player.at(&home).start().await.unwrap(),
        player.at(&home).start().await.unwrap(),
    ];
    let dispatch = |number: u32| {
        let evertask: &EverTask = &runtimes[number as usize % 2];
        evertask.dispatch(Numbered(number)).key("k").into_future()
    };
    let dispatched = soon(join_all((0..20).map(dispatch))).await;
    let dispatched: Vec<_> = dispatched.into_iter().map(Result::unwrap).collect();
    assert_one(&dispatched);
    gate.add_permits(20);
    diary.counts(1, "completed").await;
    let [first, second] = runtimes;
    soon(first.shutdown()).await.unwrap();
    drop(first);
    home.shut_down(second).await;
    assert_eq!(tasks_stored(&home), 1);
    assert_eq!(diary.count("handle"), 1);
}
