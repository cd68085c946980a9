//! What the application was told, and what its handlers saw.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use evertask::{
    AuditLevel, CancelOutcome, DispatchError, Dispatched, RequestError, Stored, TaskId,
};
use parking_lot::Mutex;

use super::errand::Errand;
use super::transitions::Place;
use super::witness::Witness;

/// What is known of a run from outside; clones share it.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    entries: Arc<Mutex<Entries>>,
    witness: Witness,
}

#[derive(Debug, Default)]
struct Entries {
    asked: BTreeMap<TaskId, Asked>,
    running: HashMap<TaskId, usize>,
    snoozes: HashMap<TaskId, u32>,
    overlaps: BTreeSet<TaskId>,
    late: BTreeSet<TaskId>,
}

/// A task that was asked for, and what became of the asking.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) errand: Errand,
    pub(super) level: AuditLevel,
    /// How many runs it has, if it is a series.
    pub(super) runs: Option<u32>,
    /// Whether somebody was told that it is stored.
    pub(super) stored: bool,
    /// How many dispatches were sent, and how many of them left nothing behind.
    pub(super) sent: usize,
    pub(super) refused: usize,
    /// Whether somebody tried to cancel it, and was told that it is cancelled.
    pub(super) cancel_tried: bool,
    pub(super) cancelled: bool,
}

impl Ledger {
    pub(super) fn new(witness: &Witness) -> Self {
        Self {
            entries: Arc::default(),
            witness: witness.clone(),
        }
    }

    /// Notes that a task is about to be dispatched again.
    pub(super) fn ask_again(&self, id: TaskId) {
        if let Some(asked) = self.entries.lock().asked.get_mut(&id) {
            asked.sent += 1;
        }
    }

    /// Notes that a task is about to be dispatched.
    pub(super) fn ask(&self, id: TaskId, errand: &Errand, level: AuditLevel, runs: Option<u32>) {
        let asked = Asked {
            errand: errand.clone(),
            level,
            runs,
            stored: false,
            sent: 1,
            refused: 0,
            cancel_tried: false,
            cancelled: false,
        };
        self.entries.lock().asked.insert(id, asked);
    }

    /// Notes the answer to a dispatch.
    pub(super) fn answered(&self, id: TaskId, answer: Result<Dispatched, DispatchError>) {
        let mut entries = self.entries.lock();
        let asked = entries.asked.get_mut(&id).expect("it was asked for");
        match answer.map_err(|error| error.stored()) {
            Ok(_) | Err(Stored::Yes(_)) => asked.stored = true,
            Err(Stored::Unknown(_)) => {}
            Err(Stored::No) => asked.refused += 1,
        }
    }

    /// Notes that somebody is about to cancel a task.
    pub(super) fn cancel(&self, id: TaskId) {
        if let Some(asked) = self.entries.lock().asked.get_mut(&id) {
            asked.cancel_tried = true;
        }
    }

    /// Notes the answer to a cancel.
    pub(super) fn cancel_answered(&self, id: TaskId, answer: &Result<CancelOutcome, RequestError>) {
        if let Some(asked) = self.entries.lock().asked.get_mut(&id)
            && let Ok(CancelOutcome::Cancelled | CancelOutcome::CancelledWhileRunning) = answer
        {
            asked.cancelled = true;
        }
    }

    /// Notes that a handler was entered.
    pub(super) fn enter(&self, id: TaskId) {
        self.witness.stir();
        let place = self.witness.place(id);
        let mut entries = self.entries.lock();
        // A cancel may be stored while a handler is on its way.
        if matches!(place, Place::Completed | Place::Failed) {
            entries.late.insert(id);
        }
        let running = entries.running.entry(id).or_default();
        *running += 1;
        if *running > 1 {
            entries.overlaps.insert(id);
        }
        self.witness.trace(format!("entered {id}"));
    }

    /// Notes that a handler has ended or was aborted.
    pub(super) fn leave(&self, id: TaskId) {
        self.witness.trace(format!("left {id}"));
        if let Some(running) = self.entries.lock().running.get_mut(&id) {
            *running -= 1;
        }
        self.witness.stir();
    }

    /// Notes that a handler wants to snooze, and answers how often one did before.
    pub(super) fn snooze(&self, id: TaskId) -> u32 {
        let mut entries = self.entries.lock();
        let snoozes = entries.snoozes.entry(id).or_default();
        *snoozes += 1;
        *snoozes - 1
    }

    pub(super) fn asked(&self) -> BTreeMap<TaskId, Asked> {
        self.entries.lock().asked.clone()
    }

    /// Tasks of which two runs went on at once.
    pub(super) fn overlaps(&self) -> BTreeSet<TaskId> {
        self.entries.lock().overlaps.clone()
    }

    /// Tasks whose handler was entered after their end was committed.
    pub(super) fn late(&self) -> BTreeSet<TaskId> {
        self.entries.lock().late.clone()
    }
}
