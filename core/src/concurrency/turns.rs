use std::collections::HashMap;

use super::limit::RunningLimit;
use super::quota::ClaimQuota;

/// The turns of a process, and where rows are stored that wait for one.
///
/// `Queue` names a queue. A *mark* says that rows of a type, or of a key of it, may be stored in a
/// queue that found no turn. It is set when such a row was stored or passed over, and cleared by a claim
/// of that queue that began later and left none.
#[derive(Debug)]
pub struct Turns<Queue> {
    types: Vec<TypeTurns>,
    /// The place of each name in the list of types.
    places: HashMap<String, usize>,
    marks: HashMap<Scope, Vec<(Queue, u64)>>,
    /// Counts marks, so that a claim knows which are older than it.
    last_mark: u64,
}

#[derive(Debug)]
struct TypeTurns {
    names: Vec<String>,
    limit: RunningLimit,
    running: usize,
    keys: HashMap<String, usize>,
}

/// A type, by its place, or a key of it.
type Scope = (usize, Option<String>);

/// What a claim was told, kept until it has ended.
#[derive(Clone, Debug)]
pub struct Claiming {
    /// How much it may take.
    pub quota: ClaimQuota,
    last_mark: u64,
}

impl<Queue: Clone + PartialEq> Turns<Queue> {
    /// Creates the turns of types that are stored under several names each; those without a limit
    /// can be left out.
    pub fn new(types: impl IntoIterator<Item = (Vec<String>, RunningLimit)>) -> Self {
        let limited = types.into_iter().filter(|(_, limit)| !limit.is_none());
        let types: Vec<_> = limited
            .map(|(names, limit)| TypeTurns {
                names,
                limit,
                running: 0,
                keys: HashMap::new(),
            })
            .collect();
        let places = types.iter().enumerate().flat_map(|(place, of_type)| {
            let names = of_type.names.iter().cloned();
            names.map(move |name| (name, place))
        });
        Self {
            places: places.collect(),
            types,
            marks: HashMap::new(),
            last_mark: 0,
        }
    }

    /// Whether a task of that name counts against anything.
    pub fn is_limited(&self, task: &str) -> bool {
        self.places.contains_key(task)
    }

    /// How many turns are taken of all types together.
    pub fn taken(&self) -> usize {
        self.types.iter().map(|of_type| of_type.running).sum()
    }

    /// Takes a turn for a live dispatch; `false` if there is none, or if rows are stored that have
    /// been waiting for one.
    pub fn take_live(&mut self, task: &str, key: Option<&str>) -> bool {
        let is_marked = self
            .scopes(task, key)
            .iter()
            .any(|scope| self.marks.contains_key(scope));
        !is_marked && self.take(task, key)
    }

    /// Takes a turn for a row that was claimed; `false` if there is none.
    pub fn take(&mut self, task: &str, key: Option<&str>) -> bool {
        let Some(of_type) = self.of_type(task) else {
            return true;
        };
        if !of_type.is_free(key) {
            return false;
        }
        of_type.running += 1;
        if let Some(key) = of_type.limit.key_of(key) {
            *of_type.keys.entry(key.to_owned()).or_default() += 1;
        }
        true
    }

    /// Gives a turn back, and answers which queues have to claim again.
    pub fn give_back(&mut self, task: &str, key: Option<&str>) -> Vec<Queue> {
        let Some(of_type) = self.of_type(task) else {
            return Vec::new();
        };
        of_type.running = of_type.running.saturating_sub(1);
        if let Some(key) = of_type.limit.key_of(key)
            && let Some(running) = of_type.keys.get_mut(key)
        {
            *running = running.saturating_sub(1);
            if *running == 0 {
                of_type.keys.remove(key);
            }
        }
        let mut queues = Vec::new();
        for scope in self.scopes(task, key) {
            for (queue, _) in self.marks.get(&scope).into_iter().flatten() {
                if !queues.contains(queue) {
                    queues.push(queue.clone());
                }
            }
        }
        queues
    }

