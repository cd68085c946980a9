use std::collections::HashMap;

use super::limit::{RunningLimit, Saturated};
use crate::limit;
use crate::task::TaskDefinition;

/// How many rows of which types and keys a claim may take.
///
/// A type that is not in it has no limit. Every storage decides by [`admits`](Self::admits).
#[derive(Clone, Debug, Default)]
pub struct ClaimQuota {
    types: Vec<TypeQuota>,
    /// The place of each name in the list of types; a type may be stored under several names.
    places: HashMap<String, usize>,
    /// How many more rows of a limit key may be taken, whatever the name of its type.
    rooms: Vec<usize>,
    /// The place of each limit key in the list of rooms, by the name it is stored under.
    throttled: HashMap<String, HashMap<String, usize>>,
}

/// What a row counts against.
#[derive(Clone, Copy, Debug)]
pub struct QuotaKeys<'a> {
    /// The name of its type.
    pub task: &'a str,
    /// Its concurrency key.
    pub concurrency_key: Option<&'a str>,
    /// The key of its rate limit.
    pub limit_key: Option<&'a str>,
}

#[derive(Clone, Debug)]
struct TypeQuota {
    names: Vec<String>,
    limit: RunningLimit,
    running: usize,
    keys: HashMap<String, usize>,
}

impl<'a> QuotaKeys<'a> {
    /// What a task counts against.
    pub fn of(task: &'a TaskDefinition) -> Self {
        Self {
            task: &task.task,
            concurrency_key: task.concurrency_key.as_deref(),
            limit_key: task.limit_key.as_deref(),
        }
    }
}

impl ClaimQuota {
    /// Adds a type that is stored under any of these names, with what of it runs already.
    #[must_use]
    pub fn limit<'a>(
        mut self,
        names: &[&str],
        limit: RunningLimit,
        running: usize,
        keys: impl IntoIterator<Item = (&'a str, usize)>,
    ) -> Self {
        let place = self.types.len();
        for name in names {
            self.places.insert((*name).to_owned(), place);
        }
        self.types.push(TypeQuota {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            limit,
            running,
            keys: keys
                .into_iter()
                .map(|(key, running)| (key.to_owned(), running))
                .collect(),
        });
        self
    }

    /// Of the tasks that are stored under any of these names with that limit key, takes at most `room`
    /// more.
    ///
    /// Without room, storages pass over all of them at once, however many there are.
    #[must_use]
    pub fn throttle(mut self, names: &[&str], key: &str, room: usize) -> Self {
        let place = self.rooms.len();
        for name in names {
            let keys = self.throttled.entry((*name).to_owned()).or_default();
            keys.insert(key.to_owned(), place);
        }
        self.rooms.push(room);
        self
    }

    /// Of the tasks that are stored under any of these names, takes at most `room` more, whatever else
    /// limits them.
    #[must_use]
    pub fn at_most(mut self, names: &[&str], room: usize) -> Self {
        let known = names.iter().find_map(|name| self.places.get(*name));
        let Some(of_type) = known.and_then(|place| self.types.get_mut(*place)) else {
            let limit = RunningLimit {
                running: Some(room),
                running_per_key: None,
            };
            return self.limit(names, limit, 0, []);
        };
        let most = of_type.running.saturating_add(room);
        of_type.limit.running = Some(of_type.limit.running.map_or(most, |other| other.min(most)));
        self
    }

    /// Whether one more row of that type and these keys may be taken.
    pub fn admits(&self, row: QuotaKeys<'_>) -> bool {
        self.admits_lane(row) && self.admits_turn(row)
    }

    /// Whether its limit key has room, whatever its type and its concurrency key have.
    pub fn admits_lane(&self, row: QuotaKeys<'_>) -> bool {
        let room = self
            .place_of_room(row)
            .and_then(|place| self.rooms.get(place));
        room.is_none_or(|room| *room > 0)
    }

    fn admits_turn(&self, row: QuotaKeys<'_>) -> bool {
        let Some(of_type) = self
            .places
            .get(row.task)
            .and_then(|place| self.types.get(*place))
        else {
            return true;
        };
        let key = row.concurrency_key;
        of_type.is_open() && key.is_none_or(|key| of_type.has_room_for(key))
    }

