use std::fmt;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{HistoryOrder, InvalidQuery, SortValue, TaskSort, TaskSummary};
use crate::task::TaskId;
use crate::time::Timestamp;

/// What a cursor begins with; another version of this crate may write others.
const VERSION: &str = "1";

/// Where a page of tasks ended.
///
/// Its text is for callers to hand back as it is: letters and digits that hold the order of the list
/// and the last row of the page.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TaskCursor {
    sort: TaskSort,
    value: Option<SortValue>,
    id: TaskId,
}

impl TaskCursor {
    /// Ends a page at a task.
    pub fn after(sort: TaskSort, last: &TaskSummary) -> Self {
        Self::at(sort, sort.key.value_in(last), last.id)
    }

    /// Begins a page at a place where there may be no task.
    pub fn at(sort: TaskSort, value: Option<SortValue>, id: TaskId) -> Self {
        Self { sort, value, id }
    }

    /// The order of the list.
    pub fn sort(&self) -> TaskSort {
        self.sort
    }

    /// What the last task was sorted by; `None` if it had no value.
    pub fn value(&self) -> Option<&SortValue> {
        self.value.as_ref()
    }

    /// The last task.
    pub fn id(&self) -> TaskId {
        self.id
    }
}

impl fmt::Display for TaskCursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(formatter, self)
    }
}

impl FromStr for TaskCursor {
    type Err = InvalidQuery;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let cursor: Self = read(text)?;
        let is_whole = cursor
            .value
            .as_ref()
            .is_none_or(|value| value.is_of(cursor.sort.key));
        is_whole.then_some(cursor).ok_or(InvalidQuery::Cursor)
    }
}

/// Which history of a task a list shows.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HistoryKind {
    /// Its changes of status.
    Audit,
    /// Its attempts.
    Attempts,
    /// Its runs, if it is a series.
    Runs,
}

/// Where a page of a task's history ended; see [`TaskCursor`] about its text.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct HistoryCursor {
    kind: HistoryKind,
    order: HistoryOrder,
    place: HistoryPlace,
}

/// The place of a line in its history.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HistoryPlace {
    /// A number that rises with every line written.
    Number(i64),
    /// When it was, and the id of its record.
    Moment(
        #[serde(with = "chrono::serde::ts_microseconds")] Timestamp,
        Uuid,
    ),
}

impl HistoryCursor {
    /// Ends a page at a line.
    pub fn after(kind: HistoryKind, order: HistoryOrder, place: HistoryPlace) -> Self {
        Self { kind, order, place }
    }

    /// Which history it is of.
    pub fn kind(&self) -> HistoryKind {
        self.kind
    }

    /// The order of the list.
    pub fn order(&self) -> HistoryOrder {
        self.order
    }

    /// The place of the last line.
    pub fn place(&self) -> HistoryPlace {
        self.place
    }
}

impl HistoryPlace {
    /// Whether lines of that history have such places.
    fn is_of(self, kind: HistoryKind) -> bool {
        matches!(self, Self::Number(_)) == (kind == HistoryKind::Audit)
    }
}

impl fmt::Display for HistoryCursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(formatter, self)
    }
}

impl FromStr for HistoryCursor {
    type Err = InvalidQuery;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let cursor: Self = read(text)?;
        let is_whole = cursor.place.is_of(cursor.kind);
        is_whole.then_some(cursor).ok_or(InvalidQuery::Cursor)
    }
}

/// Hexadecimal digits need no escaping in an address, and nobody is tempted to edit them.
fn write(formatter: &mut fmt::Formatter<'_>, cursor: &impl Serialize) -> fmt::Result {
    let json = serde_json::to_vec(cursor).map_err(|_| fmt::Error)?;
    formatter.write_str(VERSION)?;
    for byte in json {
        write!(formatter, "{byte:02x}")?;
    }
    Ok(())
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, InvalidQuery> {
    let digits = text.strip_prefix(VERSION).ok_or(InvalidQuery::Cursor)?;
    if digits.len() % 2 != 0 {
        return Err(InvalidQuery::Cursor);
    }
    let json: Vec<u8> = digits
        .as_bytes()
        .chunks_exact(2)
        .map(byte)
        .collect::<Option<_>>()
        .ok_or(InvalidQuery::Cursor)?;
    serde_json::from_slice(&json).map_err(|_| InvalidQuery::Cursor)
}

fn byte(digits: &[u8]) -> Option<u8> {
    digits.iter().try_fold(0, |byte, digit| {
        let value = char::from(*digit).to_digit(16)?;
        Some(byte << 4 | u8::try_from(value).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::query::{SortDirection, SortKey};

    fn task_cursor(key: SortKey, value: Option<SortValue>) -> TaskCursor {
        let sort = TaskSort {
            key,
            direction: SortDirection::Ascending,
        };
        TaskCursor::at(sort, value, TaskId(Uuid::from_u128(7)))
    }

    fn moment() -> Timestamp {
        "2026-11-21T10:00:00.123456Z".parse().unwrap()
    }

    #[test]
    fn a_cursor_is_read_back_from_its_text() {
        let cursors = [
            task_cursor(SortKey::CreatedAt, Some(SortValue::Instant(moment()))),
            task_cursor(SortKey::AvailableAt, None),
            task_cursor(
                SortKey::Queue,
                Some(SortValue::Text("a\"b 日本語 %_\0".to_owned())),
            ),
        ];
        for cursor in cursors {
            let text = cursor.to_string();
            assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            assert_eq!(text.parse(), Ok(cursor));
        }
        let places = [
            (HistoryKind::Audit, HistoryPlace::Number(9)),
            (
                HistoryKind::Attempts,
                HistoryPlace::Moment(moment(), Uuid::from_u128(8)),
            ),
        ];
        for (kind, place) in places {
            let cursor = HistoryCursor::after(kind, HistoryOrder::NewestFirst, place);
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
    }

    #[test]
    fn text_that_is_no_cursor_is_refused() {
        let value = Some(SortValue::Instant(moment()));
        let good = task_cursor(SortKey::CreatedAt, value.clone()).to_string();
        let of_wrong_value = task_cursor(SortKey::Queue, value).to_string();
        let of_wrong_place = HistoryCursor::after(
            HistoryKind::Runs,
            HistoryOrder::OldestFirst,
            HistoryPlace::Number(1),
        );
        let bad = [
            "",
            "1",
            "17",
            "1é0",
            "1zz",
            &good[1..],
            &good[..good.len() - 2],
            &format!("2{}", &good[1..]),
            &format!("{good}00"),
            &of_wrong_value,
            &of_wrong_place.to_string(),
        ];
        for text in bad {
            assert_eq!(text.parse::<TaskCursor>(), Err(InvalidQuery::Cursor));
            assert_eq!(text.parse::<HistoryCursor>(), Err(InvalidQuery::Cursor));
        }
        assert_eq!(good.parse::<HistoryCursor>(), Err(InvalidQuery::Cursor));
    }
}
