use std::ops::Bound;

use super::table::Table;
use crate::log::{LogCursor, LogPage, LogSearch};
use crate::storage::{AppendLogs, AppendLogsAnswer, StorageError, StorageErrorKind};

/// Keeps lines of a task, except those that are stored already.
pub(super) fn append(table: &mut Table, append: &AppendLogs) -> AppendLogsAnswer {
    let appended = table.update(append.id, |row| {
        for line in &append.lines {
            let place = row.logs.entry(LogCursor::of(line));
            place.or_insert_with(|| line.clone());
        }
    });
    match appended {
        Some(()) => AppendLogsAnswer::Stored,
        None => AppendLogsAnswer::Missing,
    }
}

/// Answers a page of the lines of a task.
pub(super) fn page(table: &Table, search: &LogSearch) -> Result<LogPage, StorageError> {
    search.check().map_err(|error| {
        StorageError::new(StorageErrorKind::Rejected, "read log lines").with_source(error)
    })?;
    let Some(row) = table.row(search.task) else {
        return Ok(LogPage::default());
    };
    let matching = row.logs.values().filter(|line| search.matches(line));
    let begin = search.after.map_or(Bound::Unbounded, Bound::Excluded);
    let after = row.logs.range((begin, Bound::Unbounded));
    let after = after.map(|(_, line)| line);
    let one_more = usize::try_from(search.limit).map_or(usize::MAX, |limit| limit + 1);
    let lines = after.filter(|line| search.matches(line)).take(one_more);
    Ok(search.page(lines.cloned().collect(), matching.count() as u64))
}