    /// A row that found no turn is stored in `queue`; `true` if the queue has to claim now, because
    /// there is one meanwhile.
    pub fn wait(&mut self, task: &str, key: Option<&str>, queue: &Queue) -> bool {
        let mut scopes = self.scopes(task, key);
        let Some(of_type) = self.of_type(task) else {
            return true;
        };
        let is_free = of_type.is_free(key);
        if is_free {
            // Until the claim, only those of the same key have to stay behind.
            scopes = scopes.pop().into_iter().collect();
        } else {
            // What is not saturated does not keep it waiting.
            scopes.retain(|(_, key)| !of_type.is_free(key.as_deref()));
        }
        for scope in scopes {
            self.mark(scope, queue);
        }
        is_free
    }

    /// A claim is about to be made.
    pub fn begin_claim(&self) -> Claiming {
        let quota = self
            .types
            .iter()
            .fold(ClaimQuota::default(), |quota, of_type| {
                let names: Vec<_> = of_type.names.iter().map(String::as_str).collect();
                let keys = of_type.keys.iter();
                let keys = keys.map(|(key, running)| (key.as_str(), *running));
                quota.limit(&names, of_type.limit, of_type.running, keys)
            });
        Claiming {
            quota,
            last_mark: self.last_mark,
        }
    }

    /// A claim of `queue` has ended; `quota` is what it left, and it `passed_over` rows or not. `true`
    /// if the queue has to claim again, because there are turns for them meanwhile.
    ///
    /// If it left rows for another reason, the queue claims again anyway, and lets no live dispatch
    /// overtake them.
    pub fn end_claim(&mut self, queue: &Queue, claiming: &Claiming, passed_over: bool) -> bool {
        self.marks.retain(|_, queues| {
            queues.retain(|(other, mark)| other != queue || *mark > claiming.last_mark);
            !queues.is_empty()
        });
        if !passed_over {
            return false;
        }
        let saturated = claiming.quota.saturated();
        let of_types = saturated.tasks.iter().map(|task| (task, None));
        let of_keys = saturated.keys.iter().map(|(task, key)| (task, Some(key)));
        let mut is_free = false;
        for (task, key) in of_types.chain(of_keys) {
            let Some(place) = self.places.get(task).copied() else {
                continue;
            };
            let key = key.cloned();
            let of_type = self.types.get(place);
            is_free |= of_type.is_some_and(|of_type| of_type.is_free(key.as_deref()));
            self.mark((place, key), queue);
        }
        is_free
    }

    fn mark(&mut self, scope: Scope, queue: &Queue) {
        self.last_mark += 1;
        let queues = self.marks.entry(scope).or_default();
        queues.retain(|(other, _)| other != queue);
        queues.push((queue.clone(), self.last_mark));
    }

    fn of_type(&mut self, task: &str) -> Option<&mut TypeTurns> {
        let place = self.places.get(task)?;
        self.types.get_mut(*place)
    }

    /// What a task of that name and key counts against.
    fn scopes(&self, task: &str, key: Option<&str>) -> Vec<Scope> {
        let Some(place) = self.places.get(task).copied() else {
            return Vec::new();
        };
        let Some(limit) = self.types.get(place).map(|of_type| of_type.limit) else {
            return Vec::new();
        };
        let of_type = limit.running.map(|_| (place, None));
        let of_key = limit.key_of(key).map(|key| (place, Some(key.to_owned())));
        of_type.into_iter().chain(of_key).collect()
    }
}

