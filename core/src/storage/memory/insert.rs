use std::collections::HashSet;

use super::table::{Table, occurrence_of};
use crate::storage::{InsertAllAnswer, InsertAnswer, NewTask, StorageError, StorageErrorKind};

/// Answers whether the tasks of a group can all be stored.
///
/// This is the only way a group can fail, so it is asked before the group's first write and there
/// is nothing to undo.
pub(super) fn check<'a>(
    table: &Table,
    tasks: impl IntoIterator<Item = &'a NewTask>,
) -> Result<(), StorageError> {
    let mut ids = HashSet::new();
    let mut occurrences = HashSet::new();
    for task in tasks {
        let definition = &task.record.definition;
        let exists = table.row(definition.id).is_some() || !ids.insert(definition.id);
        let Some(occurrence) = occurrence_of(definition).filter(|_| !exists) else {
            continue;
        };
        if table.has_occurrence(occurrence) || !occurrences.insert(occurrence) {
            let (series, at) = occurrence;
            let doing = format!("store a second task of series {series} at {at}");
            return Err(StorageError::new(StorageErrorKind::Rejected, doing));
        }
    }
    Ok(())
}

/// Stores a task unless one of its id is stored; call [`check`] for the whole group first.
pub(super) fn insert(table: &mut Table, task: &NewTask) -> InsertAnswer {
    if let Some(row) = table.row(task.record.definition.id) {
        return InsertAnswer::Exists(Box::new(row.record.clone()));
    }
    let key = task.record.state.active_key.as_deref();
    if let Some(holder) = key.and_then(|key| table.holder_of(key)) {
        return InsertAnswer::KeyTaken(Box::new(holder.clone()));
    }
    table.insert(task);
    InsertAnswer::Stored
}

/// Stores all of these tasks, or none of them.
pub(super) fn insert_all(table: &mut Table, tasks: &[NewTask]) -> InsertAllAnswer {
    let answers: Vec<_> = tasks.iter().map(|task| insert(table, task)).collect();
    let is_stored = |answer: &InsertAnswer| *answer == InsertAnswer::Stored;
    let stored: Vec<_> = tasks
        .iter()
        .zip(&answers)
        .filter(|(_, answer)| is_stored(answer))
        .map(|(task, _)| task.record.id())
        .collect();
    let answer = InsertAllAnswer::of(tasks, answers);
    if let InsertAllAnswer::Refused(_) = answer {
        for id in stored {
            table.remove(id);
        }
    }
    answer
}
