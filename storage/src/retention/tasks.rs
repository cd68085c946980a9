use std::collections::HashMap;

use evertask_core::retention::{RetentionBatch, RetentionCursor};
use evertask_core::storage::StorageError;
use sea_orm::DatabaseConnection;
use sea_orm::sea_query::Expr;
use uuid::Uuid;

use super::lines::Lines;
use super::walk::{Found, Walk};
use crate::writer::Writer;

/// How many log lines go with one batch of tasks, at most, unless a single task has more.
const LINES: u64 = 1_000;

/// The pass over tasks that are over.
#[derive(Debug)]
pub(super) struct Tasks<'a> {
    pub(super) readers: &'a DatabaseConnection,
    pub(super) writer: &'a Writer,
    pub(super) walk: Walk,
    /// The log lines that go with their tasks, and when they may.
    pub(super) lines: Option<(Lines, Expr)>,
}

impl Tasks<'_> {
    /// Deletes the next tasks.
    ///
    /// Log lines are deleted before their task, in batches of their own: left to the database, all
    /// lines of all tasks would go in one transaction, however many there are.
    pub(super) async fn delete(
        &self,
        from: Option<RetentionCursor>,
        limit: u32,
    ) -> Result<RetentionBatch, StorageError> {
        let part = self.walk.part(self.readers, from).await?;
        let mut found = self.walk.find(self.readers, &part, limit).await?;
        if let Some((lines, may_go)) = &self.lines {
            self.delete_lines(lines, may_go, &mut found, limit).await?;
        }
        let rows = self.walk.delete(self.writer, &found).await?;
        let next = found.next;
        Ok(RetentionBatch { rows, next })
    }

    async fn delete_lines(
        &self,
        lines: &Lines,
        may_go: &Expr,
        found: &mut Found,
        limit: u32,
    ) -> Result<(), StorageError> {
        let counted = lines.counted_of(self.readers, found.ids()).await?;
        let counted: HashMap<Uuid, u64> = counted.into_iter().collect();
        found.cut(LINES, |task| {
            counted.get(&task).copied().unwrap_or_default()
        });
        loop {
            let of_tasks = lines.of_tasks(found.ids());
            let keys = lines.first_keys(self.readers, of_tasks, limit).await?;
            let deleted = lines.delete(self.writer, &keys, may_go.clone()).await?;
            // What is left belongs to tasks that were brought back to life.
            if deleted == 0 {
                return Ok(());
            }
        }
    }
}