    /// Counts a row that is taken.
    pub fn take(&mut self, row: QuotaKeys<'_>) {
        let place = self.place_of_room(row);
        if let Some(room) = place.and_then(|place| self.rooms.get_mut(place)) {
            *room = room.saturating_sub(1);
        }
        let place = self.places.get(row.task).copied();
        let Some(of_type) = place.and_then(|place| self.types.get_mut(place)) else {
            return;
        };
        of_type.running += 1;
        if let Some(key) = of_type.limit.key_of(row.concurrency_key) {
            *of_type.keys.entry(key.to_owned()).or_default() += 1;
        }
    }

    /// What no row may be taken of any more.
    ///
    /// Its types and keys are not longer than what runs, so they are bounded by the windows of the
    /// process; its lanes are bounded by what the claim was told.
    pub fn saturated(&self) -> Saturated {
        let mut saturated = Saturated::default();
        for of_type in &self.types {
            if !of_type.is_open() {
                saturated.tasks.extend(of_type.names.iter().cloned());
                continue;
            }
            let full = of_type.keys.keys().filter(|key| !of_type.has_room_for(key));
            for key in full {
                let names = of_type.names.iter().cloned();
                saturated.keys.extend(names.map(|name| (name, key.clone())));
            }
        }
        let lanes = self.full_keys().map(|(name, key)| limit::lane(name, key));
        saturated.lanes.extend(lanes);
        saturated.tasks.sort_unstable();
        saturated.keys.sort_unstable();
        saturated.lanes.sort_unstable();
        saturated
    }

    /// The names of types and the limit keys whose lanes are saturated and pass `is_due`, sorted: what
    /// [`ClaimAnswer::throttled`](crate::storage::ClaimAnswer::throttled) says.
    pub fn throttled(&self, is_due: impl Fn(&str) -> bool) -> Vec<(String, String)> {
        let due = self.full_keys();
        let due = due.filter(|(name, key)| is_due(&limit::lane(name, key)));
        let mut throttled: Vec<_> = due
            .map(|(name, key)| (name.to_owned(), key.to_owned()))
            .collect();
        throttled.sort_unstable();
        throttled
    }

    fn full_keys(&self) -> impl Iterator<Item = (&str, &str)> {
        let is_full = |place: usize| self.rooms.get(place) == Some(&0);
        self.throttled.iter().flat_map(move |(name, keys)| {
            let full = keys.iter().filter(move |(_, place)| is_full(**place));
            full.map(move |(key, _)| (name.as_str(), key.as_str()))
        })
    }

    /// The room that its limit key shares with the other names of the type.
    fn place_of_room(&self, row: QuotaKeys<'_>) -> Option<usize> {
        self.throttled.get(row.task)?.get(row.limit_key?).copied()
    }
}

impl TypeQuota {
    fn is_open(&self) -> bool {
        self.limit.running.is_none_or(|most| self.running < most)
    }

