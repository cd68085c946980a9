use evertask_core::retention::{LogAge, RetentionBatch, RetentionCursor};
use evertask_core::storage::StorageError;
use evertask_core::task::TaskId;
use evertask_core::time::Timestamp;
use sea_orm::DatabaseConnection;
use uuid::Uuid;

use super::lines::{Lines, TaskSpan};
use crate::writer::Writer;

/// How many lines one look around passes, more or less: it ends with a task.
const LOOK_AROUND: u64 = 10_000;

/// The passes over log lines.
///
/// The key of a line begins with its task, so a pass goes from task to task.
#[derive(Debug)]
pub(super) struct Logs<'a> {
    pub(super) readers: &'a DatabaseConnection,
    pub(super) writer: &'a Writer,
    pub(super) lines: Lines,
}

impl Logs<'_> {
    /// Deletes the next lines that were logged before an instant.
    pub(super) async fn delete_aged(
        &self,
        before: Timestamp,
        from: Option<RetentionCursor>,
        limit: u32,
    ) -> Result<RetentionBatch, StorageError> {
        let span = self.span(from).await?;
        let is_aged = self.lines.is_before(before);
        let found = self.lines.keys(self.readers, span, &is_aged, limit).await?;
        let rows = self.lines.delete(self.writer, &found, is_aged).await?;
        let next = match found.last() {
            Some(last) if is_full(&found, limit) => Some(cursor(last.task_id)),
            Some(_) | None => span.next().map(cursor),
        };
        Ok(RetentionBatch { rows, next })
    }

    /// Counts them.
    pub(super) async fn count_aged(
        &self,
        before: Timestamp,
        from: Option<RetentionCursor>,
    ) -> Result<RetentionBatch, StorageError> {
        let span = self.span(from).await?;
        let is_aged = Some(self.lines.is_before(before));
        let counted = self.lines.counted(self.readers, span, is_aged, 0).await?;
        Ok(RetentionBatch {
            rows: counted.iter().map(|(_, lines)| lines).sum(),
            next: span.next().map(cursor),
        })
    }

    /// Deletes the next lines that are too many for their task, or finds out which are.
    ///
    /// The oldest line to keep is looked for once a task and then stands in the cursor: looking for
    /// it in each batch would sort all lines of the task each time.
    pub(super) async fn delete_surplus(
        &self,
        keep: u64,
        aged_before: Option<Timestamp>,
        from: Option<RetentionCursor>,
        limit: u32,
    ) -> Result<RetentionBatch, StorageError> {
        if let Some(RetentionCursor::Surplus(task, kept)) = from {
            return self.delete_older(task, kept, limit).await;
        }
        let span = self.span(from).await?;
        let young = aged_before.map(|before| self.lines.is_from(before));
        let crowded = self.lines.counted(self.readers, span, young, keep).await?;
        let next = match crowded.first() {
            Some((task, _)) => {
                let oldest = self
                    .lines
                    .oldest_kept(self.readers, *task, keep, aged_before);
                let task = TaskId(*task);
                oldest
                    .await?
                    .map(|kept| RetentionCursor::Surplus(task, kept))
            }
            None => span.next().map(cursor),
        };
        Ok(RetentionBatch { rows: 0, next })
    }

    async fn delete_older(
        &self,
        task: TaskId,
        kept: LogAge,
        limit: u32,
    ) -> Result<RetentionBatch, StorageError> {
        let is_older = self.lines.is_older(kept);
        let of_task = TaskSpan::Only(task.0);
        let found = self
            .lines
            .keys(self.readers, of_task, &is_older, limit)
            .await?;
        let rows = self.lines.delete(self.writer, &found, is_older).await?;
        let next = if is_full(&found, limit) {
            Some(RetentionCursor::Surplus(task, kept))
        } else {
            let next = self.lines.task_after(self.readers, task.0).await?;
            next.map(cursor)
        };
        Ok(RetentionBatch { rows, next })
    }

    /// Counts them.
    pub(super) async fn count_surplus(
        &self,
        keep: u64,
        aged_before: Option<Timestamp>,
        from: Option<RetentionCursor>,
    ) -> Result<RetentionBatch, StorageError> {
        let span = self.span(from).await?;
        let young = aged_before.map(|before| self.lines.is_from(before));
        let crowded = self.lines.counted(self.readers, span, young, keep).await?;
        let surplus = crowded.iter().map(|(_, lines)| lines.saturating_sub(keep));
        Ok(RetentionBatch {
            rows: surplus.sum(),
            next: span.next().map(cursor),
        })
    }

    /// Measures the next stretch: whole tasks, and one at least.
    async fn span(&self, from: Option<RetentionCursor>) -> Result<TaskSpan, StorageError> {
        let from = match from {
            Some(RetentionCursor::Task(task)) => Some(task.0),
            Some(
                RetentionCursor::Number(_) | RetentionCursor::Id(_) | RetentionCursor::Surplus(..),
            )
            | None => None,
        };
        let mut before = self.lines.task_at(self.readers, from, LOOK_AROUND).await?;
        if let Some(task) = before.filter(|task| Some(*task) == from) {
            before = self.lines.task_after(self.readers, task).await?;
        }
        Ok(TaskSpan::Between(from, before))
    }
}

fn cursor(task: Uuid) -> RetentionCursor {
    RetentionCursor::Task(TaskId(task))
}

fn is_full<T>(found: &[T], limit: u32) -> bool {
    u32::try_from(found.len()).is_ok_and(|found| found == limit)
}
