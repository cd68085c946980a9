use std::collections::HashMap;

use evertask_core::time::Timestamp;

/// The next due instant of each queue, by its position among the queues of the runtime.
#[derive(Debug, Default)]
pub(super) struct Timetable {
    due: HashMap<usize, Timestamp>,
}

impl Timetable {
    /// Notes that something in `queue` is due at `at`; only the earliest such instant is kept,
    /// because the claim that it causes brings up the next one.
    pub(super) fn add(&mut self, queue: usize, at: Timestamp) {
        let earliest = self.due.entry(queue).or_insert(at);
        *earliest = at.min(*earliest);
    }

    /// The earliest instant of all.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.due.values().min().copied()
    }

    /// Removes and answers the queues in which something is due.
    pub(super) fn take_due(&mut self, now: Timestamp) -> Vec<usize> {
        let due = self.due.extract_if(|_, at| *at <= now);
        due.map(|(queue, _)| queue).collect()
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    #[test]
    fn the_earliest_instant_of_each_queue_counts() {
        let mut timetable = Timetable::default();
        timetable.add(0, at(9));
        timetable.add(0, at(5));
        timetable.add(0, at(7));
        timetable.add(1, at(6));
        assert_eq!(timetable.next(), Some(at(5)));
        assert_eq!(timetable.take_due(at(5)), [0]);
        assert_eq!(timetable.next(), Some(at(6)));
        assert_eq!(timetable.take_due(at(5)), [0; 0]);
    }
}
