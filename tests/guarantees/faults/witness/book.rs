//! What the rows say, and how they may move.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use evertask::storage::{
    Answer, AuditEntry, CancelAnswer, CancelTask, ChangeAnswer, InsertAllAnswer, InsertAnswer,
    Redefinition, RowChange, Write, WriteGroup, coalesce,
};
use evertask::task::{Generation, ProcessId};
use evertask::{TaskId, TaskRecord};

use super::super::transitions::{Cause, Place, Taken};
use super::super::wishes::Wish;
use super::trace::line;

#[derive(Default)]
pub(super) struct Book {
    pub(super) rows: BTreeMap<TaskId, Seen>,
    pub(super) inserted: BTreeSet<TaskId>,
    pub(super) stale: Vec<String>,
    pub(super) taken: Taken,
    pub(super) trace: Vec<String>,
    /// A group was dropped on its way, with its process, and may be committed or not: the rows have
    /// to be read.
    pub(super) is_unsure: bool,
    /// The redefinitions that were acknowledged, by what they made of their rows.
    acknowledged: HashSet<(TaskId, Generation)>,
    /// How often one was acknowledged that had made the same of its row before.
    echoes: HashMap<(TaskId, Wish), usize>,
    /// How often each task was brought back from its end.
    retries: HashMap<TaskId, usize>,
    /// The runtime that is being started.
    pub(super) starting: u32,
    /// Which runtime each process is.
    pub(super) runtimes: HashMap<ProcessId, u32>,
    /// In which of its lives a runtime has claimed a task last.
    claimed: HashMap<(u32, TaskId), usize>,
}

/// A row as it is after the latest group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    generation: Generation,
    place: Place,
}

/// How many rows are not over.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(in super::super) struct Open {
    /// Those that may run.
    pub(in super::super) runnable: usize,
    /// Those that wait for a reason.
    pub(in super::super) waiting: usize,
}

impl Book {
    /// A group is on its way. Answers whether the one before was dropped there; so may be this one.
    pub(super) fn begin(&mut self, group: &WriteGroup) -> bool {
        for write in &group.writes {
            match write {
                Write::Insert(new) => _ = self.inserted.insert(new.record.id()),
                Write::InsertAll(tasks) => {
                    let ids = tasks.iter().map(|new| new.record.id());
                    self.inserted.extend(ids);
                }
                _ => {}
            }
        }
        std::mem::replace(&mut self.is_unsure, true)
    }

    /// Notes what became of a group; if the one before may be committed or not, its steps are from
    /// nobody knows where, and the rows have to be read.
    pub(super) fn note(
        &mut self,
        process: ProcessId,
        group: &WriteGroup,
        answers: &[Answer],
        was_unsure: bool,
    ) {
        let mut pairs: Vec<_> = group.writes.iter().zip(answers).collect();
        pairs.sort_by_key(|(write, _)| write.kind());
        let lines = pairs
            .iter()
            .map(|(write, answer)| line(process, write, answer));
        self.trace.extend(lines);
        for (write, answer) in &pairs {
            if let (Write::Redefine(redefined), Answer::Redefine(ChangeAnswer::Applied)) =
                (write, answer)
            {
                self.acknowledge(redefined);
            }
        }
        if was_unsure {
            return;
        }
        let mut changes = Vec::new();
        for (write, answer) in pairs {
            match (write, answer) {
                (Write::Insert(new), Answer::Insert(InsertAnswer::Stored)) => {
                    self.insert(&new.record);
                }
                (Write::InsertAll(tasks), Answer::InsertAll(InsertAllAnswer::Stored(answers))) => {
                    let pairs = tasks.iter().zip(answers);
                    for (new, _) in pairs.filter(|(_, answer)| **answer == InsertAnswer::Stored) {
                        self.insert(&new.record);
                    }
                }
                (Write::Change(change), Answer::Change(ChangeAnswer::Applied)) => {
                    changes.push(change.as_ref());
                }
                (Write::Redefine(redefined), Answer::Redefine(ChangeAnswer::Applied)) => {
                    self.change(&mut changes);
                    self.redefine(redefined);
                }
                (Write::Cancel(cancel), Answer::Cancel(CancelAnswer::Cancelled(_))) => {
                    self.change(&mut changes);
                    self.cancel(cancel);
                }
                (_, Answer::Claim(claimed)) => {
                    self.change(&mut changes);
                    for task in &claimed.tasks {
                        self.claim(&task.record);
                    }
                }
                _ => {}
            }
        }
        self.change(&mut changes);
    }

    pub(super) fn place(&self, id: TaskId) -> Place {
        self.rows.get(&id).map_or(Place::Nowhere, |seen| seen.place)
    }

    pub(super) fn set(&mut self, record: &TaskRecord) {
        let seen = Seen {
            generation: record.generation,
            place: Place::of(&record.state),
        };
        self.rows.insert(record.definition.id, seen);
    }

    fn step(&mut self, id: TaskId, cause: Cause, to: Place) {
        let from = self.place(id);
        if !self.taken.note((from, cause, to)) {
            let text = format!("{id} went from {from:?} to {to:?} by {cause:?}");
            self.stale.push(text);
        }
        if let Some(seen) = self.rows.get_mut(&id) {
            seen.place = to;
        }
    }

    fn insert(&mut self, record: &TaskRecord) {
        let place = Place::of(&record.state);
        self.step(record.definition.id, Cause::Insert, place);
        self.set(record);
    }

