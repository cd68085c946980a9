use std::collections::{BTreeMap, HashMap, HashSet};

use super::audit::AuditTrail;
use super::ready::ReadyRows;
use crate::log::{LogCursor, LogLine};
use crate::storage::{AuditEntry, NewTask};
use crate::task::{AttemptId, AttemptRecord, RunRecord, TaskDefinition, TaskId, TaskRecord};
use crate::time::Timestamp;

/// A task with everything kept about it.
pub(super) struct Row {
    pub(super) record: TaskRecord,
    pub(super) audit: AuditTrail,
    pub(super) attempts: Vec<AttemptRecord>,
    pub(super) logs: BTreeMap<LogCursor, LogLine>,
    pub(super) runs: Vec<RunRecord>,
}

/// The rows and their indexes, which every write keeps in step.
#[derive(Default)]
pub(super) struct Table {
    rows: BTreeMap<TaskId, Row>,
    ready: ReadyRows,
    keys: HashMap<String, TaskId>,
    occurrences: HashSet<Occurrence>,
    attempts: HashSet<AttemptId>,
    runs: HashSet<AttemptId>,
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

    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.values()
    }

    pub(super) fn ready(&self) -> &ReadyRows {
        &self.ready
    }

    /// The row that holds an active key.
    pub(super) fn holder_of(&self, key: &str) -> Option<&TaskRecord> {
        self.keys
            .get(key)
            .and_then(|id| self.row(*id))
            .map(|row| &row.record)
    }

    pub(super) fn has_occurrence(&self, occurrence: Occurrence) -> bool {
        self.occurrences.contains(&occurrence)
    }

    /// Stores a row whose id, active key and occurrence are known to be new.
    pub(super) fn insert(&mut self, new: &NewTask) {
        let row = Row {
            record: new.record.clone(),
            audit: new.kept_audit().cloned().collect(),
            attempts: Vec::new(),
            logs: BTreeMap::new(),
            runs: Vec::new(),
        };
        self.ready.add(&row.record);
        let key = row.record.state.active_key.clone();
        self.keys
            .extend(key.map(|key| (key, row.record.definition.id)));
        self.occurrences
            .extend(occurrence_of(&row.record.definition));
        self.rows.insert(row.record.definition.id, row);
    }

    /// Edits a row and answers what `edit` does, or `None` if there is no such row.
    pub(super) fn update<T>(&mut self, id: TaskId, edit: impl FnOnce(&mut Row) -> T) -> Option<T> {
        let row = self.rows.get_mut(&id)?;
        self.ready.remove(&row.record);
        if let Some(key) = &row.record.state.active_key {
            self.keys.remove(key);
        }
        let answer = edit(row);
        self.ready.add(&row.record);
        let key = row.record.state.active_key.clone();
        self.keys.extend(key.map(|key| (key, id)));
        Some(answer)
    }

    /// The rows from an id on, in the order of their ids.
    pub(super) fn rows_from(&self, id: TaskId) -> impl Iterator<Item = (TaskId, &Row)> {
        self.rows.range(id..).map(|(id, row)| (*id, row))
    }

    /// Takes a row out, with everything kept about it.
    pub(super) fn remove(&mut self, id: TaskId) {
        let Some(row) = self.rows.remove(&id) else {
            return;
        };
        self.ready.remove(&row.record);
        if let Some(key) = &row.record.state.active_key {
            self.keys.remove(key);
        }
        if let Some(occurrence) = occurrence_of(&row.record.definition) {
            self.occurrences.remove(&occurrence);
        }
        for attempt in &row.attempts {
            self.attempts.remove(&attempt.id);
        }
        for run in &row.runs {
            self.runs.remove(&run.id);
        }
    }

    /// Takes lines out of the status audit of a row.
    pub(super) fn remove_audit(&mut self, id: TaskId, goes: impl FnMut(&mut AuditEntry) -> bool) {
        if let Some(row) = self.rows.get_mut(&id) {
            row.audit.remove(goes);
        }
    }

    /// Takes runs of a row out.
    pub(super) fn remove_runs(&mut self, id: TaskId, goes: impl FnMut(&mut RunRecord) -> bool) {
        let Some(row) = self.rows.get_mut(&id) else {
            return;
        };
        for run in row.runs.extract_if(.., goes) {
            self.runs.remove(&run.id);
        }
    }

    /// Takes log lines of a row out.
    pub(super) fn remove_logs(&mut self, id: TaskId, mut goes: impl FnMut(&LogLine) -> bool) {
        if let Some(row) = self.rows.get_mut(&id) {
            row.logs.retain(|_, line| !goes(line));
        }
    }

    /// Takes attempts of a row out.
    pub(super) fn remove_attempts(
        &mut self,
        id: TaskId,
        goes: impl FnMut(&mut AttemptRecord) -> bool,
    ) {
        let Some(row) = self.rows.get_mut(&id) else {
            return;
        };
        for attempt in row.attempts.extract_if(.., goes) {
            self.attempts.remove(&attempt.id);
        }
    }

    /// Adds attempts to a row, except those that are stored already.
    pub(super) fn add_attempts<'a>(
        &mut self,
        id: TaskId,
        attempts: impl Iterator<Item = &'a AttemptRecord>,
    ) {
        let Some(row) = self.rows.get_mut(&id) else {
            return;
        };
        let new = attempts.filter(|attempt| self.attempts.insert(attempt.id));
        row.attempts.extend(new.cloned());
    }

    /// Adds runs to a row, except those that are stored already.
    pub(super) fn add_runs<'a>(&mut self, id: TaskId, runs: impl Iterator<Item = &'a RunRecord>) {
        let Some(row) = self.rows.get_mut(&id) else {
            return;
        };
        let new = runs.filter(|run| self.runs.insert(run.id));
        row.runs.extend(new.cloned());
    }
}
