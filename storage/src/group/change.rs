use std::collections::{HashMap, HashSet};

use evertask_core::storage::{ChangeAnswer, NewTask, RowChange, StorageError, coalesce};
use evertask_core::task::{TaskId, TaskRecord};
use uuid::Uuid;

use super::Group;
use crate::rows;

impl Group<'_> {
    /// Moves rows on that are where the changes believe them to be.
    pub(super) async fn change(
        &mut self,
        changes: &[&RowChange],
    ) -> Result<Vec<ChangeAnswer>, StorageError> {
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        let (merged, fates) = coalesce(changes.iter().copied());
        let mut answers = vec![ChangeAnswer::Missing; merged.len()];
        let rows = merged.iter().map(|change| change.id.0);
        let mut applied = Vec::new();
        for round in rounds(rows) {
            let made = self.change_round(&merged, &round, &mut answers).await?;
            applied.extend(made);
        }
        self.follow_up(&merged, &applied, &mut answers).await?;
        Ok(fates
            .into_iter()
            .map(|fate| answers[fate].clone())
            .collect())
    }

    /// Makes changes of rows that are all different, and answers which were made now.
    async fn change_round(
        &mut self,
        merged: &[RowChange],
        round: &[usize],
        answers: &mut [ChangeAnswer],
    ) -> Result<Vec<usize>, StorageError> {
        let rows: Vec<_> = round
            .iter()
            .map(|index| rows::change(&merged[*index]))
            .collect();
        let dialect = &self.setting.dialect;
        let applied: HashSet<Uuid> = dialect
            .change_tasks(self.transaction, &rows)
            .await?
            .into_iter()
            .collect();
        self.has_written |= !applied.is_empty();
        let (made, refused): (Vec<usize>, Vec<usize>) = round
            .iter()
            .partition(|index| applied.contains(&merged[**index].id.0));
        for index in &made {
            self.note_history(&merged[*index]);
            answers[*index] = ChangeAnswer::Applied;
        }
        let ids = refused.iter().map(|index| merged[*index].id.0).collect();
        let mut records = self.records(ids).await?;
        for index in refused {
            let change = &merged[index];
            answers[index] = refusal(change, records.remove(&change.id.0));
        }
        Ok(made)
    }

    /// Stores what follows the changes that were made now.
    async fn follow_up(
        &mut self,
        merged: &[RowChange],
        applied: &[usize],
        answers: &mut [ChangeAnswer],
    ) -> Result<(), StorageError> {
        let follow_ups = applied.iter().flat_map(|index| {
            let tasks = merged[*index].follow_ups.iter();
            tasks.map(move |task| (*index, task))
        });
        let (indices, tasks): (Vec<usize>, Vec<&NewTask>) = follow_ups.unzip();
        let is_stored = self.store(&tasks).await?;
        let mut left_out: HashMap<usize, Vec<TaskId>> = HashMap::new();
        for ((index, task), stored) in indices.into_iter().zip(tasks).zip(is_stored) {
            if !stored {
                left_out.entry(index).or_default().push(task.record.id());
            }
        }
        for (index, ids) in left_out {
            answers[index] = ChangeAnswer::AppliedWithout(ids);
        }
        Ok(())
    }

    fn note_history(&mut self, change: &RowChange) {
        let audit = change.kept_audit();
        self.audit
            .extend(audit.map(|entry| rows::audit(change.id, entry)));
        let attempts = change.kept_attempts();
        self.attempts
            .extend(attempts.map(|attempt| rows::attempt(change.id, attempt)));
        let runs = change.kept_runs();
        self.runs.extend(runs.map(|run| rows::run(change.id, run)));
    }
}

/// A row that says what the change says was changed by it before: its answer was lost.
fn refusal(change: &RowChange, record: Option<TaskRecord>) -> ChangeAnswer {
    match record {
        None => ChangeAnswer::Missing,
        Some(record) if change.is_applied_to(&record) => ChangeAnswer::Applied,
        Some(record) => ChangeAnswer::Refused(Box::new(record)),
    }
}

/// Spreads writes to rows over rounds, in order, so that no round has two of the same row.
///
/// One statement decides about all its rows at once; of two changes of one row, the second must see
/// what the first one did. Changes that follow each other are merged already, so there is nearly
/// always one round.
pub(super) fn rounds(rows: impl Iterator<Item = Uuid>) -> Vec<Vec<usize>> {
    let mut rounds: Vec<Vec<usize>> = Vec::new();
    let mut writes_of_row: HashMap<Uuid, usize> = HashMap::new();
    for (index, row) in rows.enumerate() {
        let round = writes_of_row.entry(row).or_default();
        if rounds.len() == *round {
            rounds.push(Vec::new());
        }
        rounds[*round].push(index);
        *round += 1;
    }
    rounds
}
