use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::bucket::Bucket;
use super::scope::{Scope, ScopeKind};
use crate::time::Timestamp;

/// The buckets of all scopes, at most a given number of them.
///
/// A known scope is found with one hash and without an allocation. A bucket that is idle is one that a
/// new one would equal, so it can be forgotten. That needs no task of its own: whoever brings a new
/// scope looks at two of the buckets that should be idle by now, and at more if there is no room.
#[derive(Clone, Debug)]
pub(super) struct Table {
    max_scopes: usize,
    hashes: RandomState,
    /// The places of the entries.
    index: HashTable<u32>,
    entries: Vec<Option<Entry>>,
    free: Vec<u32>,
    /// When to look whether an entry is idle. An entry that is looked at at another time than this says
    /// was queued anew, for an earlier time.
    looks: BinaryHeap<Reverse<(i64, u32)>>,
    /// Until then somebody may have spent, nobody knows how much.
    pub(super) spent_until: Option<Timestamp>,
}

/// A scope and its bucket, laid out for little memory: the name and the key are one text.
#[derive(Clone, Debug)]
struct Entry {
    bucket: Bucket,
    text: Box<str>,
    /// In microseconds of the Unix epoch.
    look_at: i64,
    key_from: u32,
    kind: ScopeKind,
}

impl Entry {
    fn scope(&self) -> Scope<'_> {
        let from = usize::try_from(self.key_from).unwrap_or(usize::MAX);
        let parts = self.text.split_at_checked(from);
        let (name, key) = parts.unwrap_or((&self.text, ""));
        Scope {
            kind: self.kind,
            name,
            key,
        }
    }
}

/// How many buckets that should be idle a new scope looks at: one more than it adds, so that the table
/// shrinks again while it is used.
const LOOKS_PER_INSERT: usize = 2;

/// By what part a list grows. Doubling would leave half of it unused.
const GROWTH_DIVISOR: usize = 8;

