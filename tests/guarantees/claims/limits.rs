//! Issue 4, build 2: a limit on concurrent runs per task type and per key.

use evertask::{CancelOutcome, Queue, Status};

use super::errands::{RUNNING, Witness, send};
use crate::one_shot::clock::StagedClock;
use crate::one_shot::home::{Home, becomes};
use crate::one_shot::player::{Diary, Player, settle};
use crate::stage::{Numbered, soon};

on_every_storage_and_server! {
    no_more_of_a_type_run_at_once_than_it_says,
    a_key_that_is_busy_holds_up_nobody_else,
    a_task_over_the_limit_starts_when_one_ends_and_nobody_polls,
    tasks_of_one_key_run_in_the_order_they_were_dispatched,
    a_backlog_of_before_a_crash_keeps_to_the_limits,
    a_limit_holds_in_all_queues_together,
    a_task_that_waits_for_its_turn_can_be_cancelled,
}

fn queue(parallelism: usize, capacity: usize) -> Queue {
    let queue = Queue::new(Queue::DEFAULT);
    queue.parallelism(parallelism).capacity(capacity)
}

async fn no_more_of_a_type_run_at_once_than_it_says(home: Home) {
    let witness = Witness::new();
    let evertask = witness.at(&home, queue(8, 4)).start().await.unwrap();
    for number in 0..30 {
        let tenant = [None, Some('a'), Some('b')][(number % 3) as usize];
        send(&evertask, tenant, number).await;
    }
    witness.entered(RUNNING).await;
    settle(&evertask).await;
    assert_eq!(witness.order().len(), RUNNING, "and nobody else");
    witness.release_all();
    home.commits(30, becomes(Status::Completed)).await;
    home.shut_down(evertask).await;
    witness.assert_limits_held(30);
}

/// Neither a slot nor a place in the window is held by what may not run, nor does a claim stop at it.
async fn a_key_that_is_busy_holds_up_nobody_else(home: Home) {
    let witness = Witness::new();
    let diary = Diary::default();
    let runtime = witness.at(&home, queue(2, 2)).handler(Player::idle(&diary));
    let evertask = runtime.start().await.unwrap();
    for number in 0..20 {
        send(&evertask, Some('a'), number).await;
    }
    witness.entered(1).await;
    for number in 0..20 {
        evertask.dispatch(Numbered(number)).await.unwrap();
    }
    diary.counts(20, "completed").await;
    send(&evertask, Some('b'), 20).await;
    witness.entered(2).await;
    assert_eq!(witness.order(), [0, 20]);
    witness.release_all();
    home.commits(41, becomes(Status::Completed)).await;
    home.shut_down(evertask).await;
    witness.assert_limits_held(21);
}

/// The clock stands still, so nothing that waits for the time helps.
async fn a_task_over_the_limit_starts_when_one_ends_and_nobody_polls(home: Home) {
    let clock = StagedClock::new();
    let witness = Witness::new();
    let runtime = witness.at(&home, queue(4, 9)).clock(clock.clone());
    let evertask = runtime.start().await.unwrap();
    for number in 0..4 {
        let id = send(&evertask, Some('a'), number).await;
        if number > 0 {
            let state = home.row(id).await.state;
            assert_eq!((state.status, state.owner), (Status::WaitingQueue, None));
        }
    }
    for number in 0..4 {
        witness.entered(number as usize + 1).await;
        settle(&evertask).await;
        assert_eq!(witness.order(), (0..=number).collect::<Vec<_>>());
        witness.release(number);
    }
    home.commits(4, becomes(Status::Completed)).await;
    home.shut_down(evertask).await;
}

async fn tasks_of_one_key_run_in_the_order_they_were_dispatched(home: Home) {
    let witness = Witness::new();
    let evertask = witness.at(&home, queue(4, 9)).start().await.unwrap();
    for number in 0..3 {
        send(&evertask, Some('a'), number).await;
    }
    witness.entered(1).await;
    witness.release(0);
    for number in 3..6 {
        send(&evertask, Some('a'), number).await;
    }
    witness.release_all();
    home.commits(6, becomes(Status::Completed)).await;
    home.shut_down(evertask).await;
    assert_eq!(witness.order(), [0, 1, 2, 3, 4, 5]);
}

async fn a_backlog_of_before_a_crash_keeps_to_the_limits(home: Home) {
    let witness = Witness::new();
    let evertask = witness.at(&home, queue(8, 4)).start().await.unwrap();
    for number in 0..12 {
        let tenant = [Some('a'), Some('b')][(number % 2) as usize];
        send(&evertask, tenant, number).await;
    }
    witness.entered(2).await;
    home.crash(evertask).await;
    witness.ended(2).await;

    let second = Witness::new();
    second.release_all();
    let evertask = second.at(&home, queue(8, 4)).start().await.unwrap();
    home.commits(12, becomes(Status::Completed)).await;
    home.shut_down(evertask).await;
    second.assert_limits_held(12);
}

async fn a_limit_holds_in_all_queues_together(home: Home) {
    let witness = Witness::new();
    let runtime = witness.at(&home, queue(4, 9));
    let other = Queue::new("other").parallelism(4).capacity(9);
    let evertask = runtime.queue(other).start().await.unwrap();
    for number in 0..16 {
        let name = [Queue::DEFAULT, "other"][(number % 2) as usize];
        let errand = super::errands::Errand {
            tenant: None,
            number,
        };
        evertask.dispatch(errand).queue(name).await.unwrap();
    }
    witness.entered(RUNNING).await;
    settle(&evertask).await;
    assert_eq!(witness.order().len(), RUNNING, "and nobody else");
    witness.release_all();
    home.commits(16, becomes(Status::Completed)).await;
    home.shut_down(evertask).await;
    witness.assert_limits_held(16);
}

async fn a_task_that_waits_for_its_turn_can_be_cancelled(home: Home) {
    let witness = Witness::new();
    let evertask = witness.at(&home, queue(4, 9)).start().await.unwrap();
    let mut ids = Vec::new();
    for number in 0..3 {
        ids.push(send(&evertask, Some('a'), number).await);
    }
    witness.entered(1).await;
    let outcome = soon(evertask.cancel(ids[1])).await.unwrap();
    assert_eq!(outcome, CancelOutcome::Cancelled);
    witness.release_all();
    home.commits(2, becomes(Status::Completed)).await;
    home.shut_down(evertask).await;
    assert_eq!(witness.order(), [0, 2]);
    assert_eq!(home.status(ids[1]).await, Status::Cancelled);
}
