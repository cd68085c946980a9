use std::fmt;

use crate::task::Status;

/// How many rows there are, as far as it was counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CappedCount {
    /// How many were counted.
    pub count: u64,
    /// Whether counting ended at the cap, with at least one row left.
    pub is_capped: bool,
}

impl CappedCount {
    /// How far the totals of lists are counted; beyond, a person does not read a number but "many",
    /// and counting on would cost more than the page.
    pub const CAP: u32 = 10_000;

    /// Reads what was counted by looking at one row more than the cap.
    pub fn of(counted: u64, cap: u32) -> Self {
        let cap = u64::from(cap);
        Self {
            count: counted.min(cap),
            is_capped: counted > cap,
        }
    }
}

impl fmt::Display for CappedCount {
    /// `10000+` if there are more.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = if self.is_capped { "+" } else { "" };
        write!(formatter, "{}{more}", self.count)
    }
}

/// How many tasks of a queue have a status.
///
/// A series between two runs counts under the status its last run ended with.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct QueueCount {
    /// The queue.
    pub queue: String,
    /// The status.
    pub status: Status,
    /// How many; never 0.
    pub count: u64,
}
