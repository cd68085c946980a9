//! What the rows say, and how they may move.

use std::collections::{BTreeMap, BTreeSet};

use evertask::storage::{
    Answer, CancelAnswer, ChangeAnswer, InsertAllAnswer, InsertAnswer, RowChange, Write,
    WriteGroup, coalesce,
};
use evertask::task::{Generation, ProcessId};
use evertask::{TaskId, TaskRecord};

use super::super::transitions::{Cause, Place, Taken};
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
                    self.set(&redefined.record);
                }
                (Write::Cancel(cancel), Answer::Cancel(CancelAnswer::Cancelled(_))) => {
                    self.change(&mut changes);
                    self.cancel(cancel.id);
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
                self.step(part.id, Cause::Delivery, Place::of(&part.state));
            }
        }
    }

    fn cancel(&mut self, id: TaskId) {
        self.step(id, Cause::Cancel, Place::Cancelled);
        if let Some(seen) = self.rows.get_mut(&id) {
            seen.generation = seen.generation.superseded();
        }
    }

    fn claim(&mut self, record: &TaskRecord) {
        let place = Place::of(&record.state);
        self.step(record.definition.id, Cause::Claim, place);
        self.set(record);
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
