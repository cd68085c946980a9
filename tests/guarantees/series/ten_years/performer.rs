//! The handler of all series: it notes which occurrence it was called for, and is held when a test says so.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use evertask::{Task, TaskContext, TaskError, TaskHandler, TaskResult};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::catalogue::Entry;

/// A series by its number.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(super) struct Occasion(pub(super) usize);

impl Task for Occasion {
    const NAME: &'static str = "test.occasion";
}

/// Clones share everything.
#[derive(Clone, Debug)]
pub(super) struct Performer {
    entries: Arc<[Entry]>,
    /// How often it was called for an occurrence of a series.
    calls: Arc<Mutex<HashMap<(usize, i64), u32>>>,
    /// The occurrences in whose runs it is held now.
    inside: Arc<Mutex<BTreeSet<(usize, i64)>>>,
    /// The series whose runs are held.
    held: watch::Sender<BTreeSet<usize>>,
    stirs: watch::Sender<u64>,
}

impl Performer {
    pub(super) fn new(entries: Vec<Entry>, stirs: watch::Sender<u64>) -> Self {
        Self {
            entries: entries.into(),
            calls: Arc::default(),
            inside: Arc::default(),
            held: watch::Sender::default(),
            stirs,
        }
    }

    pub(super) fn hold(&self, number: usize) {
        self.held.send_modify(|held| {
            held.insert(number);
        });
    }

    pub(super) fn release(&self, number: usize) {
        self.held.send_modify(|held| {
            held.remove(&number);
        });
    }

    pub(super) fn is_held(&self, number: usize) -> bool {
        self.held.borrow().contains(&number)
    }

    pub(super) fn is_inside(&self, number: usize, at: i64) -> bool {
        self.inside.lock().contains(&(number, at))
    }

    /// The occurrences in whose runs it is held now.
    pub(super) fn inside(&self) -> BTreeSet<(usize, i64)> {
        self.inside.lock().clone()
    }

    pub(super) fn calls(&self) -> HashMap<(usize, i64), u32> {
        self.calls.lock().clone()
    }
}

/// A run that is held, until this is dropped.
struct Inside<'a>(&'a Performer, (usize, i64));

impl<'a> Inside<'a> {
    fn enter(performer: &'a Performer, run: (usize, i64)) -> Self {
        performer.inside.lock().insert(run);
        performer.stirs.send_modify(|stirs| *stirs += 1);
        Self(performer, run)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.inside.lock().remove(&self.1);
    }
}

impl TaskHandler<Occasion> for Performer {
    async fn handle(&self, Occasion(number): &Occasion, context: &TaskContext) -> TaskResult {
        let run = context.series_run();
        let run = run.ok_or_else(|| TaskError::permanent("it is a run of a series"))?;
        let at = run.scheduled_at.timestamp();
        *self.calls.lock().entry((*number, at)).or_default() += 1;
        if self.is_held(*number) {
            let _inside = Inside::enter(self, (*number, at));
            let mut held = self.held.subscribe();
            tokio::select! {
                released = held.wait_for(|held| !held.contains(number)) => drop(released?),
                () = context.cancelled() => return Err(TaskError::other("told to stop")),
            }
        }
        if self.entries[*number].fails_at(at) {
            return Err(TaskError::permanent("it fails now and then"));
        }
        Ok(())
    }
}
