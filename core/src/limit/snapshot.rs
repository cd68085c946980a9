use serde::{Deserialize, Serialize};

use super::bucket::Bucket;
use super::keyed::KeyedLimiter;
use super::meter::Meter;
use super::pace::Pace;
use super::scope::OwnedScope;
use crate::time::Timestamp;

/// What was spent, to be kept over a restart, so that no key gets its burst twice.
///
/// Slots are not part of it: their tasks are stored rows, which ask again after a restart. What they
/// had booked is theirs to book.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct LimiterSnapshot {
    buckets: Vec<StoredBucket>,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
struct StoredBucket {
    #[serde(flatten)]
    scope: OwnedScope,
    #[serde(flatten)]
    pace: Pace,
    /// When all of the burst is back, in whole microseconds, rounded up.
    full_at: Timestamp,
}

impl LimiterSnapshot {
    /// Of how many scopes something is spent.
    pub fn len(&self) -> usize {
        self.buckets.len()
    }

    /// Whether nothing is spent.
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }
}

impl KeyedLimiter {
    /// What is spent at `now`; a scope that has all of its burst is left out.
    pub fn snapshot(&self, now: Timestamp) -> LimiterSnapshot {
        let stored = self.table.iter().filter_map(|(scope, bucket)| {
            let (pace, granted) = (bucket.pace(), bucket.granted().0);
            (granted > pace.at(now)).then(|| StoredBucket {
                scope: scope.to_owned_scope(),
                pace,
                full_at: pace.instant(granted),
            })
        });
        LimiterSnapshot {
            buckets: stored.collect(),
        }
    }

    /// Takes over what was spent before, beside what is spent here, and answers of how many scopes.
    ///
    /// What is back by `now` is left out, and so is what finds no room. A limit that is another one by
    /// now is noticed with the first demand.
    pub fn restore(&mut self, snapshot: &LimiterSnapshot, now: Timestamp) -> usize {
        let stored = snapshot.buckets.iter();
        stored
            .filter(|stored| self.restore_bucket(stored, now))
            .count()
    }

    fn restore_bucket(&mut self, stored: &StoredBucket, now: Timestamp) -> bool {
        let StoredBucket { pace, full_at, .. } = *stored;
        if !pace.is_valid() || full_at <= now {
            return false;
        }
        let granted = Meter(pace.at(full_at));
        let scope = stored.scope.as_scope();
        let Some(place) = self.table.find(scope) else {
            let bucket = Bucket::with(pace, granted);
            return self.table.insert(scope, bucket, now).is_some();
        };
        if let Some(bucket) = self.table.bucket_mut(place) {
            let own = bucket.pace();
            bucket.adopt(pace, now);
            bucket.raise(granted);
            bucket.adopt(own, now);
        }
        true
    }
}
