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
    // Those of two queues: each alone, or in a group with other writes first.
    let first = *failed.borrow();
    assert!((2..=4).contains(&first), "{first} claims at once");
    let mut before = first;
    for _ in 0..3 {
        clock.advance(Duration::from_secs(1));
        quiet(&evertask).await;
        let more = *failed.borrow() - before;
        assert!((2..=3).contains(&more), "{more} claims in a second");
        before += more;
    }
    soon(evertask.shutdown()).await.unwrap();
}
