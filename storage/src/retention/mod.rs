//! Letting go of what its windows have passed.
//!
//! A step walks once through its table in the order of the key and deletes what may go by its key,
//! a batch at a time. It looks for it on a connection that reads, so that a long search keeps
//! nobody waiting, and only the deletion itself, which asks again whether it may, takes a turn
//! between two groups of writes.
//!
//! *Turned down*: an index on the instants. Each line of history ever written would pay for it, so
//! that a pass once a day is spared a look at the lines that stay; and since keys rise with time,
//! those that go come first anyway, all together. The same statements work on every database,
//! because none of them has a `LIMIT` in a `DELETE` or selects from the table that it deletes from.

mod history;
mod instant;
mod lines;
mod logs;
mod purge;
mod scope;
mod tasks;
mod walk;

use evertask_core::retention::{
    LogGuard, RetentionBatch, RetentionCursor, RetentionStep, RetentionTarget,
};
use evertask_core::storage::StorageError;
use evertask_core::time::Timestamp;
use evertask_migration::TablePrefix;
use sea_orm::DatabaseConnection;

use self::history::History;
use self::instant::Instants;
use self::lines::Lines;
use self::logs::Logs;
use self::tasks::Tasks;
use self::walk::Walk;
use crate::writer::Writer;

/// What a session lets go of rows with.
#[derive(Clone, Copy)]
pub(crate) struct Retention<'a> {
    pub(crate) writer: &'a Writer,
    pub(crate) readers: &'a DatabaseConnection,
    pub(crate) prefix: &'a TablePrefix,
}

/// How a step is done.
enum Pass<'a> {
    Rows(Walk),
    Tasks(Tasks<'a>),
    AgedLogs(Logs<'a>, Timestamp),
    SurplusLogs(Logs<'a>, u64, Option<Timestamp>),
}

impl<'a> Retention<'a> {
    /// Does the next batch of a step.
    pub(crate) async fn retain(
        &self,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
        limit: u32,
    ) -> Result<RetentionBatch, StorageError> {
        match self.pass(step) {
            Pass::Rows(walk) => {
                let part = walk.part(self.readers, from).await?;
                let found = walk.find(self.readers, &part, limit).await?;
                let rows = walk.delete(self.writer, &found).await?;
                let next = found.next;
                Ok(RetentionBatch { rows, next })
            }
            Pass::Tasks(tasks) => tasks.delete(from, limit).await,
            Pass::AgedLogs(logs, before) => logs.delete_aged(before, from, limit).await,
            Pass::SurplusLogs(logs, keep, aged_before) => {
                logs.delete_surplus(keep, aged_before, from, limit).await
            }
        }
    }

    /// Counts what the next part of a step would let go of.
    pub(crate) async fn preview(
        &self,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
    ) -> Result<RetentionBatch, StorageError> {
        match self.pass(step) {
            Pass::Rows(walk) | Pass::Tasks(Tasks { walk, .. }) => {
                let part = walk.part(self.readers, from).await?;
                let rows = walk.count(self.readers, &part).await?;
                let next = part.until;
                Ok(RetentionBatch { rows, next })
            }
            Pass::AgedLogs(logs, before) => logs.count_aged(before, from).await,
            Pass::SurplusLogs(logs, keep, aged_before) => {
                logs.count_surplus(keep, aged_before, from).await
            }
        }
    }

    fn pass(&self, step: &RetentionStep) -> Pass<'a> {
        let instants = Instants::of(self.readers.get_database_backend());
        let of_history = |history: History, cutoffs| {
            let goes = scope::of_line(self.prefix, &history.table, &step.scope)
                .add(history.goes(instants, cutoffs));
            Pass::Rows(Walk::through(history.table, history.key, goes))
        };
        let logs = || Logs {
            readers: self.readers,
            writer: self.writer,
            lines: Lines::of(self.prefix, instants, &step.scope),
        };
        match &step.target {
            RetentionTarget::StatusAudit(cutoffs) => {
                of_history(History::status_audit(self.prefix), cutoffs)
            }
            RetentionTarget::Runs(cutoffs) => of_history(History::runs(self.prefix), cutoffs),
            RetentionTarget::Attempts(cutoffs) => {
                of_history(History::attempts(self.prefix), cutoffs)
            }
            RetentionTarget::LogsByAge { before } => Pass::AgedLogs(logs(), *before),
            RetentionTarget::LogsByCount { keep, aged_before } => {
                Pass::SurplusLogs(logs(), *keep, *aged_before)
            }
            RetentionTarget::Tasks(purge) => {
                let goes = purge::goes(self.prefix, instants, &step.scope, purge);
                let goes_with_them = (purge.logs == LogGuard::None).then(|| {
                    let may_go = scope::of_line_of(self.prefix, &self.prefix.logs(), goes.clone());
                    (logs().lines, may_go)
                });
                Pass::Tasks(Tasks {
                    readers: self.readers,
                    writer: self.writer,
                    walk: Walk::through_tasks(self.prefix.tasks(), goes),
                    lines: goes_with_them,
                })
            }
        }
    }
}
