//! When a cycle comes by itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use evertask::{EverTask, Phase, Provocation, RequestError, RetentionPolicy, StartError, Target};

use super::world::{World, a_week};
use crate::ground::Step;
use crate::stage::{Numbered, over, soon};

on_every_storage! {
    the_first_cycle_comes_a_minute_after_the_start_and_the_next_a_day_later,
    the_times_of_cycles_can_be_chosen,
    a_cycle_that_fails_does_not_stop_those_to_come,
    a_crash_of_the_housekeeper_does_not_stop_the_cycles,
    without_a_policy_there_are_no_cycles,
    what_a_runtime_ran_goes_after_its_window,
}

const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

async fn end(evertask: EverTask) {
    soon(evertask.shutdown()).await.unwrap();
}

/// Storage specification 4.1.
async fn the_first_cycle_comes_a_minute_after_the_start_and_the_next_a_day_later(world: World) {
    let (old, young) = (
        world.completed(8, vec![]).await,
        world.completed(6, vec![]).await,
    );
    let evertask = world.start(a_week()).await;
    world.clock.asked_for(MINUTE).await;
    world.clock.advance(Duration::from_secs(59));
    assert!(world.exists(old).await);
    world.clock.advance(Duration::from_secs(1));
    world.clock.asked_for(DAY).await;
    assert!(!world.exists(old).await);
    assert!(world.exists(young).await);
    // A week after its end, to the minute, it is still inside its window.
    world.clock.advance(DAY);
    world.clock.pass(DAY).await;
    world.clock.asked_for(DAY).await;
    assert!(!world.exists(young).await);
    end(evertask).await;
}

async fn the_times_of_cycles_can_be_chosen(world: World) {
    let (delay, interval) = (Duration::from_secs(7), Duration::from_mins(11));
    let policy = a_week().initial_delay(delay).interval(interval);
    let evertask = world.start(policy).await;
    world.clock.pass(delay).await;
    world.clock.pass(interval).await;
    world.clock.asked_for(interval).await;
    end(evertask).await;
    let refused = world.builder().retention(a_week().interval(Duration::ZERO));
    let Err(StartError::Setting { setting, .. }) = refused.start().await else {
        panic!("an interval of zero was accepted");
    };
    assert_eq!(setting, "retention");
}

/// Storage edge case 88.
async fn a_cycle_that_fails_does_not_stop_those_to_come(world: World) {
    let old = world.completed(8, vec![]).await;
    let forbidden = AtomicBool::new(true);
    let failed = world.ground.fail(move |step| {
        matches!(step, Step::Retention) && forbidden.swap(false, Ordering::Relaxed)
    });
    let evertask = world.start(a_week()).await;
    world.clock.pass(MINUTE).await;
    world.clock.asked_for(DAY).await;
    assert_eq!(*failed.borrow(), 1);
    assert!(world.exists(old).await);
    world.clock.advance(DAY);
    world.clock.asked_for(DAY).await;
    assert!(!world.exists(old).await);
    end(evertask).await;
}

async fn a_crash_of_the_housekeeper_does_not_stop_the_cycles(world: World) {
    let old = world.completed(8, vec![]).await;
    let evertask = world.start(a_week()).await;
    world.clock.asked_for(MINUTE).await;
    evertask.provoke(Provocation::Actor(Target::Housekeeper, Phase::Message));
    soon(evertask.crashed(1)).await;
    world.clock.pass(MINUTE).await;
    world.clock.pass(DAY).await;
    assert!(!world.exists(old).await);
    world.clock.asked_for(DAY).await;
    end(evertask).await;
}

async fn without_a_policy_there_are_no_cycles(world: World) {
    let old = world.completed(1_000, vec![]).await;
    let evertask = soon(world.builder().start()).await.unwrap();
    let asked = soon(evertask.run_retention()).await;
    assert!(matches!(asked, Err(RequestError::NoRetention)), "{asked:?}");
    let asked = soon(evertask.preview_retention()).await;
    assert!(matches!(asked, Err(RequestError::NoRetention)), "{asked:?}");
    assert!(world.clock.is_not_waited_for());
    assert!(world.exists(old).await);
    end(evertask).await;
}

async fn what_a_runtime_ran_goes_after_its_window(world: World) {
    let policy: RetentionPolicy = a_week();
    let evertask = world.start(policy).await;
    let mut events = evertask.events();
    let id = soon(evertask.dispatch(Numbered(1)).into_future())
        .await
        .unwrap()
        .id;
    over(&mut events, 1).await;
    world.clock.pass(MINUTE).await;
    world.clock.asked_for(DAY).await;
    assert!(world.exists(id).await);
    world.clock.advance(8 * DAY);
    world.clock.asked_for(DAY).await;
    assert!(!world.exists(id).await);
    end(evertask).await;
}
