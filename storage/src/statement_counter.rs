use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use sea_orm::Statement;

/// Counts the statements that one [`SqlStorage`](crate::SqlStorage) sends to its database.
///
/// It counts where they are handed to the driver, the beginning and the end of a transaction
/// included, so that "idle means no statement" can be measured. Clones share the count. Migrations
/// and what a new connection sets up are not counted.
///
/// It can also [record](Self::record) them, so that a database can be asked how it runs them.
#[derive(Clone, Debug, Default)]
pub struct StatementCounter(Arc<Counted>);

#[derive(Debug, Default)]
struct Counted {
    count: AtomicU64,
    /// `None` unless they are recorded, which costs a copy of each.
    recorded: Mutex<Option<Vec<Statement>>>,
}

impl StatementCounter {
    /// The most statements that are recorded; later ones are only counted.
    pub const MAX_RECORDED: usize = 1_000;

    /// How many statements have been sent so far.
    pub fn count(&self) -> u64 {
        self.0.count.load(Ordering::Relaxed)
    }

    /// Begins to record statements with their values: payloads and whatever else is stored or looked
    /// for.
    pub fn record(&self) {
        *self.0.recorded.lock() = Some(Vec::new());
    }

    /// Ends the recording and answers the statements in the order in which they ended.
    pub fn recorded(&self) -> Vec<Statement> {
        self.0.recorded.lock().take().unwrap_or_default()
    }

    pub(crate) fn add_one(&self) {
        self.0.count.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a statement that has a text worth recording.
    pub(crate) fn note(&self, statement: &Statement) {
        self.add_one();
        if let Some(recorded) = self.0.recorded.lock().as_mut()
            && recorded.len() < Self::MAX_RECORDED
        {
            recorded.push(statement.clone());
        }
    }
}
