//! A storage that watches what really reaches the rows, whatever their writers are told.

mod book;
mod session;
mod trace;

use std::fmt;
use std::sync::Arc;

use evertask::storage::{Answer, StorageBackend, TaskStorage, WriteGroup};
use evertask::task::ProcessId;
use evertask::{StorageError, TaskId, TaskRecord};
use parking_lot::Mutex;
use tokio::sync::watch;

use self::book::Book;
pub(super) use self::book::Open;
use super::transitions::{Place, Taken};
use super::wishes::Wish;

/// A storage that notes what is committed; clones share everything.
#[derive(Clone)]
pub(super) struct Witness {
    backend: Arc<dyn StorageBackend>,
    book: Arc<Mutex<Book>>,
    /// Groups are applied one at a time, so that they are noted in their order.
    turn: Arc<tokio::sync::Mutex<()>>,
    stirs: watch::Sender<u64>,
    open: watch::Sender<Open>,
    sessions: watch::Sender<usize>,
}

impl Witness {
    pub(super) fn of(backend: Arc<dyn StorageBackend>) -> Self {
        Self {
            backend,
            book: Arc::default(),
            turn: Arc::default(),
            stirs: watch::Sender::new(0),
            open: watch::Sender::default(),
            sessions: watch::Sender::default(),
        }
    }

    /// Something happens.
    pub(super) fn stir(&self) {
        self.stirs.send_modify(|stirs| *stirs += 1);
    }

    /// Changes whenever something happens.
    pub(super) fn stirs(&self) -> watch::Receiver<u64> {
        self.stirs.subscribe()
    }

    /// Whether a group is being applied.
    pub(super) fn is_busy(&self) -> bool {
        self.turn.try_lock().is_err()
    }

    /// How many rows are not over.
    pub(super) fn open_rows(&self) -> watch::Receiver<Open> {
        self.open.subscribe()
    }

    /// How many processes have it open.
    pub(super) fn sessions(&self) -> watch::Receiver<usize> {
        self.sessions.subscribe()
    }

    /// Where a task is.
    pub(super) fn place(&self, id: TaskId) -> Place {
        self.book.lock().place(id)
    }

    /// The next processes that open it are those of this runtime.
    pub(super) fn starts(&self, runtime: u32) {
        self.book.lock().starting = runtime;
    }

    /// In which of its lives a runtime has a task, counted from 0.
    pub(super) fn life(&self, runtime: u32, id: TaskId) -> usize {
        self.book.lock().life(runtime, id)
    }

    /// In which of its lives a task is now, counted from 0.
    pub(super) fn present_life(&self, id: TaskId) -> usize {
        self.book.lock().present_life(id)
    }

    /// How often a wish was fulfilled together with the same wish of somebody else.
    pub(super) fn echoes(&self, id: TaskId, wish: Wish) -> usize {
        self.book.lock().echoes(id, wish)
    }

    /// Every task that was stored.
    pub(super) fn ids(&self) -> Vec<TaskId> {
        self.book.lock().rows.keys().copied().collect()
    }

    /// Writes that reached a row they were not made for, or led it where it can't go.
    pub(super) fn stale(&self) -> Vec<String> {
        self.book.lock().stale.clone()
    }

    /// The steps from place to place that were seen; what was only found afterwards is none.
    pub(super) fn taken(&self) -> Taken {
        self.book.lock().taken.clone()
    }

    /// Adds a line to what is printed if the run fails.
    pub(super) fn trace(&self, line: String) {
        self.book.lock().trace.push(line);
    }

    /// What happened, line by line.
    pub(super) fn traced(&self) -> String {
        self.book.lock().trace.join("\n")
    }

    /// Learns from the rows themselves what they say: a group that was dropped with its process may
    /// be committed all the same.
    pub(super) async fn look(&self, reader: &dyn TaskStorage) -> Result<(), StorageError> {
        let _turn = self.turn.lock().await;
        self.read_again(reader).await
    }

    async fn read_again(&self, inner: &dyn TaskStorage) -> Result<(), StorageError> {
        self.find(inner, Book::set).await?;
        for id in self.ids() {
            let audit = inner.audit(id).await?;
            self.book.lock().count_retries(id, &audit);
        }
        Ok(())
    }

    /// Reads every row and notes it so.
    async fn find(
        &self,
        inner: &dyn TaskStorage,
        note: fn(&mut Book, &TaskRecord),
    ) -> Result<(), StorageError> {
        let ids = self.book.lock().inserted.clone();
        for id in ids {
            if let Some(record) = inner.task(id).await? {
                note(&mut self.book.lock(), &record);
            }
        }
        let open = self.book.lock().open();
        self.open.send_replace(open);
        Ok(())
    }

    fn note(&self, process: ProcessId, group: &WriteGroup, answers: &[Answer], was_unsure: bool) {
        let mut book = self.book.lock();
        book.note(process, group, answers, was_unsure);
        if !was_unsure {
            self.open.send_replace(book.open());
        }
    }
}

impl fmt::Debug for Witness {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Witness").finish_non_exhaustive()
    }
}