impl Table {
    pub(super) fn new(max_scopes: usize) -> Self {
        Self {
            // Places are numbers of 32 bits.
            max_scopes: max_scopes.min(1 << 31),
            hashes: RandomState::new(),
            index: HashTable::new(),
            entries: Vec::new(),
            free: Vec::new(),
            looks: BinaryHeap::new(),
            spent_until: None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    /// What the lists take in memory, used or not, without the texts.
    #[cfg(test)]
    pub(super) fn list_bytes(&self) -> usize {
        self.index.allocation_size()
            + self.entries.capacity() * size_of::<Option<Entry>>()
            + self.looks.capacity() * size_of::<Reverse<(i64, u32)>>()
            + self.free.capacity() * size_of::<u32>()
    }

    pub(super) fn find(&self, scope: Scope<'_>) -> Option<u32> {
        let hash = self.hashes.hash_one(scope);
        let is_it = |place: &u32| {
            self.entry(*place)
                .is_some_and(|entry| entry.scope() == scope)
        };
        self.index.find(hash, is_it).copied()
    }

    /// Adds a bucket for a scope that is not found; `None` if there is no room.
    pub(super) fn insert(
        &mut self,
        scope: Scope<'_>,
        bucket: Bucket,
        now: Timestamp,
    ) -> Option<u32> {
        self.evict(now, LOOKS_PER_INSERT);
        if self.len() >= self.max_scopes {
            self.evict_until(now, |table| table.len() < table.max_scopes);
        }
        if self.len() >= self.max_scopes {
            return None;
        }
        let look_at = look_at(&bucket);
        let entry = Entry {
            bucket,
            text: [scope.name, scope.key].concat().into_boxed_str(),
            look_at,
            key_from: u32::try_from(scope.name.len()).ok()?,
            kind: scope.kind,
        };
        let place = self.place(entry)?;
        let (entries, hashes) = (&self.entries, &self.hashes);
        let hash_of = |place: &u32| {
            let entry = usize::try_from(*place)
                .ok()
                .and_then(|place| entries.get(place)?.as_ref());
            entry.map_or(0, |entry| hashes.hash_one(entry.scope()))
        };
        self.index
            .insert_unique(hashes.hash_one(scope), place, hash_of);
        self.queue_look(look_at, place);
        Some(place)
    }

    fn place(&mut self, entry: Entry) -> Option<u32> {
        if let Some(place) = self.free.pop() {
            *self.entries.get_mut(usize::try_from(place).ok()?)? = Some(entry);
            return Some(place);
        }
        let place = u32::try_from(self.entries.len()).ok()?;
        if self.entries.len() == self.entries.capacity() {
            self.entries
                .reserve_exact(self.entries.len() / GROWTH_DIVISOR + 16);
        }
        self.entries.push(Some(entry));
        Some(place)
    }

    pub(super) fn bucket(&self, place: u32) -> Option<&Bucket> {
        self.entry(place).map(|entry| &entry.bucket)
    }

    /// The bucket to change. Whatever can make it idle earlier is followed by [`settle`](Self::settle).
    pub(super) fn bucket_mut(&mut self, place: u32) -> Option<&mut Bucket> {
        let place = usize::try_from(place).ok()?;
        let entry = self.entries.get_mut(place)?.as_mut();
        entry.map(|entry| &mut entry.bucket)
    }

    /// Sees to it that a bucket that may be idle earlier than it seemed is looked at in time.
    pub(super) fn settle(&mut self, place: u32) {
        let entries = usize::try_from(place).ok();
        let Some(Some(entry)) = entries.and_then(|place| self.entries.get_mut(place)) else {
            return;
        };
        let look_at = look_at(&entry.bucket);
        if look_at < entry.look_at {
            entry.look_at = look_at;
            self.queue_look(look_at, place);
        }
    }

    /// Keeps a bucket from being forgotten at this instant.
    pub(super) fn keep(&mut self, place: u32, now: Timestamp) {
        let entries = usize::try_from(place).ok();
        let Some(Some(entry)) = entries.and_then(|place| self.entries.get_mut(place)) else {
            return;
        };
        let next = now.timestamp_micros().saturating_add(1);
        if entry.look_at < next {
            entry.look_at = next;
            self.queue_look(next, place);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Scope<'_>, &Bucket)> {
        let entries = self.entries.iter().flatten();
        entries.map(|entry| (entry.scope(), &entry.bucket))
    }

    /// The places of scopes of a name and kind.
    pub(super) fn places_of(&self, kind: ScopeKind, name: &str) -> Vec<u32> {
        let places = self.index.iter().copied();
        let is_of = |place: &u32| {
            let entry = self.entry(*place);
            entry.is_some_and(|entry| entry.kind == kind && entry.scope().name == name)
        };
        places.filter(is_of).collect()
    }

    /// Forgets every idle bucket.
    pub(super) fn evict_idle(&mut self, now: Timestamp) {
        self.evict_until(now, |_| false);
    }

    fn evict(&mut self, now: Timestamp, looks: usize) {
        let mut left = looks;
        self.evict_until(now, |_| {
            let is_done = left == 0;
            left = left.saturating_sub(1);
            is_done
        });
    }

    fn evict_until(&mut self, now: Timestamp, mut is_done: impl FnMut(&Self) -> bool) {
        while let Some(Reverse((at, place))) = self.looks.peek().copied()
            && at <= now.timestamp_micros()
            && !is_done(self)
        {
            self.looks.pop();
            self.look(place, at, now);
        }
    }

    fn look(&mut self, place: u32, at: i64, now: Timestamp) {
        let entries = usize::try_from(place).ok();
        let Some(slot) = entries.and_then(|place| self.entries.get_mut(place)) else {
            return;
        };
        let Some(entry) = slot.as_mut().filter(|entry| entry.look_at == at) else {
            return;
        };
        let ticks = entry.bucket.pace().at(now);
        entry.bucket.purge(ticks);
        if !entry.bucket.is_idle(ticks) {
            entry.look_at = look_at(&entry.bucket);
            let look_at = entry.look_at;
            self.queue_look(look_at, place);
            return;
        }
        let hash = self.hashes.hash_one(entry.scope());
        *slot = None;
        if let Ok(found) = self.index.find_entry(hash, |other| *other == place) {
            found.remove();
        }
        self.free.push(place);
    }

    fn queue_look(&mut self, at: i64, place: u32) {
        // Those that were queued anew leave an old look behind each.
        if self.looks.len() > 2 * self.entries.len() + 64 {
            let entries = self.entries.iter().zip(0..);
            let looks = entries.filter_map(|(entry, place)| Some((entry.as_ref()?.look_at, place)));
            self.looks = looks.map(Reverse).collect();
            return;
        }
        if self.looks.len() == self.looks.capacity() {
            self.looks
                .reserve_exact(self.looks.len() / GROWTH_DIVISOR + 16);
        }
        self.looks.push(Reverse((at, place)));
    }

    fn entry(&self, place: u32) -> Option<&Entry> {
        let place = usize::try_from(place).ok()?;
        self.entries.get(place)?.as_ref()
    }
}

fn look_at(bucket: &Bucket) -> i64 {
    let idle_from = bucket.pace().instant(bucket.idle_from());
    idle_from.timestamp_micros()
}
