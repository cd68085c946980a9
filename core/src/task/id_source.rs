use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::{Builder, ContextV7, Uuid};

use crate::time::Timestamp;

/// Makes ids; injected like the clock, so that a test run can be repeated.
pub trait IdSource: fmt::Debug + Send + Sync + 'static {
    /// Makes an id that sorts after every id this source made before for the same or an earlier
    /// instant.
    fn next(&self, at: Timestamp) -> Uuid;
}

/// Random version 7 UUIDs, in strict order within one process.
pub struct RandomIds(Mutex<ContextV7>);

impl RandomIds {
    /// Creates the source.
    pub fn new() -> Self {
        Self(Mutex::new(ContextV7::new()))
    }
}

impl Default for RandomIds {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for RandomIds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RandomIds")
    }
}

impl IdSource for RandomIds {
    fn next(&self, at: Timestamp) -> Uuid {
        let seconds = u64::try_from(at.timestamp()).unwrap_or_default();
        Uuid::new_v7(uuid::Timestamp::from_unix(
            &self.0,
            seconds,
            at.timestamp_subsec_nanos(),
        ))
    }
}

/// Ids that depend on the seed, the instant and a count only.
#[derive(Debug)]
pub struct SeededIds {
    seed: u8,
    count: AtomicU64,
}

impl SeededIds {
    /// Creates a source; sources with different seeds make different ids.
    pub fn new(seed: u8) -> Self {
        Self {
            seed,
            count: AtomicU64::new(0),
        }
    }
}

impl IdSource for SeededIds {
    fn next(&self, at: Timestamp) -> Uuid {
        let millis = u64::try_from(at.timestamp_millis()).unwrap_or_default();
        let count = self.count.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let mut tail = [0; 10];
        tail[1..9].copy_from_slice(&count);
        tail[9] = self.seed;
        // The variant takes the two top bits of the third byte, which a count below 2^46 leaves 0.
        Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_one_instant_are_strictly_ordered() {
        let sources: [Box<dyn IdSource>; 2] =
            [Box::new(RandomIds::new()), Box::new(SeededIds::new(7))];
        for source in sources {
            let ids: Vec<_> = (0..10_000)
                .map(|_| source.next(Timestamp::UNIX_EPOCH))
                .collect();
            assert!(ids.is_sorted_by(|left, right| left < right), "{source:?}");
        }
    }
}
