use std::time::Duration;

use thiserror::Error;

use super::{PageLimit, StatisticsQuery};
use crate::time::Timestamp;

/// A question that no storage is asked, with the reason.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum InvalidQuery {
    /// A page of no rows or of too many.
    #[error("a page has 1 to {max} rows, not {0}", max = PageLimit::MAX)]
    Limit(u32),
    /// Text that is not a cursor of this version.
    #[error("the cursor can't be read; begin again with the first page")]
    Cursor,
    /// A cursor that was made by a list of another kind or order.
    #[error("the cursor belongs to a list in another order; begin again with the first page")]
    CursorOfAnotherList,
    /// A span of time that ends before it begins, or at once.
    #[error("the span from {from} to {to} is empty")]
    EmptySpan {
        /// Where it begins.
        from: Timestamp,
        /// Where it ends.
        to: Timestamp,
    },
    /// Buckets of less than a microsecond, or more of them than anybody can look at.
    #[error(
        "buckets of {width:?} are too narrow: at most {max} fit into one answer",
        max = StatisticsQuery::MAX_BUCKETS
    )]
    TooManyBuckets {
        /// How wide each would be.
        width: Duration,
    },
}
