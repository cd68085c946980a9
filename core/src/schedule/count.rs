//! The instants of a schedule within a span.

use super::kind::Pace;
use super::{Rule, Schedule};
use crate::time::Timestamp;

/// The most instants that are counted one by one.
const MOST_COUNTED: usize = 10_000;

impl Schedule {
    /// How many instants there are after `after` and not after `until`.
    ///
    /// Steps are counted at once; of anything else, ten thousand are counted and no more.
    pub fn count(&self, anchor: Timestamp, after: Timestamp, until: Timestamp) -> u64 {
        let after = after.max(anchor);
        let last = self.run_until.map_or(until, |end| until.min(end));
        if let Some(seconds) = self.steps() {
            let steps = |at: Timestamp| (at.timestamp() - anchor.timestamp()).div_euclid(seconds);
            let is_excluded = self.run_until == Some(last) && is_at(anchor, last, seconds);
            let until = steps(last) - i64::from(is_excluded);
            return u64::try_from(until - steps(after)).unwrap_or_default();
        }
        let next = |at: &Timestamp| self.next_after(anchor, *at);
        let instants = std::iter::successors(self.next_after(anchor, after), next);
        let counted = instants.take(MOST_COUNTED).take_while(|at| *at <= until);
        u64::try_from(counted.count()).unwrap_or_default()
    }

    /// The last instant after `after` and not after `until`.
    ///
    /// Whether there is one after an instant can only change once as that grows, so it is found by
    /// halving the span.
    pub fn last_until(
        &self,
        anchor: Timestamp,
        after: Timestamp,
        until: Timestamp,
    ) -> Option<Timestamp> {
        let next_in = |second: i64| {
            let second = Timestamp::from_timestamp(second, 0)?;
            let next = self.next_after(anchor, second.max(after));
            next.filter(|next| *next <= until)
        };
        let (mut before, mut beyond) = (after.timestamp(), until.timestamp());
        let mut last = next_in(before)?;
        while beyond - before > 1 {
            let middle = before + (beyond - before) / 2;
            match next_in(middle) {
                Some(next) => (before, last) = (next.timestamp(), next),
                None => beyond = middle,
            }
        }
        Some(last)
    }

    /// The step in seconds, if the instants are nothing but steps.
    fn steps(&self) -> Option<i64> {
        let Rule::One(pattern) = &self.rule else {
            return None;
        };
        let Pace::Steps(steps) = pattern.kind.pace() else {
            return None;
        };
        pattern.is_unfiltered().then_some(steps.seconds)
    }
}

fn is_at(anchor: Timestamp, at: Timestamp, seconds: i64) -> bool {
    at.timestamp_subsec_nanos() == 0 && (at.timestamp() - anchor.timestamp()) % seconds == 0
}
