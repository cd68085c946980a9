//! What the application was told, and what its handlers saw.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use evertask::{AuditLevel, DispatchError, Dispatched, Stored, TaskId};
use parking_lot::Mutex;

use super::errand::Errand;
use super::transitions::Place;
use super::wishes::{Tally, Told, Wish};
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
    running: Vec<Run>,
    snoozes: HashMap<(TaskId, usize), u32>,
    overlaps: BTreeSet<TaskId>,
    late: BTreeSet<TaskId>,
    denied: BTreeSet<TaskId>,
}

/// A handler at work.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Run {
    id: TaskId,
    /// In which of the lives of its task, counted from 0.
    life: usize,
    runtime: u32,
}

impl fmt::Display for Run {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, life, runtime } = self;
        write!(formatter, "{id} life={life} runtime={runtime}")
    }
}

impl Run {
    /// Whether the two may not go on at once.
    ///
    /// A runtime does not know whether another one still has a handler of a task that was cancelled, so
    /// a new life may begin beside the end of an old one. Nothing else is excused.
    fn excludes(self, other: Self) -> bool {
        self.id == other.id && (self.runtime == other.runtime || self.life == other.life)
    }
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
    /// What was asked of it since.
    pub(super) wishes: BTreeMap<Wish, Tally>,
}

impl Asked {
    pub(super) fn tally(&self, wish: Wish) -> Tally {
        self.wishes.get(&wish).copied().unwrap_or_default()
    }
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
            wishes: BTreeMap::new(),
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

    /// Notes that somebody is about to want something of a task, and answers whether they can rely on it
    /// that it is stored.
    pub(super) fn wish(&self, id: TaskId, wish: Wish) -> bool {
        let mut entries = self.entries.lock();
        let asked = entries.asked.get_mut(&id).expect("it was asked for");
        asked.wishes.entry(wish).or_default().asked += 1;
        asked.stored
    }

    /// Notes the answer to a wish.
    pub(super) fn told(&self, id: TaskId, wish: Wish, told: Told, was_stored: bool) {
        let mut entries = self.entries.lock();
        let asked = entries.asked.get_mut(&id).expect("it was asked for");
        asked.wishes.entry(wish).or_default().note(told);
        if was_stored && matches!(told, Told::NoSuchTask) {
            entries.denied.insert(id);
        }
    }

    /// Notes that a handler was entered.
    pub(super) fn enter(&self, id: TaskId, runtime: u32) -> Run {
        self.witness.stir();
        let place = self.witness.place(id);
        let life = self.witness.life(runtime, id);
        let run = Run { id, life, runtime };
        let mut entries = self.entries.lock();
        // A cancel may be stored while a handler is on its way, and an old life of another process may begin
        // when a new one is over already: its process was not told of the cancel between the two.
        let is_present = life == self.witness.present_life(id);
        if is_present && matches!(place, Place::Completed | Place::Failed) {
            entries.late.insert(id);
        }
        if entries.running.iter().any(|other| run.excludes(*other)) {
            entries.overlaps.insert(id);
        }
        entries.running.push(run);
        self.witness.trace(format!("entered {run}"));
        run
    }

    /// Notes that a handler has ended or was aborted.
    pub(super) fn leave(&self, run: Run) {
        self.witness.trace(format!("left {run}"));
        let running = &mut self.entries.lock().running;
        if let Some(index) = running.iter().position(|other| *other == run) {
            running.swap_remove(index);
        }
        self.witness.stir();
    }

    /// Notes that a handler wants to snooze, and answers how often one did before in this life of its task.
    pub(super) fn snooze(&self, run: Run) -> u32 {
        let mut entries = self.entries.lock();
        let snoozes = entries.snoozes.entry((run.id, run.life)).or_default();
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

    /// Tasks that somebody was told are unknown although somebody else had been told that they are stored.
    pub(super) fn denied(&self) -> BTreeSet<TaskId> {
        self.entries.lock().denied.clone()
    }
}
