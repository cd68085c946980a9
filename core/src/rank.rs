//! Who comes first among the tasks that wait in one queue.
//!
//! Each step of priority makes a task come as early as if it had become due that much longer ago.
//! So a higher priority goes first, and still nothing starves: a task is overtaken only by tasks that
//! became due within a bounded time after it, which is the difference of their priorities times the
//! step. The rank of a task never changes while it waits. Nothing has to be written for it to age, and
//! rows of one priority are in the order of their instants.
//!
//! | dispatched | priority | step | as if it were due at |
//! |------------|----------|-------|----------------------|
//! | 12:00 | 0 | 5 min | 12:00 |
//! | 12:04 | 1 | 5 min | 11:59, so before the first |
//! | 12:06 | 1 | 5 min | 12:01, so after the first |

use std::time::Duration;

use chrono::TimeDelta;
use thiserror::Error;
use uuid::Uuid;

use crate::task::{TaskId, TaskRecord};
use crate::time::Timestamp;

/// The lowest priority that makes a difference.
pub const LOWEST_PRIORITY: i32 = -10;

/// The highest priority that makes a difference.
pub const HIGHEST_PRIORITY: i32 = 10;

/// A priority beyond the range.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the priority {0} can't be used: it must be from {LOWEST_PRIORITY} to {HIGHEST_PRIORITY}")]
pub struct InvalidPriority(pub i32);

/// Answers whether a priority, if one is given, makes the difference it says.
///
/// # Errors
///
/// Fails if it is out of range.
pub fn check_priority(priority: Option<i32>) -> Result<(), InvalidPriority> {
    let range = LOWEST_PRIORITY..=HIGHEST_PRIORITY;
    match priority.filter(|priority| !range.contains(priority)) {
        Some(priority) => Err(InvalidPriority(priority)),
        None => Ok(()),
    }
}

/// How much waiting a step of priority is worth, unless a queue says otherwise.
pub const DEFAULT_AGEING: Duration = Duration::from_mins(5);

/// The longest step of ageing.
pub const MAX_AGEING: Duration = Duration::from_hours(365 * 24);

/// The place of a task among those that wait in its queue; the least comes first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Rank {
    as_if_due: Timestamp,
    /// Settles ties.
    id: TaskId,
}

impl Rank {
    /// Before all others.
    pub const FIRST: Self = Self {
        as_if_due: Timestamp::MIN_UTC,
        id: TaskId(Uuid::nil()),
    };

    /// The rank of a task that is due at `due`, if a step of priority is worth `ageing`.
    ///
    /// A priority beyond the ends of the range counts as the end, a longer step as the longest.
    pub fn new(due: Timestamp, priority: i32, id: TaskId, ageing: Duration) -> Self {
        let step = TimeDelta::from_std(ageing.min(MAX_AGEING)).unwrap_or(TimeDelta::MAX);
        let head_start = step * priority.clamp(LOWEST_PRIORITY, HIGHEST_PRIORITY);
        let limit = if priority > 0 {
            Timestamp::MIN_UTC
        } else {
            Timestamp::MAX_UTC
        };
        Self {
            as_if_due: due.checked_sub_signed(head_start).unwrap_or(limit),
            id,
        }
    }

    /// The rank of a stored task.
    pub fn of(record: &TaskRecord, ageing: Duration) -> Self {
        let definition = &record.definition;
        let due = record.state.available_at.unwrap_or(definition.created_at);
        Self::new(due, definition.priority, definition.id, ageing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(seconds: i64, priority: i32, number: u128) -> Rank {
        let due = Timestamp::UNIX_EPOCH + TimeDelta::seconds(seconds);
        let id = TaskId(Uuid::from_u128(number));
        Rank::new(due, priority, id, Duration::from_mins(1))
    }

    #[test]
    fn a_higher_priority_comes_first() {
        assert!(rank(0, 1, 9) < rank(0, 0, 1));
        assert!(rank(59, 1, 9) < rank(0, 0, 1));
    }

    #[test]
    fn whoever_has_waited_long_enough_comes_before_a_higher_priority() {
        assert!(rank(0, 0, 1) < rank(61, 1, 9));
        assert!(rank(0, LOWEST_PRIORITY, 1) < rank(20 * 60 + 1, HIGHEST_PRIORITY, 9));
    }

    #[test]
    fn of_one_priority_the_earlier_comes_first_and_then_the_lower_id() {
        for priority in [-3, 0, 3] {
            assert!(rank(0, priority, 9) < rank(1, priority, 1));
            assert!(rank(0, priority, 1) < rank(0, priority, 2));
        }
    }

    #[test]
    fn priorities_beyond_the_range_count_as_its_ends() {
        assert_eq!(rank(0, i32::MAX, 1), rank(0, HIGHEST_PRIORITY, 1));
        assert_eq!(rank(0, i32::MIN, 1), rank(0, LOWEST_PRIORITY, 1));
    }

    #[test]
    fn without_ageing_whoever_is_due_first_comes_first() {
        let rank = |due, priority| {
            let id = TaskId(Uuid::nil());
            Rank::new(due, priority, id, Duration::ZERO)
        };
        let later = Timestamp::UNIX_EPOCH + TimeDelta::microseconds(1);
        assert!(rank(Timestamp::UNIX_EPOCH, -10) < rank(later, 10));
    }

    #[test]
    fn the_ends_of_time_are_no_problem() {
        for due in [Timestamp::MIN_UTC, Timestamp::MAX_UTC] {
            let id = TaskId(Uuid::nil());
            let high = Rank::new(due, HIGHEST_PRIORITY, id, Duration::MAX);
            let low = Rank::new(due, LOWEST_PRIORITY, id, Duration::MAX);
            assert!(high < low);
        }
    }
}
