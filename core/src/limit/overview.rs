use std::cmp::Reverse;

use super::bucket::Bucket;
use super::keyed::KeyedLimiter;
use super::scope::{OwnedScope, Scope};
use crate::time::Timestamp;

/// What a limiter is doing, for people to look at.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Overview {
    /// How many scopes are tracked.
    pub tracked: usize,
    /// How often a scope was not tracked when a task of it was granted.
    pub fail_opens: u64,
    /// How many slots are booked.
    pub parked: usize,
    /// The scopes with most slots booked, most first; of as many the one that is named first.
    pub busiest: Vec<BucketView>,
}

/// The state of one scope.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BucketView {
    /// The scope.
    pub scope: OwnedScope,
    /// How many tasks have a slot.
    pub parked: usize,
    /// The first slot that is not past; of slots that are all past the last one.
    pub next_slot: Option<Timestamp>,
    /// How many tasks that cost one could start now, beside those that have booked.
    pub available: u32,
    /// When all of its burst is back, if nothing else is booked.
    pub full_at: Timestamp,
}

impl KeyedLimiter {
    /// What the limiter is doing, with at most `most` scopes in full.
    ///
    /// It looks at every scope that is tracked, and at every slot of those that it shows.
    pub fn overview(&self, most: usize, now: Timestamp) -> Overview {
        let all = self.table.iter();
        let mut busy: Vec<_> = all.filter(|(_, bucket)| bucket.parked() > 0).collect();
        let order = |(scope, bucket): &(Scope<'_>, &Bucket)| {
            (Reverse(bucket.parked()), scope.to_owned_scope())
        };
        let parked = busy.iter().map(|(_, bucket)| bucket.parked()).sum();
        busy.sort_by_cached_key(order);
        busy.truncate(most);
        Overview {
            tracked: self.tracked(),
            fail_opens: self.fail_opens(),
            parked,
            busiest: busy
                .into_iter()
                .map(|(scope, bucket)| view(scope, bucket, now))
                .collect(),
        }
    }

    /// The state of one scope, if it is tracked.
    pub fn view(&self, scope: Scope<'_>, now: Timestamp) -> Option<BucketView> {
        let bucket = self.table.bucket(self.table.find(scope)?)?;
        Some(view(scope, bucket, now))
    }
}

fn view(scope: Scope<'_>, bucket: &Bucket, now: Timestamp) -> BucketView {
    let slots = || bucket.slots().map(|moved| moved.slot);
    let coming = slots().filter(|slot| *slot > now).min();
    let pace = bucket.pace();
    BucketView {
        scope: scope.to_owned_scope(),
        parked: bucket.parked(),
        next_slot: coming.or_else(|| slots().max()),
        available: bucket.available(pace.at(now)),
        full_at: pace.instant(bucket.full_at()),
    }
}
