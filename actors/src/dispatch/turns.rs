use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Lets the dispatches of one key take turns, so that within a process they never contend for its row.
///
/// What is kept of a key is gone with the last dispatch that uses it.
#[derive(Clone, Default)]
pub(crate) struct KeyTurns(Arc<Mutex<HashMap<String, Line>>>);

/// The dispatches of one key.
struct Line {
    turn: Arc<Semaphore>,
    length: usize,
}

/// A turn, or a place in the line for one; given up when dropped.
#[must_use]
pub(super) struct KeyTurn {
    turns: KeyTurns,
    key: String,
    permit: Option<OwnedSemaphorePermit>,
}

impl KeyTurns {
    /// Waits until no other dispatch of the key has the turn; they come in the order they asked.
    pub(super) async fn take(&self, key: &str) -> KeyTurn {
        let semaphore = self.stand_in_line(key);
        // Made before the wait: a dispatch that is dropped meanwhile leaves the line.
        let mut turn = KeyTurn {
            turns: self.clone(),
            key: key.to_owned(),
            permit: None,
        };
        turn.permit = semaphore.acquire_owned().await.ok();
        turn
    }

    /// For how many keys there is a line.
    #[cfg(feature = "testing")]
    pub(crate) fn lines(&self) -> usize {
        self.0.lock().len()
    }

    fn stand_in_line(&self, key: &str) -> Arc<Semaphore> {
        let mut lines = self.0.lock();
        let line = lines.entry(key.to_owned()).or_insert_with(|| Line {
            turn: Arc::new(Semaphore::new(1)),
            length: 0,
        });
        line.length += 1;
        Arc::clone(&line.turn)
    }
}

impl Drop for KeyTurn {
    fn drop(&mut self) {
        self.permit = None;
        let mut lines = self.turns.0.lock();
        let Some(line) = lines.get_mut(&self.key) else {
            return;
        };
        line.length = line.length.saturating_sub(1);
        if line.length == 0 {
            lines.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use futures::poll;

    use super::*;

    #[actix::test]
    async fn the_dispatches_of_a_key_take_turns_and_those_of_others_do_not_wait() {
        let turns = KeyTurns::default();
        let first = turns.take("k").now_or_never();
        let mut second = Box::pin(turns.take("k"));
        let mut third = Box::pin(turns.take("k"));
        assert!(poll!(&mut second).is_pending() && poll!(&mut third).is_pending());
        assert!(turns.take("K").now_or_never().is_some());
        // One that is dropped while it waits is not waited for.
        drop(second);
        drop(first);
        assert!(poll!(&mut third).is_ready());
    }

    /// Core edge case 66.
    #[actix::test]
    async fn nothing_is_kept_of_a_key_that_nobody_uses() {
        let turns = KeyTurns::default();
        for key in 0..1_000 {
            let _turn = turns.take(&key.to_string()).await;
            assert_eq!(turns.0.lock().len(), 1);
        }
        assert!(turns.0.lock().is_empty());
    }
}
