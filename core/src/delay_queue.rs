//! What waits in memory for its instant.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use hashbrown::HashMap;

use crate::task::TaskId;
use crate::time::Timestamp;

/// Values by the instant at which they are due, at most one for each id.
///
/// Values that are due at the same instant come in the order in which they were added. Adding and removing
/// cost O(1) on average, taking the first O(log n), asking when that is due nothing. What is removed leaves a
/// mark in the order until that comes up; when there are half as many marks as values, all are swept
/// away at once. *Turned down*: a tree, from which everything is removed at once (in a queue of a million, each
/// step waits for memory several times).
#[derive(Debug)]
pub struct DelayQueue<T> {
    /// The first is never a mark.
    order: BinaryHeap<Reverse<Place>>,
    values: HashMap<TaskId, Waiting<T>>,
    /// How many values were ever added.
    added: u64,
}

/// A place in the order; a mark if its id waits in another one or not at all.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Place {
    /// In microseconds, which compare faster than dates.
    due: i64,
    number: u64,
    id: TaskId,
}

#[derive(Debug)]
struct Waiting<T> {
    /// The number of its place.
    number: u64,
    value: T,
}

impl<T> DelayQueue<T> {
    /// Creates an empty queue; memory is allocated with the first value.
    pub fn new() -> Self {
        Self {
            order: BinaryHeap::new(),
            values: HashMap::new(),
            added: 0,
        }
    }

    /// How many values wait.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// When the first value is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        let Reverse(first) = self.order.peek()?;
        Timestamp::from_timestamp_micros(first.due)
    }

    /// Has a value wait until `due`, and answers the one that waited under the id before: the latest
    /// wins.
    pub fn insert(&mut self, id: TaskId, due: Timestamp, value: T) -> Option<T> {
        self.added += 1;
        let (due, number) = (due.timestamp_micros(), self.added);
        self.order.push(Reverse(Place { due, number, id }));
        let earlier = self.values.insert(id, Waiting { number, value })?;
        self.sweep();
        Some(earlier.value)
    }

    /// Takes out the value that waits under an id.
    pub fn remove(&mut self, id: TaskId) -> Option<T> {
        let removed = self.values.remove(&id)?;
        self.sweep();
        Some(removed.value)
    }

    /// Takes out the first value, if it is due at `now`.
    pub fn pop_due(&mut self, now: Timestamp) -> Option<T> {
        let Reverse(first) = *self.order.peek()?;
        if first.due > now.timestamp_micros() {
            return None;
        }
        self.order.pop();
        let taken = self.values.remove(&first.id);
        self.sweep();
        taken.map(|waiting| waiting.value)
    }

    /// Takes out everything, in order.
    pub fn drain(&mut self) -> Vec<T> {
        std::iter::from_fn(|| self.pop_due(Timestamp::MAX_UTC)).collect()
    }

    /// Removes the marks that are in the way, or too many.
    fn sweep(&mut self) {
        let values = &self.values;
        let waits = |Reverse(place): &Reverse<Place>| {
            let waiting = values.get(&place.id);
            waiting.is_some_and(|waiting| waiting.number == place.number)
        };
        let marks = self.order.len() - values.len();
        if marks > values.len() / 2 {
            self.order.retain(waits);
            self.order.shrink_to(2 * values.len());
            return;
        }
        while self.order.peek().is_some_and(|first| !waits(first)) {
            self.order.pop();
        }
    }
}

impl<T> Default for DelayQueue<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::TimeDelta;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn id(number: u8) -> TaskId {
        TaskId(Uuid::from_u128(number.into()))
    }

    fn at(second: u8) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::seconds(second.into())
    }

    fn due<T>(queue: &mut DelayQueue<T>, second: u8) -> Vec<T> {
        std::iter::from_fn(|| queue.pop_due(at(second))).collect()
    }

    #[test]
    fn values_come_when_they_are_due_and_not_before() {
        let mut queue = DelayQueue::new();
        queue.insert(id(1), at(9), 'c');
        queue.insert(id(2), at(3), 'a');
        queue.insert(id(3), at(5), 'b');
        assert_eq!(queue.next_due(), Some(at(3)));
        assert_eq!(due(&mut queue, 2), []);
        assert_eq!(due(&mut queue, 5), ['a', 'b']);
        assert_eq!(queue.next_due(), Some(at(9)));
        assert_eq!(due(&mut queue, 9), ['c']);
        assert!(queue.is_empty());
    }

    /// Core edge case 141: what is scheduled again comes once, the latest, and leaves nothing behind.
    #[test]
    fn of_an_id_only_the_latest_waits() {
        let mut queue = DelayQueue::new();
        assert_eq!(queue.insert(id(1), at(3), 0), None);
        for number in 1..=50 {
            assert_eq!(
                queue.insert(id(1), at(53 - number), number),
                Some(number - 1)
            );
        }
        assert_eq!((queue.len(), queue.order.len()), (1, 1));
        assert_eq!(due(&mut queue, 255), [50]);
        assert_eq!(queue.order.len(), 0);
    }

    #[test]
    fn what_is_due_together_comes_in_the_order_in_which_it_was_added() {
        let mut queue = DelayQueue::new();
        for number in [3, 1, 2, 3] {
            queue.insert(id(number), at(5), number);
        }
        assert_eq!(due(&mut queue, 5), [1, 2, 3]);
    }

    #[test]
    fn everything_is_drained_in_order() {
        let mut queue = DelayQueue::new();
        for number in [3, 1, 2] {
            queue.insert(id(number), at(number), number);
        }
        assert_eq!(queue.drain(), [1, 2, 3]);
        assert_eq!((queue.next_due(), queue.len()), (None, 0));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u8, u8),
        Remove(u8),
        Pop(u8),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..8_u8, 0..20_u8).prop_map(|(id, due)| Step::Insert(id, due)),
            (0..8_u8).prop_map(Step::Remove),
            (0..20_u8).prop_map(Step::Pop),
        ]
    }

    proptest! {
        /// The model is a map from ids to instants.
        #[test]
        fn it_agrees_with_a_plain_map(steps in prop::collection::vec(step(), 0..60)) {
            let (mut queue, mut map) = (DelayQueue::new(), BTreeMap::new());
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Insert(of, due) => {
                        let earlier = map.insert(of, (due, number)).map(|(_, number)| number);
                        prop_assert_eq!(queue.insert(id(of), at(due), number), earlier);
                    }
                    Step::Remove(of) => {
                        let removed = map.remove(&of).map(|(_, number)| number);
                        prop_assert_eq!(queue.remove(id(of)), removed);
                    }
                    Step::Pop(now) => {
                        let waiting = map.iter().map(|(of, (due, number))| (*due, *number, *of));
                        let first = waiting.min().filter(|(due, ..)| *due <= now);
                        let of = first.map(|(_, _, of)| of);
                        let popped = of.and_then(|of| map.remove(&of)).map(|(_, number)| number);
                        prop_assert_eq!(queue.pop_due(at(now)), popped);
                    }
                }
                let next = map.values().map(|(due, _)| at(*due)).min();
                prop_assert_eq!(queue.next_due(), next);
                prop_assert_eq!(queue.len(), map.len());
                prop_assert!(queue.order.len() <= map.len() + map.len() / 2);
            }
        }
    }
}
