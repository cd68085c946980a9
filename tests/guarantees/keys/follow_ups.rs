//! Tasks with a key that follow others.

use std::time::Duration;

use evertask::{Queue, Status, TaskId};

use crate::follow_ups::has_follow_ups;
use crate::one_shot::clock::StagedClock;
use crate::one_shot::home::{Home, becomes};
use crate::one_shot::player::{Diary, Player};
use crate::one_shot::session::Fault;
use crate::stage::{Numbered, soon};

on_every_storage_and_server!(
    a_follow_up_takes_a_key_that_nobody_holds,
    a_follow_up_is_what_a_waiting_holder_of_its_key_does_instead,
    a_follow_up_leaves_a_running_holder_of_its_key_alone,
    a_follow_up_takes_a_key_whose_time_is_over,
    a_task_is_followed_by_one_with_its_own_key,
    a_lost_answer_does_not_double_a_follow_up_with_a_key,
);

const HOUR: Duration = Duration::from_hours(1);

/// A player whose task 0 is followed by task 1 with the key `k`, and whose task 5 runs until it is told to
/// stop.
fn followed(diary: &Diary) -> Player {
    Player::new(diary, |number, context| async move {
        match number {
            0 => {
                context.then(evertask::Dispatch::new(Numbered(1)).key("k"))?;
            }
            5 => context.cancelled().await,
            _ => {}
        }
        Ok(())
    })
}

async fn active_key(home: &Home, id: TaskId) -> Option<String> {
    home.row(id).await.state.active_key
}

async fn a_follow_up_takes_a_key_that_nobody_holds(home: Home) {
    let diary = Diary::default();
    let evertask = followed(&diary).at(&home).start().await.unwrap();
    evertask.dispatch(Numbered(0)).await.unwrap();
    diary.says("completed 1").await;
    let again = evertask.dispatch(Numbered(2)).key("k").await.unwrap();
    assert!(again.is_new(), "it gave its key up at its end");
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle 1"), 1);
}

async fn a_follow_up_is_what_a_waiting_holder_of_its_key_does_instead(home: Home) {
    let (diary, clock) = (Diary::default(), StagedClock::new());
    let player = followed(&diary);
    let evertask = player.at(&home).clock(clock.clone()).start().await.unwrap();
    let holder = evertask.dispatch(Numbered(3)).key("k").after(HOUR);
    let holder = holder.await.unwrap().id;
    evertask.dispatch(Numbered(0)).await.unwrap();
    diary.says("completed 1").await;
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle 3"), 0);
    assert_eq!(diary.count("handle 1"), 1);
    let row = home.row(holder).await;
    assert_eq!(row.definition.payload, "1");
    assert_eq!(row.state.status, Status::Completed);
}

async fn a_follow_up_leaves_a_running_holder_of_its_key_alone(home: Home) {
    let diary = Diary::default();
    let builder = followed(&diary).at(&home).queue(Queue::new("side"));
    let evertask = builder.drain(Duration::ZERO).start().await.unwrap();
    let holder = evertask.dispatch(Numbered(5)).key("k").await.unwrap().id;
    diary.says("handle 5.1").await;
    evertask.dispatch(Numbered(0)).queue("side").await.unwrap();
    diary.says("completed 0").await;
    assert_eq!(active_key(&home, holder).await.as_deref(), Some("k"));
    assert_eq!(home.row(holder).await.definition.payload, "5");
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle 1"), 0);
}

async fn a_follow_up_takes_a_key_whose_time_is_over(home: Home) {
    let (diary, clock) = (Diary::default(), StagedClock::new());
    let player = followed(&diary);
    let evertask = player.at(&home).clock(clock.clone()).start().await.unwrap();
    let holder = evertask.dispatch(Numbered(3)).key("k").key_for(HOUR);
    let holder = holder.await.unwrap().id;
    home.commits(1, becomes(Status::Completed)).await;
    clock.advance(HOUR);
    evertask.dispatch(Numbered(0)).await.unwrap();
    diary.says("completed 1").await;
    home.shut_down(evertask).await;
    assert_eq!(active_key(&home, holder).await, None);
}

/// The key is given up and taken in one commit.
async fn a_task_is_followed_by_one_with_its_own_key(home: Home) {
    let diary = Diary::default();
    let evertask = followed(&diary).at(&home).start().await.unwrap();
    evertask.dispatch(Numbered(0)).key("k").await.unwrap();
    diary.says("completed 1").await;
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle 1"), 1);
}

async fn a_lost_answer_does_not_double_a_follow_up_with_a_key(home: Home) {
    let diary = Diary::default();
    home.fail(1, Fault::LostAfterCommit, has_follow_ups);
    let evertask = followed(&diary).at(&home).start().await.unwrap();
    evertask.dispatch(Numbered(0)).await.unwrap();
    diary.says("completed 1").await;
    soon(home.failures(1)).await;
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle 1"), 1);
}
