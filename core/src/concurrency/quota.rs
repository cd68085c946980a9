use std::collections::HashMap;

use super::limit::{RunningLimit, Saturated};

/// How many rows of which types and keys a claim may take.
///
/// A type that is not in it has no limit. Every storage decides by [`admits`](Self::admits).
#[derive(Clone, Debug, Default)]
pub struct ClaimQuota {
    types: Vec<TypeQuota>,
    /// The place of each name in the list of types; a type may be stored under several names.
    places: HashMap<String, usize>,
}

#[derive(Clone, Debug)]
struct TypeQuota {
    names: Vec<String>,
    limit: RunningLimit,
    running: usize,
    keys: HashMap<String, usize>,
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

    /// Whether one more row of that type and concurrency key may be taken.
    pub fn admits(&self, task: &str, key: Option<&str>) -> bool {
        let Some(of_type) = self
            .places
            .get(task)
            .and_then(|place| self.types.get(*place))
        else {
            return true;
        };
        of_type.is_open() && key.is_none_or(|key| of_type.has_room_for(key))
    }

    /// Counts a row that is taken.
    pub fn take(&mut self, task: &str, key: Option<&str>) {
        let place = self.places.get(task).copied();
        let Some(of_type) = place.and_then(|place| self.types.get_mut(place)) else {
            return;
        };
        of_type.running += 1;
        if let Some(key) = of_type.limit.key_of(key) {
            *of_type.keys.entry(key.to_owned()).or_default() += 1;
        }
    }

    /// What no row may be taken of any more.
    ///
    /// It is not longer than what runs, so it is bounded by the windows of the process.
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
        saturated.tasks.sort_unstable();
        saturated.keys.sort_unstable();
        saturated
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

    #[test]
    fn what_has_no_limit_is_always_admitted() {
        let mut quota = ClaimQuota::default().limit(&["mail"], per_key(1), 0, [("a", 1)]);
        for _ in 0..3 {
            assert!(quota.admits("other", Some("a")));
            assert!(quota.admits("mail", None));
            quota.take("other", Some("a"));
            quota.take("mail", None);
        }
    }

    #[test]
    fn a_key_is_admitted_until_as_many_run_as_may() {
        let mut quota = ClaimQuota::default().limit(&["mail"], per_key(2), 0, [("a", 1)]);
        assert!(quota.admits("mail", Some("a")));
        quota.take("mail", Some("a"));
        assert!(!quota.admits("mail", Some("a")));
        assert!(quota.admits("mail", Some("b")));
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
        quota.take("letter", Some("a"));
        assert!(!quota.admits("mail", Some("a")));
        quota.take("mail", Some("b"));
        assert!(!quota.admits("letter", None));
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
                        assert_eq!(quota.admits("mail", Some("a")), !passed_over);
                    }
                }
            }
        }
    }
}