    /// Notes changes that were applied, or recognised as applied before.
    fn change(&mut self, changes: &mut Vec<&RowChange>) {
        let changes = std::mem::take(changes);
        let (merged, fates) = coalesce(changes.iter().copied());
        for (index, whole) in merged.iter().enumerate() {
            let Some(seen) = self.rows.get_mut(&whole.id) else {
                self.stale.push(format!("{} is not stored", whole.id));
                continue;
            };
            if seen.generation == whole.generation {
                continue;
            }
            let to = Place::of(&whole.state);
            let was_over = seen.place.is_over() && seen.place != to;
            if seen.generation != whole.expected || was_over {
                let text = format!("{seen:?} was changed by {whole:?}");
                self.stale.push(text);
            }
            seen.generation = whole.generation;
            let parts = changes.iter().zip(&fates);
            for (part, _) in parts.filter(|(_, fate)| **fate == index) {
                // A delivery that was told of a cancel writes it, too, in case that the cancel itself is lost.
                let wish = part.audit.last().and_then(Wish::of);
                let cause = wish.map_or(Cause::Delivery, Cause::Asked);
                self.step(part.id, cause, Place::of(&part.state));
            }
        }
    }

    /// Who wants the same of the same row at the same instant as somebody else writes the very same row,
    /// which is then recognised as stored.
    fn acknowledge(&mut self, redefinition: &Redefinition) {
        let record = &redefinition.record;
        let id = record.definition.id;
        let is_echo = !self.acknowledged.insert((id, record.generation));
        if is_echo && let Some(wish) = asked(redefinition) {
            *self.echoes.entry((id, wish)).or_default() += 1;
        }
    }

    /// How often a wish was fulfilled together with the same wish of somebody else.
    pub(super) fn echoes(&self, id: TaskId, wish: Wish) -> usize {
        self.echoes.get(&(id, wish)).copied().unwrap_or_default()
    }

    /// Notes that a row was given other work, unless that was recognised as done before.
    fn redefine(&mut self, redefinition: &Redefinition) {
        let record = &redefinition.record;
        let id = record.definition.id;
        let Some(seen) = self.rows.get(&id).copied() else {
            self.stale.push(format!("{id} is not stored"));
            return;
        };
        if seen.generation == record.generation {
            return;
        }
        if seen.generation != redefinition.expected {
            let text = format!("{seen:?} was redefined by {redefinition:?}");
            self.stale.push(text);
        }
        let wish = asked(redefinition);
        if let Some(wish) = wish {
            self.step(id, Cause::Asked(wish), Place::of(&record.state));
        } else {
            let text = format!("{redefinition:?} was not asked for");
            self.stale.push(text);
        }
        if wish == Some(Wish::Retry) {
            *self.retries.entry(id).or_default() += 1;
        }
        self.set(record);
    }

    fn cancel(&mut self, cancel: &CancelTask) {
        let id = cancel.id;
        if Wish::by(cancel.actor.as_deref()) != Some(Wish::Cancel) {
            let text = format!("{id} was cancelled by {:?}", cancel.actor);
            self.stale.push(text);
        }
        self.step(id, Cause::Asked(Wish::Cancel), Place::Cancelled);
        if let Some(seen) = self.rows.get_mut(&id) {
            seen.generation = seen.generation.superseded();
        }
    }

    fn claim(&mut self, record: &TaskRecord) {
        let place = Place::of(&record.state);
        self.step(record.definition.id, Cause::Claim, place);
        self.set(record);
    }

    /// Learns from its audit how often a task was brought back from its end.
    pub(super) fn count_retries(&mut self, id: TaskId, audit: &[AuditEntry]) {
        let retries = audit
            .iter()
            .filter(|entry| Wish::of(entry) == Some(Wish::Retry));
        self.retries.insert(id, retries.count());
    }

    /// Notes in which of their lives a process has claimed its tasks.
    pub(super) fn claimed(&mut self, process: ProcessId, answers: &[Answer]) {
        let Some(runtime) = self.runtimes.get(&process).copied() else {
            return;
        };
        for answer in answers {
            let Answer::Claim(claimed) = answer else {
                continue;
            };
            for id in claimed.tasks.iter().map(|task| task.record.id()) {
                let life = self.present_life(id);
                self.claimed.insert((runtime, id), life);
            }
        }
    }

    /// In which of its lives a task is now.
    pub(super) fn present_life(&self, id: TaskId) -> usize {
        self.retries.get(&id).copied().unwrap_or_default()
    }

    /// In which of its lives a runtime has a task; what it has stored itself is in its first.
    pub(super) fn life(&self, runtime: u32, id: TaskId) -> usize {
        let life = self.claimed.get(&(runtime, id));
        life.copied().unwrap_or_default()
    }

    /// What a start looked at is as it was, or may run again.
    pub(super) fn reconsider(&mut self, record: &TaskRecord) {
        let place = Place::of(&record.state);
        if place != self.place(record.definition.id) {
            self.step(record.definition.id, Cause::Reconsideration, place);
        }
        self.set(record);
    }

    pub(super) fn open(&self) -> Open {
        let open = self.rows.values().filter(|seen| !seen.place.is_over());
        let waiting = open.clone().filter(|seen| seen.place == Place::Aside);
        let waiting = waiting.count();
        Open {
            runnable: open.count() - waiting,
            waiting,
        }
    }
}

/// What somebody asked for who had a row redefined.
fn asked(redefinition: &Redefinition) -> Option<Wish> {
    let wish = redefinition.audit.last().and_then(Wish::of);
    wish.filter(|wish| *wish != Wish::Cancel)
}
