use super::Shared;
use super::{claim, insert, logs, update};
use crate::storage::{
    Answer, AppendLogs, CancelTask, ChangeAnswer, ChangeQueue, ClaimTasks, DeleteAnswer,
    DeleteTask, NewTask, ReconsiderWaiting, Redefinition, RowChange, StorageError, Write,
    WriteGroup, coalesce,
};
use crate::task::ProcessId;

/// The writes of a group by kind, each with its place in the group.
#[derive(Default)]
struct WritesByKind<'a> {
    inserts: Vec<(usize, &'a NewTask)>,
    all_or_nothing: Vec<(usize, &'a [NewTask])>,
    changes: Vec<(usize, &'a RowChange)>,
    redefinitions: Vec<(usize, &'a Redefinition)>,
    logs: Vec<(usize, &'a AppendLogs)>,
    cancels: Vec<(usize, &'a CancelTask)>,
    deletions: Vec<(usize, &'a DeleteTask)>,
    reconsiderations: Vec<(usize, &'a ReconsiderWaiting)>,
    queues: Vec<(usize, &'a ChangeQueue)>,
    claims: Vec<(usize, &'a ClaimTasks)>,
}

impl<'a> WritesByKind<'a> {
    fn of(group: &'a WriteGroup) -> Self {
        let mut kinds = Self::default();
        for (place, write) in group.writes.iter().enumerate() {
            match write {
                Write::Insert(task) => kinds.inserts.push((place, task)),
                Write::InsertAll(tasks) => kinds.all_or_nothing.push((place, tasks)),
                Write::Change(change) => kinds.changes.push((place, change)),
                Write::Redefine(redefinition) => kinds.redefinitions.push((place, redefinition)),
                Write::AppendLogs(logs) => kinds.logs.push((place, logs)),
                Write::Cancel(cancel) => kinds.cancels.push((place, cancel)),
                Write::Delete(delete) => kinds.deletions.push((place, delete)),
                Write::Reconsider(reconsider) => kinds.reconsiderations.push((place, reconsider)),
                Write::ChangeQueue(change) => kinds.queues.push((place, change)),
                Write::Claim(claim) => kinds.claims.push((place, claim)),
            }
        }
        kinds
    }
}

impl Shared {
    /// Applies a group on behalf of the process `me`, all of it or nothing.
    pub(super) fn apply(
        &mut self,
        me: ProcessId,
        group: &WriteGroup,
    ) -> Result<Vec<Answer>, StorageError> {
        let kinds = WritesByKind::of(group);
        let all_or_nothing = kinds.all_or_nothing.iter().flat_map(|(_, tasks)| *tasks);
        let inserts = kinds.inserts.iter().map(|(_, task)| *task);
        insert::check(&self.table, inserts.chain(all_or_nothing))?;
        let mut answers = Vec::with_capacity(group.writes.len());
        for (place, task) in kinds.inserts {
            let answer = insert::insert(&mut self.table, task);
            answers.push((place, Answer::Insert(answer)));
        }
        for (place, tasks) in kinds.all_or_nothing {
            let answer = insert::insert_all(&mut self.table, tasks);
            answers.push((place, Answer::InsertAll(answer)));
        }
        self.apply_changes(&kinds.changes, &mut answers);
        for (place, redefinition) in kinds.redefinitions {
            let answer = update::redefine(&mut self.table, redefinition);
            answers.push((place, Answer::Redefine(answer)));
        }
        for (place, logs) in kinds.logs {
            let answer = logs::append(&mut self.table, logs);
            answers.push((place, Answer::AppendLogs(answer)));
        }
        for (place, cancel) in kinds.cancels {
            let answer = update::cancel(&mut self.table, cancel);
            answers.push((place, Answer::Cancel(answer)));
        }
        for (place, delete) in kinds.deletions {
            answers.push((place, Answer::Delete(self.delete(delete))));
        }
        for (place, reconsider) in kinds.reconsiderations {
            update::reconsider(&mut self.table, &self.living, reconsider);
            answers.push((place, Answer::Reconsidered));
        }
        for (place, change) in kinds.queues {
            let answer = self.queues.change(change);
            answers.push((place, Answer::ChangeQueue(answer)));
        }
        for (place, claim) in kinds.claims {
            let answer = claim::claim(&mut self.table, &self.living, me, claim);
            answers.push((place, Answer::Claim(answer)));
        }
        answers.sort_by_key(|(place, _)| *place);
        Ok(answers.into_iter().map(|(_, answer)| answer).collect())
    }

    /// Removes a task if it is where the writer believes it is.
    fn delete(&mut self, delete: &DeleteTask) -> DeleteAnswer {
        let deletion = &delete.deletion;
        let Some(row) = self.table.row(deletion.id) else {
            return if self.deletions.contains_key(&deletion.id) {
                DeleteAnswer::Deleted
            } else {
                DeleteAnswer::Missing
            };
        };
        if row.record.generation != delete.expected {
            return DeleteAnswer::Refused(Box::new(row.record.clone()));
        }
        self.table.remove(deletion.id);
        self.deletions.insert(deletion.id, deletion.clone());
        DeleteAnswer::Deleted
    }

    fn apply_changes(
        &mut self,
        changes: &[(usize, &RowChange)],
        answers: &mut Vec<(usize, Answer)>,
    ) {
        let (merged, fates) = coalesce(changes.iter().map(|(_, change)| *change));
        let mut outcomes = Vec::with_capacity(merged.len());
        let mut applied = Vec::new();
        for change in &merged {
            if update::is_due(&self.table, change) {
                applied.push(outcomes.len());
            }
            outcomes.push(update::change(&mut self.table, change));
        }
        for place in applied {
            let left_out = update::follow_up(&mut self.table, &merged[place]);
            outcomes[place] = ChangeAnswer::applied_without(left_out);
        }
        let decided = changes.iter().zip(fates);
        answers.extend(
            decided.map(|((place, _), fate)| (*place, Answer::Change(outcomes[fate].clone()))),
        );
    }
}
