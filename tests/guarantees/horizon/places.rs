//! How much is held at once.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::{HORIZON, Stage};
use crate::one_shot::home::Home;
use crate::one_shot::player::Player;

on_every_storage_and_server! {
    more_than_there_are_places_for_all_run_at_their_instants,
    what_is_due_enters_a_full_window,
}

const PLACES: usize = 4;

/// Twenty tasks within the horizon and four places.
async fn more_than_there_are_places_for_all_run_at_their_instants(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.builder_with(PLACES).start().await.unwrap();
    for number in 1..=20 {
        stage
            .dispatch(&evertask, number, 100 + u64::from(number))
            .await;
    }
    stage.advance_to(75);
    for number in 1..=20_usize {
        stage.advance_to(100 + u64::try_from(number).unwrap());
        stage.diary.counts(number, "completed").await;
        assert!(evertask.in_memory().ahead <= PLACES);
    }
    stage.home.shut_down(evertask).await;
    let expected: Vec<_> = (1..=20).map(|number: u32| number.to_string()).collect();
    assert_eq!(stage.order(), expected);
}

/// It has waited long enough, and only so much is held.
async fn what_is_due_enters_a_full_window(home: Home) {
    let mut stage = Stage::new(home);
    let gate = Arc::new(Semaphore::new(0));
    let opened = Arc::clone(&gate);
    stage.player = Player::new(&stage.diary, move |_, _| {
        let opened = Arc::clone(&opened);
        async move {
            opened.acquire().await?.forget();
            Ok(())
        }
    });
    let evertask = stage.builder_with(1).start().await.unwrap();
    stage.dispatch(&evertask, 3, 10).await;
    // One runs, one waits, and then nothing more fits.
    for number in [1, 2] {
        stage.dispatch(&evertask, number, 0).await;
    }
    stage.diary.says("started 1").await;
    stage.advance_to(10);
    // One that is dispatched now comes later than all of them.
    stage.clock.advance(HORIZON);
    stage.dispatch(&evertask, 4, 0).await;
    gate.add_permits(4);
    stage.diary.counts(4, "completed").await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.order(), ["1", "2", "3", "4"]);
}
