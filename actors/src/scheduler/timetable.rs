use std::time::Duration;

use evertask_core::time::{LATEST, Timestamp};

/// When the queues are to be looked at, by their positions among the queues of the runtime.
///
/// Of each queue, two instants are known. What is stored is due at the first at the earliest, and the
/// queue is told of that some time before, its *lead*, and once. From then on it answers for it itself, and says with the
/// second when it has to look at the latest.
#[derive(Debug)]
pub(super) struct Timetable {
    queues: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    lead: Duration,
    due: Option<Timestamp>,
    look_by: Option<Timestamp>,
    recheck: Option<Timestamp>,
}

/// What a queue is to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Look {
    /// Something stored is due.
    Now,
    /// Something stored will be due then, within the lead.
    Ahead(Timestamp),
    /// Something that was passed over may run now.
    Again,
}

impl Timetable {
    /// Creates an empty timetable of queues with these leads.
    pub(super) fn new(leads: impl IntoIterator<Item = Duration>) -> Self {
        let entry = |lead| Entry {
            lead,
            due: None,
            look_by: None,
            recheck: None,
        };
        Self {
            queues: leads.into_iter().map(entry).collect(),
        }
    }

    /// Notes that something stored in `queue` is due at `at`; only the earliest such instant is kept,
    /// because the claim that it causes brings up the next one.
    pub(super) fn add(&mut self, queue: usize, at: Timestamp) {
        if let Some(entry) = self.queues.get_mut(queue) {
            entry.due = Some(entry.due.map_or(at, |due| due.min(at)));
        }
    }

    /// Notes when `queue` has to look at the latest, instead of what was said before.
    pub(super) fn look_by(&mut self, queue: usize, at: Option<Timestamp>) {
        if let Some(entry) = self.queues.get_mut(queue) {
            entry.look_by = at;
        }
    }

    /// Notes that something that `queue` passes over may run at `at`.
    pub(super) fn look_again(&mut self, queue: usize, at: Timestamp) {
        if let Some(entry) = self.queues.get_mut(queue) {
            entry.recheck = Some(entry.recheck.map_or(at, |recheck| recheck.min(at)));
        }
    }

    /// The earliest instant at which a queue is to be told something.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.queues.iter().filter_map(Entry::next).min()
    }

    /// Removes and answers what the queues are to be told at `now`.
    pub(super) fn take_due(&mut self, now: Timestamp) -> Vec<(usize, Look)> {
        let entries = self.queues.iter_mut().enumerate();
        let looks = entries.flat_map(|(queue, entry)| {
            let looks = [entry.take_due(now), entry.take_recheck(now)];
            looks.into_iter().flatten().map(move |look| (queue, look))
        });
        looks.collect()
    }
}

impl Entry {
    /// The queue is told of what is due its lead before.
    fn told_at(&self) -> Option<Timestamp> {
        let told_at = |due: Timestamp| due.checked_sub_signed(self.lead_delta());
        self.due.map(|due| told_at(due).unwrap_or(due))
    }

    fn lead_delta(&self) -> chrono::TimeDelta {
        chrono::TimeDelta::from_std(self.lead).unwrap_or(LATEST - Timestamp::UNIX_EPOCH)
    }

    fn next(&self) -> Option<Timestamp> {
        let looks = [self.told_at(), self.look_by, self.recheck];
        looks.into_iter().flatten().min()
    }

    fn take_recheck(&mut self, now: Timestamp) -> Option<Look> {
        let recheck = self.recheck.take_if(|at| *at <= now);
        recheck.map(|_| Look::Again)
    }

    fn take_due(&mut self, now: Timestamp) -> Option<Look> {
        let told = self.told_at().filter(|at| *at <= now);
        let due = told.and_then(|_| self.due.take());
        let look_by = self.look_by.take_if(|at| *at <= now);
        match due {
            Some(due) if due > now && look_by.is_none() => Some(Look::Ahead(due)),
            // The claim of what is due brings up what will be.
            Some(_) => Some(Look::Now),
            None => look_by.map(|_| Look::Now),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    const LEAD: Duration = Duration::from_secs(10);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    #[test]
    fn the_earliest_instant_of_each_queue_counts() {
        let mut timetable = Timetable::new([Duration::ZERO; 2]);
        timetable.add(0, at(9));
        timetable.add(0, at(5));
        timetable.add(0, at(7));
        timetable.add(1, at(6));
        assert_eq!(timetable.next(), Some(at(5)));
        assert_eq!(timetable.take_due(at(5)), [(0, Look::Now)]);
        assert_eq!(timetable.next(), Some(at(6)));
        assert_eq!(timetable.take_due(at(5)), []);
    }

    #[test]
    fn a_queue_is_told_once_its_lead_before_something_is_due() {
        let mut timetable = Timetable::new([LEAD]);
        timetable.add(0, at(60));
        assert_eq!(timetable.next(), Some(at(50)));
        assert_eq!(timetable.take_due(at(49)), []);
        assert_eq!(timetable.take_due(at(50)), [(0, Look::Ahead(at(60)))]);
        assert_eq!(
            timetable.next(),
            None,
            "it answers for it itself from here on"
        );
    }

    #[test]
    fn a_queue_that_was_not_told_in_time_looks_for_what_is_due() {
        let mut timetable = Timetable::new([LEAD]);
        timetable.add(0, at(60));
        assert_eq!(timetable.take_due(at(3_600)), [(0, Look::Now)]);
        assert_eq!(timetable.next(), None);
    }

    #[test]
    fn a_queue_looks_at_the_latest_when_it_said_so() {
        let mut timetable = Timetable::new([LEAD]);
        timetable.look_by(0, Some(at(20)));
        timetable.look_by(0, Some(at(25)));
        assert_eq!(timetable.next(), Some(at(25)), "what it said last counts");
        assert_eq!(timetable.take_due(at(25)), [(0, Look::Now)]);
        timetable.look_by(0, Some(at(30)));
        timetable.look_by(0, None);
        assert_eq!(timetable.next(), None);
    }

    #[test]
    fn a_queue_looks_again_for_what_it_passed_over() {
        let mut timetable = Timetable::new([LEAD]);
        timetable.look_again(0, at(20));
        timetable.look_again(0, at(30));
        timetable.add(0, at(30));
        assert_eq!(timetable.next(), Some(at(20)));
        let looks = timetable.take_due(at(20));
        assert_eq!(looks, [(0, Look::Ahead(at(30))), (0, Look::Again)]);
        assert_eq!(timetable.next(), None);
    }

    #[test]
    fn what_is_due_first_is_looked_for_first() {
        let mut timetable = Timetable::new([LEAD]);
        timetable.add(0, at(60));
        timetable.look_by(0, Some(at(50)));
        assert_eq!(timetable.take_due(at(50)), [(0, Look::Now)]);
        assert_eq!(timetable.next(), None);
    }

    #[test]
    fn a_lead_beyond_all_time_tells_at_once() {
        let mut timetable = Timetable::new([Duration::MAX]);
        timetable.add(0, LATEST);
        assert_eq!(timetable.take_due(at(0)), [(0, Look::Ahead(LATEST))]);
    }
}
