use std::collections::{BTreeMap, HashSet};

use super::ready::ReadyRows;
use crate::storage::{AuditEntry, NewTask};
use crate::task::{AttemptId, AttemptRecord, TaskDefinition, TaskId, TaskRecord};
use crate::time::Timestamp;

/// A task with everything kept about it.
pub(super) struct Row {
    pub(super) record: TaskRecord,
    pub(super) audit: Vec<AuditEntry>,
    pub(super) attempts: Vec<AttemptRecord>,
}

/// The rows and their indexes, which every write keeps in step.
#[derive(Default)]
pub(super) struct Table {
    rows: BTreeMap<TaskId, Row>,
    ready: ReadyRows,
    occurrences: HashSet<Occurrence>,
    attempts: HashSet<AttemptId>,
}

/// A series and the instant of one of its tasks; no two tasks share it.
pub(super) type Occurrence = (TaskId, Timestamp);

/// Answers which occurrence a task is, if it belongs to a series.
pub(super) fn occurrence_of(definition: &TaskDefinition) -> Option<Occurrence> {
    definition.series_id.zip(definition.occurrence_at)
}

impl Table {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn row(&self, id: TaskId) -> Option<&Row> {
        self.rows.get(&id)
    }

    pub(super) fn records(&self) -> impl Iterator<Item = &TaskRecord> {
        self.rows.values().map(|row| &row.record)
    }

    pub(super) fn ready(&self) -> &ReadyRows {
        &self.ready
    }

    pub(super) fn has_occurrence(&self, occurrence: Occurrence) -> bool {
        self.occurrences.contains(&occurrence)
    }

    /// Stores a row whose id and occurrence are known to be new.
    pub(super) fn insert(&mut self, new: &NewTask) {
        let row = Row {
            record: new.record.clone(),
            audit: new.audit.clone(),
            attempts: Vec::new(),
        };
        self.ready.add(&row.record);
        self.occurrences
            .extend(occurrence_of(&row.record.definition));
        self.rows.insert(row.record.definition.id, row);
    }

    /// Edits a row and answers what `edit` does, or `None` if there is no such row.
    pub(super) fn update<T>(&mut self, id: TaskId, edit: impl FnOnce(&mut Row) -> T) -> Option<T> {
        let row = self.rows.get_mut(&id)?;
        self.ready.remove(&row.record);
        let answer = edit(row);
        self.ready.add(&row.record);
        Some(answer)
    }

    /// Adds attempts to a row, except those that are stored already.
    pub(super) fn add_attempts(&mut self, id: TaskId, attempts: &[AttemptRecord]) {
        let Some(row) = self.rows.get_mut(&id) else {
            return;
        };
        let new = attempts
            .iter()
            .filter(|attempt| self.attempts.insert(attempt.id));
        row.attempts.extend(new.cloned());
    }
}
