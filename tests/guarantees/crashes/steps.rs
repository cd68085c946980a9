//! Issue must-show 4: crashes between a commit and its replies, and between a claim and its
//! hand-over.

use evertask::Provocation;

use super::storm::{EARLY, Storm};
use crate::ground::Ground;

async fn survive(ground: Ground, step: Provocation, times: usize) {
    let is_claim = step == Provocation::AfterClaim;
    let storm = Storm {
        ground,
        provocations: &vec![step; times],
        crashes: 0,
        after: if is_claim { EARLY } else { 0 },
    };
    let released = storm.survive().await;
    assert!(
        released > 0 || !is_claim,
        "the claim that was lost took nothing"
    );
}

macro_rules! steps {
    ($($name:ident: $storage:ident, $step:ident, $times:literal;)+) => {$(
        #[actix::test]
        async fn $name() {
            survive(Ground::$storage(), Provocation::$step, $times).await;
        }
    )+};
}

steps! {
    a_crash_between_a_commit_and_its_replies_loses_nothing_on_memory: memory, AfterCommit, 1;
    two_crashes_between_a_commit_and_its_replies_lose_nothing_on_memory: memory, AfterCommit, 2;
    a_crash_between_a_commit_and_its_replies_loses_nothing_on_sqlite: sqlite, AfterCommit, 1;
    two_crashes_between_a_commit_and_its_replies_lose_nothing_on_sqlite: sqlite, AfterCommit, 2;
    a_crash_between_a_claim_and_its_hand_over_loses_nothing_on_memory: memory, AfterClaim, 1;
    two_crashes_between_a_claim_and_its_hand_over_lose_nothing_on_memory: memory, AfterClaim, 2;
    a_crash_between_a_claim_and_its_hand_over_loses_nothing_on_sqlite: sqlite, AfterClaim, 1;
    two_crashes_between_a_claim_and_its_hand_over_lose_nothing_on_sqlite: sqlite, AfterClaim, 2;
}
