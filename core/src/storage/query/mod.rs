//! What is asked of a storage by pages and programs that look at tasks.
//!
//! The runtime needs next to none of this, so it is a trait of its own, [`TaskQueries`]. Everything is
//! computed where the rows are: a storage filters, sorts, counts and aggregates by itself and hands
//! over one page, one number or one line per bucket.
//!
//! Questions are checked when they are made: a [`TaskSearch`] with a cursor of another order or a
//! [`StatisticsQuery`] of a million buckets can't be written, and a storage needs no error for them.
//! [`TaskFilter::matches`] and [`SortKey::value_of`] say in plain code what the SQL of a storage has
//! to mean.
//!
//! Lists go on by cursor. A page begins after the last row of the page before, so it costs the same
//! wherever it is, and rows that come or go between two pages neither repeat nor hide the others.

mod contract;
mod counts;
mod cursor;
mod filter;
mod history;
mod invalid;
mod limit;
mod search;
mod sort;
mod statistics;
mod summary;

pub use contract::TaskQueries;
pub use counts::{CappedCount, QueueCount};
pub use cursor::{HistoryCursor, HistoryKind, HistoryPlace, TaskCursor};
pub use filter::TaskFilter;
pub use history::{HistoryOrder, HistoryPage, HistorySearch};
pub use invalid::InvalidQuery;
pub use limit::PageLimit;
pub use search::{TaskPage, TaskSearch};
pub use sort::{SortDirection, SortKey, SortValue, TaskSort};
pub use statistics::{RunTimes, StatisticsBucket, StatisticsQuery, nearest_rank};
pub use summary::TaskSummary;
