//! Keys that stay taken for a time.

use std::time::Duration;

use evertask::{KeptReason, Status};

use super::existing;
use crate::one_shot::clock::StagedClock;
use crate::one_shot::home::{Home, becomes};
use crate::one_shot::player::{Diary, Player};
use crate::stage::Numbered;

on_every_storage_and_server!(
    a_key_stays_taken_for_its_time_though_its_task_is_over,
    a_task_that_outlives_its_time_gives_up_its_key_at_its_end,
);

const HOUR: Duration = Duration::from_hours(1);

async fn a_key_stays_taken_for_its_time_though_its_task_is_over(home: Home) {
    let (diary, clock) = (Diary::default(), StagedClock::new());
    let player = Player::idle(&diary);
    let evertask = player.at(&home).clock(clock.clone()).start().await.unwrap();
    let daily = |number| evertask.dispatch(Numbered(number)).key("k").key_for(HOUR);
    let first = daily(1).await.unwrap();
    home.commits(1, becomes(Status::Completed)).await;
    let held = existing(KeptReason::KeyHeld);
    for wait in [0, 60 * 60 - 1].map(Duration::from_secs) {
        clock.advance(wait);
        let again = daily(2).await.unwrap();
        assert_eq!((again.id, again.outcome), (first.id, held));
        let delayed = daily(2).after(HOUR * 2).await.unwrap();
        assert_eq!((delayed.id, delayed.outcome), (first.id, held));
    }
    clock.advance(Duration::from_secs(1));
    let next = daily(3).await.unwrap();
    assert!(next.is_new() && next.id != first.id);
    diary.says("completed 3").await;
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle 2"), 0);
    let row = home.row(first.id).await;
    assert_eq!(
        (row.state.status, row.state.active_key),
        (Status::Completed, None)
    );
    assert_eq!(home.attempts(first.id).await.len(), 1);
    let row = home.row(next.id).await;
    assert_eq!(row.state.active_key.as_deref(), Some("k"));
}

async fn a_task_that_outlives_its_time_gives_up_its_key_at_its_end(home: Home) {
    let (diary, clock) = (Diary::default(), StagedClock::new());
    let player = Player::idle(&diary);
    let evertask = player.at(&home).clock(clock.clone()).start().await.unwrap();
    let first = evertask.dispatch(Numbered(1)).key("k").key_for(HOUR);
    let first = first.after(HOUR).await.unwrap();
    clock.advance(HOUR);
    home.commits(1, becomes(Status::Completed)).await;
    assert_eq!(home.row(first.id).await.state.active_key, None);
    assert!(
        evertask
            .dispatch(Numbered(2))
            .key("k")
            .await
            .unwrap()
            .is_new()
    );
    diary.says("completed 2").await;
    home.shut_down(evertask).await;
}
