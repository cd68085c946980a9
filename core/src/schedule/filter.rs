//! What a schedule leaves out.

use super::date::DAY;
use super::dates::DateSet;
use super::time_of_day::TimeOfDay;

/// The part of each day in which a schedule runs; both ends belong to it, and it may go over
/// midnight.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Between {
    pub(super) from: TimeOfDay,
    pub(super) to: TimeOfDay,
}

impl Between {
    /// The first second of a day at or after `second` that is in it.
    pub(super) fn first_from(self, second: i64) -> Option<i64> {
        let (from, to) = (self.from.seconds().into(), self.to.seconds().into());
        if from <= to {
            Some(second.max(from)).filter(|first| *first <= to)
        } else if second <= to {
            Some(second)
        } else {
            Some(second.max(from)).filter(|first| *first < DAY)
        }
    }
}

/// The local times that are left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filter<'a> {
    pub(super) between: Option<Between>,
    pub(super) except: &'a DateSet,
    /// The days on which a business is closed, if it has to be open.
    pub(super) closed: Option<&'a DateSet>,
}

impl Filter<'_> {
    pub(super) fn admits_all(&self) -> bool {
        self.between.is_none() && self.except.is_empty() && self.closed.is_none()
    }

    /// The first local time at or after `local` that is left.
    pub(super) fn first_from(&self, local: i64) -> Option<i64> {
        let (mut day, mut second) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        loop {
            let open = self.first_day(day)?;
            if open > day {
                (day, second) = (open, 0);
            }
            let found = match self.between {
                None => Some(second),
                Some(between) => between.first_from(second),
            };
            if let Some(second) = found {
                return Some(day * DAY + second);
            }
            (day, second) = (day + 1, 0);
        }
    }

    fn first_day(&self, from: i64) -> Option<i64> {
        let Some(closed) = self.closed else {
            return self.except.first_outside(from);
        };
        let mut day = from;
        loop {
            let open = closed.first_outside(self.except.first_outside(day)?)?;
            if !self.except.contains(open) {
                return Some(open);
            }
            day = open;
        }
    }
}