    fn has_room_for(&self, key: &str) -> bool {
        let running = self.keys.get(key).copied().unwrap_or(0);
        self.limit.running_per_key.is_none_or(|most| running < most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn per_key(most: usize) -> RunningLimit {
        RunningLimit {
            running: None,
            running_per_key: Some(most),
        }
    }

    fn row<'a>(task: &'a str, concurrency_key: Option<&'a str>) -> QuotaKeys<'a> {
        QuotaKeys {
            task,
            concurrency_key,
            limit_key: None,
        }
    }

    fn limited<'a>(task: &'a str, limit_key: Option<&'a str>) -> QuotaKeys<'a> {
        QuotaKeys {
            limit_key,
            ..row(task, None)
        }
    }

    #[test]
    fn what_has_no_limit_is_always_admitted() {
        let mut quota = ClaimQuota::default().limit(&["mail"], per_key(1), 0, [("a", 1)]);
        for _ in 0..3 {
            assert!(quota.admits(row("other", Some("a"))));
            assert!(quota.admits(row("mail", None)));
            quota.take(row("other", Some("a")));
            quota.take(row("mail", None));
        }
    }

    #[test]
    fn a_key_is_admitted_until_as_many_run_as_may() {
        let mut quota = ClaimQuota::default().limit(&["mail"], per_key(2), 0, [("a", 1)]);
        assert!(quota.admits(row("mail", Some("a"))));
        quota.take(row("mail", Some("a")));
        assert!(!quota.admits(row("mail", Some("a"))));
        assert!(quota.admits(row("mail", Some("b"))));
        let full = vec![("mail".to_owned(), "a".to_owned())];
        assert_eq!(quota.saturated().keys, full);
    }

    #[test]
    fn the_names_of_a_type_count_together() {
        let limit = RunningLimit {
            running: Some(2),
            running_per_key: Some(1),
        };
        let mut quota = ClaimQuota::default().limit(&["mail", "letter"], limit, 0, []);
        quota.take(row("letter", Some("a")));
        assert!(!quota.admits(row("mail", Some("a"))));
        quota.take(row("mail", Some("b")));
        assert!(!quota.admits(row("letter", None)));
        let saturated = quota.saturated();
        assert_eq!(saturated.tasks, ["letter", "mail"]);
        assert!(saturated.keys.is_empty(), "their type says it already");
    }

    #[test]
    fn a_quota_admits_exactly_what_is_not_saturated() {
        for running in 0..4 {
            for of_key in 0..=running.min(3) {
                for most in [None, Some(2)] {
                    for most_per_key in [None, Some(1)] {
                        let limit = RunningLimit {
                            running: most,
                            running_per_key: most_per_key,
                        };
                        let quota =
                            ClaimQuota::default().limit(&["mail"], limit, running, [("a", of_key)]);
                        let saturated = quota.saturated();
                        let key = ("mail".to_owned(), "a".to_owned());
                        let passed_over =
                            saturated.tasks == ["mail"] || saturated.keys.contains(&key);
                        assert_eq!(quota.admits(row("mail", Some("a"))), !passed_over);
                    }
                }
            }
        }
    }

    #[test]
    fn a_type_without_room_is_not_admitted_whatever_else_limits_it() {
        let limit = RunningLimit {
            running: Some(5),
            running_per_key: None,
        };
        let mut quota = ClaimQuota::default()
            .limit(&["mail", "letter"], limit, 3, [])
            .at_most(&["mail", "letter"], 1)
            .at_most(&["call"], 0);
        assert!(quota.admits(row("letter", None)));
        assert!(!quota.admits(row("call", None)));
        quota.take(row("mail", None));
        assert!(!quota.admits(row("letter", None)));
        assert_eq!(quota.saturated().tasks, ["call", "letter", "mail"]);
        let wide = ClaimQuota::default().limit(&["mail"], limit, 3, []);
        let mut wide = wide.at_most(&["mail"], 9);
        wide.take(row("mail", None));
        wide.take(row("mail", None));
        assert!(!wide.admits(row("mail", None)));
    }

    #[test]
    fn a_throttled_key_is_admitted_as_long_as_it_has_room() {
        let mut quota = ClaimQuota::default()
            .throttle(&["mail", "letter"], "a", 2)
            .throttle(&["mail"], "b", 0);
        assert!(quota.admits(limited("mail", Some("a"))));
        assert!(!quota.admits(limited("mail", Some("b"))));
        assert!(quota.admits(limited("letter", Some("b"))), "another type");
        assert!(quota.admits(limited("mail", None)));
        assert_eq!(quota.saturated().lanes, ["mail\nb"]);
        quota.take(limited("mail", Some("a")));
        quota.take(limited("letter", Some("a")));
        assert!(!quota.admits(limited("mail", Some("a"))));
        assert_eq!(quota.saturated().lanes, ["letter\na", "mail\na", "mail\nb"]);
        let due = quota.throttled(|lane| lane.starts_with("mail"));
        let expected = [("mail", "a"), ("mail", "b")];
        assert_eq!(
            due,
            expected.map(|(name, key)| (name.to_owned(), key.to_owned()))
        );
    }

    #[test]
    fn of_a_key_that_is_throttled_twice_the_last_room_counts() {
        let quota = ClaimQuota::default()
            .throttle(&["mail"], "a", 0)
            .throttle(&["mail"], "a", 1);
        assert!(quota.admits(limited("mail", Some("a"))));
        assert!(quota.saturated().lanes.is_empty());
    }
}
