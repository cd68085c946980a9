use std::collections::HashMap;

use super::write::RowChange;

/// Merges consecutive changes of the same row, so that a group updates each row once.
///
/// A change that starts from the generation another one ends with continues it: the merged change
/// has the last state and everybody's audit, attempts and follow-ups. The answer says, for each change given,
/// the index of the merged change that decides its fate.
pub fn coalesce<'a>(
    changes: impl IntoIterator<Item = &'a RowChange>,
) -> (Vec<RowChange>, Vec<usize>) {
    let mut merged: Vec<RowChange> = Vec::new();
    let mut fates = Vec::new();
    let mut latest = HashMap::new();
    for change in changes {
        let continued = latest
            .get(&change.id)
            .copied()
            .filter(|index: &usize| merged[*index].generation == change.expected);
        let index = if let Some(index) = continued {
            let earlier = &mut merged[index];
            earlier.generation = change.generation;
            earlier.state = change.state.clone();
            earlier.audit.extend(change.audit.iter().cloned());
            earlier.attempts.extend(change.attempts.iter().cloned());
            earlier.runs.extend(change.runs.iter().cloned());
            earlier.follow_ups.extend(change.follow_ups.iter().cloned());
            earlier.missed += change.missed;
            earlier.has_progressed |= change.has_progressed;
            index
        } else {
            merged.push(change.clone());
            merged.len() - 1
        };
        latest.insert(change.id, index);
        fates.push(index);
    }
    (merged, fates)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::audit::AuditLevel;
    use crate::storage::AuditEntry;
    use crate::task::{Generation, RowState, Status, TaskId};
    use crate::time::Timestamp;

    fn change(id: u128, expected: i64, status: Status) -> RowChange {
        RowChange {
            id: TaskId(Uuid::from_u128(id)),
            expected: Generation(expected),
            generation: Generation(expected + 1),
            state: RowState {
                status,
                ..RowState::waiting(Timestamp::UNIX_EPOCH)
            },
            audit_level: AuditLevel::Full,
            audit: vec![AuditEntry::of(status, Timestamp::UNIX_EPOCH)],
            attempts: Vec::new(),
            runs: Vec::new(),
            follow_ups: Vec::new(),
            missed: 0,
            has_progressed: false,
        }
    }

    #[test]
    fn consecutive_changes_of_a_row_become_one_with_all_its_audit() {
        let changes = [
            change(1, 0, Status::InProgress),
            change(2, 5, Status::InProgress),
            change(1, 1, Status::Completed),
        ];
        let (merged, fates) = coalesce(&changes);
        assert_eq!(fates, [0, 1, 0]);
        assert_eq!(merged.len(), 2);
        assert_eq!(merged[0].expected, Generation(0));
        assert_eq!(merged[0].generation, Generation(2));
        assert_eq!(merged[0].state.status, Status::Completed);
        let audited: Vec<_> = merged[0].audit.iter().map(|entry| entry.status).collect();
        assert_eq!(audited, [Status::InProgress, Status::Completed]);
    }

    #[test]
    fn changes_that_do_not_follow_each_other_stay_apart() {
        let changes = [
            change(1, 0, Status::InProgress),
            change(1, 4, Status::Completed),
        ];
        let (merged, fates) = coalesce(&changes);
        assert_eq!(fates, [0, 1]);
        assert_eq!(merged, changes);
    }
}
