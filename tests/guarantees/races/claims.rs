//! A storage that refuses claims is not hammered.

use std::time::Duration;

use evertask::EverTask;
use evertask::time::{ManualClock, Timestamp};

use super::world::{Runs, claims, quiet};
use crate::ground::Ground;
use crate::stage::soon;

/// Architecture, rule 2: a failed claim is repeated after a backoff.
#[actix::test]
async fn a_failed_claim_is_repeated_after_a_backoff() {
    let clock = ManualClock::starting_at(Timestamp::UNIX_EPOCH);
    let ground = Ground::memory();
    let failed = ground.fail(claims);
    let evertask = EverTask::builder()
        .storage(ground)
        .clock(clock.clone())
        .handler(Runs::held())
        .start()
        .await
        .unwrap();
    quiet(&evertask).await;
    // The first claim may have been refused in a group with another write, and then alone.
    let first = *failed.borrow();
    assert!((1..=2).contains(&first), "{first} claims at once");
    for second in 1..=3 {
        clock.advance(Duration::from_secs(1));
        quiet(&evertask).await;
        assert_eq!(*failed.borrow(), first + second);
    }
    soon(evertask.shutdown()).await.unwrap();
}
