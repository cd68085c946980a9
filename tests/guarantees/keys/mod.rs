//! A key is held by one task at a time: what a dispatch with the same key comes to.
//!
//! What keys mean for series is shown in `series::keys`.

mod follow_ups;
mod holders;
mod input;
mod period;
mod races;

use std::sync::Arc;

use evertask::{DispatchOutcome, KeptReason};
use tokio::sync::Semaphore;

use crate::one_shot::player::{Diary, Player};

/// A player whose tasks wait for the gate.
fn gated(diary: &Diary) -> (Player, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let opened = Arc::clone(&gate);
    let player = Player::new(diary, move |_, _| {
        let opened = Arc::clone(&opened);
        async move {
            opened
                .acquire()
                .await
                .expect("the gate is never closed")
                .forget();
            Ok(())
        }
    });
    (player, gate)
}

fn existing(reason: KeptReason) -> DispatchOutcome {
    DispatchOutcome::Existing(reason)
}
