//! What waits in memory for its instant.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use crate::task::TaskId;
use crate::time::Timestamp;

/// Values by the instant at which they are due, at most one for each id.
///
/// Adding, removing and taking the first cost O(log n), asking when that is due costs nothing. Values
/// that are due at the same instant come in the order of their ids.
#[derive(Debug)]
pub struct DelayQueue<T> {
    /// In microseconds, which compare faster than dates and take less room.
    order: BTreeSet<(i64, TaskId)>,
    values: HashMap<TaskId, (i64, T)>,
}

impl<T> DelayQueue<T> {
    /// Creates an empty queue; memory is allocated with the first value.
    pub fn new() -> Self {
        Self {
            order: BTreeSet::new(),
            values: HashMap::new(),
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
        let (due, _) = self.order.first()?;
        Timestamp::from_timestamp_micros(*due)
    }

    /// Has a value wait until `due`, and answers the one that waited under the id before: the latest
    /// wins.
    pub fn insert(&mut self, id: TaskId, due: Timestamp, value: T) -> Option<T> {
        let due = due.timestamp_micros();
        let earlier = match self.values.entry(id) {
            Entry::Vacant(vacant) => {
                vacant.insert((due, value));
                None
            }
            Entry::Occupied(mut occupied) => Some(occupied.insert((due, value))),
        };
        if let Some((earlier, _)) = &earlier {
            self.order.remove(&(*earlier, id));
        }
        self.order.insert((due, id));
        earlier.map(|(_, value)| value)
    }

    /// Takes out the value that waits under an id.
    pub fn remove(&mut self, id: TaskId) -> Option<T> {
        let (due, value) = self.values.remove(&id)?;
        self.order.remove(&(due, id));
        Some(value)
    }

    /// Takes out the first value, if it is due at `now`.
    pub fn pop_due(&mut self, now: Timestamp) -> Option<T> {
        let (due, id) = *self.order.first()?;
        if due > now.timestamp_micros() {
            return None;
        }
        self.order.pop_first();
        self.values.remove(&id).map(|(_, value)| value)
    }

    /// Takes out everything, in order.
    pub fn drain(&mut self) -> Vec<T> {
        let order = std::mem::take(&mut self.order);
        let mut values = std::mem::take(&mut self.values);
        let drained = order.into_iter().filter_map(|(_, id)| values.remove(&id));
        drained.map(|(_, value)| value).collect()
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
    fn what_is_due_together_comes_in_the_order_of_the_ids() {
        let mut queue = DelayQueue::new();
        for number in [3, 1, 2] {
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
                        let first = map.iter().map(|(of, (due, _))| (*due, *of)).min();
                        let of = first.filter(|(due, _)| *due <= now).map(|(_, of)| of);
                        let popped = of.and_then(|of| map.remove(&of)).map(|(_, number)| number);
                        prop_assert_eq!(queue.pop_due(at(now)), popped);
                    }
                }
                let next = map.values().map(|(due, _)| at(*due)).min();
                prop_assert_eq!(queue.next_due(), next);
                prop_assert_eq!(queue.len(), map.len());
                prop_assert_eq!(queue.order.len(), map.len());
            }
        }
    }
}
