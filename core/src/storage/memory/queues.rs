//! What was decided about queues.

use std::collections::{BTreeMap, HashSet};

use crate::storage::{
    ChangeQueue, ChangeQueueAnswer, QueueChangeId, QueueChangeRecord, QueueSettings,
};

/// The settings of queues, and how they came about.
#[derive(Default)]
pub(super) struct Queues {
    queues: BTreeMap<String, Decided>,
    made: HashSet<QueueChangeId>,
}

struct Decided {
    settings: QueueSettings,
    /// Oldest first.
    changes: Vec<QueueChangeRecord>,
}

impl Queues {
    pub(super) fn change(&mut self, change: &ChangeQueue) -> ChangeQueueAnswer {
        let decided = self.queues.get_mut(&change.queue);
        if self.made.contains(&change.id)
            && let Some(decided) = &decided
        {
            return ChangeQueueAnswer::Changed(decided.settings.clone());
        }
        let settings = decided.as_ref().map(|decided| &decided.settings);
        let Some(applied) = change.applied_to(settings) else {
            return ChangeQueueAnswer::Unchanged(settings.cloned());
        };
        let record = change.record(applied.version);
        if let Some(decided) = decided {
            decided.settings = applied.clone();
            decided.changes.push(record);
        } else {
            let settings = applied.clone();
            let changes = vec![record];
            let decided = Decided { settings, changes };
            self.queues.insert(change.queue.clone(), decided);
        }
        self.made.insert(change.id);
        ChangeQueueAnswer::Changed(applied)
    }

    pub(super) fn settings(&self) -> Vec<QueueSettings> {
        let decided = self.queues.values();
        decided.map(|decided| decided.settings.clone()).collect()
    }

    pub(super) fn changes(
        &self,
        queue: &str,
        before: Option<i64>,
        limit: usize,
    ) -> Vec<QueueChangeRecord> {
        let decided = self.queues.get(queue);
        let changes = decided.into_iter().flat_map(|decided| &decided.changes);
        let mut wanted: Vec<_> = changes
            .filter(|change| before.is_none_or(|before| change.version < before))
            .cloned()
            .collect();
        wanted.reverse();
        wanted.truncate(limit);
        wanted
    }
}