impl TypeTurns {
    fn is_free(&self, key: Option<&str>) -> bool {
        let of_key = self.limit.key_of(key).and_then(|key| self.keys.get(key));
        let of_key = of_key.copied().unwrap_or(0);
        let is_below =
            |running: usize, limit: Option<usize>| limit.is_none_or(|most| running < most);
        is_below(self.running, self.limit.running)
            && (key.is_none() || is_below(of_key, self.limit.running_per_key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(running: Option<usize>, running_per_key: Option<usize>) -> Turns<char> {
        let limit = RunningLimit {
            running,
            running_per_key,
        };
        Turns::new([(vec!["mail".to_owned(), "letter".to_owned()], limit)])
    }

    #[test]
    fn no_more_turns_are_taken_than_there_are() {
        let mut turns = turns(Some(2), None);
        assert!(turns.take_live("mail", None));
        assert!(turns.take("letter", Some("a")));
        assert!(!turns.take("mail", None));
        assert!(!turns.take_live("mail", None));
        assert!(turns.take_live("other", None));
        assert_eq!(turns.taken(), 2);
        turns.give_back("mail", None);
        assert_eq!(turns.taken(), 1);
        assert!(turns.take_live("mail", None));
    }

    #[test]
    fn keys_are_counted_apart() {
        let mut turns = turns(None, Some(1));
        assert!(turns.take_live("mail", Some("a")));
        assert!(turns.take_live("mail", Some("b")));
        assert!(turns.take_live("mail", None));
        assert!(turns.take_live("mail", None));
        assert!(!turns.take_live("letter", Some("a")));
        turns.give_back("mail", Some("a"));
        assert!(turns.take_live("letter", Some("a")));
    }

    #[test]
    fn a_turn_that_is_given_back_wakes_the_queues_in_which_rows_wait_for_it() {
        let mut turns = turns(None, Some(1));
        assert!(turns.take_live("mail", Some("a")));
        assert!(!turns.wait("mail", Some("a"), &'q'));
        assert!(!turns.wait("mail", Some("a"), &'r'));
        assert!(!turns.wait("mail", Some("a"), &'q'));
        assert_eq!(turns.give_back("mail", Some("b")), []);
        assert_eq!(turns.give_back("mail", Some("a")), ['r', 'q']);
    }

    #[test]
    fn a_row_that_is_stored_after_the_turn_was_given_back_is_claimed_at_once() {
        let mut turns = turns(Some(1), None);
        assert!(turns.take_live("mail", None));
        turns.give_back("mail", None);
        assert!(turns.wait("mail", None, &'q'));
    }

    #[test]
    fn no_live_dispatch_overtakes_a_stored_row_that_waits_for_a_turn() {
        let mut turns = turns(None, Some(1));
        assert!(turns.take_live("mail", Some("a")));
        turns.wait("mail", Some("a"), &'q');
        turns.give_back("mail", Some("a"));
        assert!(!turns.take_live("mail", Some("a")));
        assert!(turns.take_live("mail", Some("b")));
        let claiming = turns.begin_claim();
        assert!(turns.take("mail", Some("a")), "a claim brought it");
        assert!(!turns.end_claim(&'q', &claiming, false));
        turns.give_back("mail", Some("a"));
        assert!(turns.take_live("mail", Some("a")));
    }

    #[test]
    fn a_row_whose_key_is_saturated_keeps_no_other_key_waiting() {
        let mut turns = turns(Some(9), Some(1));
        assert!(turns.take_live("mail", Some("a")));
        assert!(!turns.wait("mail", Some("a"), &'q'));
        assert!(turns.take_live("mail", Some("b")));
        assert!(turns.take_live("mail", None));
    }

    #[test]
    fn a_claim_clears_no_mark_that_is_younger_than_it() {
        let mut turns = turns(Some(1), None);
        assert!(turns.take_live("mail", None));
        let claiming = turns.begin_claim();
        turns.wait("mail", None, &'q');
        assert!(!turns.end_claim(&'q', &claiming, false));
        assert_eq!(turns.give_back("mail", None), ['q']);
    }

    #[test]
    fn a_claim_of_one_queue_clears_no_mark_of_another() {
        let mut turns = turns(Some(1), None);
        assert!(turns.take_live("mail", None));
        turns.wait("mail", None, &'q');
        let claiming = turns.begin_claim();
        turns.end_claim(&'r', &claiming, false);
        assert_eq!(turns.give_back("mail", None), ['q']);
    }

    #[test]
    fn what_a_claim_passed_over_is_marked_and_claimed_again_if_its_turn_is_back() {
        let mut turns = turns(None, Some(1));
        assert!(turns.take_live("mail", Some("a")));
        let claiming = turns.begin_claim();
        assert!(!turns.end_claim(&'q', &claiming, true));
        assert_eq!(turns.give_back("mail", Some("a")), ['q']);

        assert!(turns.take("mail", Some("a")));
        let claiming = turns.begin_claim();
        turns.give_back("mail", Some("a"));
        assert!(turns.end_claim(&'q', &claiming, true));
    }
}
