use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use uuid::Uuid;

use crate::rank::Rank;
use crate::storage::{ClaimTasks, QueueSelector};
use crate::task::{ProcessId, TaskId, TaskRecord};
use crate::time::Timestamp;

/// The index of the rows that are open, not waiting for a reason and due at some time, in the
/// order of claims.
///
/// Rows are kept apart by queue, owner and priority: a claim looks at the head of each lane whose owner
/// is gone, and never walks over the rows of a living one. Within a lane, the order of the instants is
/// that of the ranks.
#[derive(Default)]
pub(super) struct ReadyRows {
    lanes: BTreeMap<Lane, BTreeSet<Place>>,
}

type Lane = (String, Option<ProcessId>, i32);
type Place = (Timestamp, TaskId);

impl ReadyRows {
    pub(super) fn add(&mut self, record: &TaskRecord) {
        let Some(place) = place_of(record) else {
            return;
        };
        self.lanes.entry(lane_of(record)).or_default().insert(place);
    }

    pub(super) fn remove(&mut self, record: &TaskRecord) {
        let Some(place) = place_of(record) else {
            return;
        };
        let lane = lane_of(record);
        let Some(places) = self.lanes.get_mut(&lane) else {
            return;
        };
        places.remove(&place);
        if places.is_empty() {
            self.lanes.remove(&lane);
        }
    }

    /// The first row by rank that is due, of those whose owner passes `is_free` and that are
    /// admitted.
    pub(super) fn first_due(
        &self,
        is_free: impl Fn(Option<ProcessId>) -> bool,
        claim: &ClaimTasks,
        is_admitted: impl Fn(TaskId) -> bool,
    ) -> Option<TaskId> {
        let horizon = claim.horizon();
        let first_of = |places: &BTreeSet<Place>| {
            let mut due = places.iter().take_while(|(due, _)| *due <= horizon);
            due.find(|(_, id)| is_admitted(*id)).copied()
        };
        self.free_lanes(&claim.queues, is_free)
            .filter_map(|(priority, places)| Some((priority, first_of(places)?)))
            .min_by_key(|(priority, (due, id))| Rank::new(*due, *priority, *id, claim.ageing))
            .map(|(_, (_, id))| id)
    }

    /// When the first row that is not due at `now` will be.
    pub(super) fn next_after(
        &self,
        queues: &QueueSelector,
        is_free: impl Fn(Option<ProcessId>) -> bool,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let last_due = (now, TaskId(Uuid::max()));
        self.free_lanes(queues, is_free)
            .filter_map(|(_, places)| {
                places
                    .range((Bound::Excluded(last_due), Bound::Unbounded))
                    .next()
            })
            .map(|(available_at, _)| *available_at)
            .min()
    }

    fn free_lanes(
        &self,
        queues: &QueueSelector,
        is_free: impl Fn(Option<ProcessId>) -> bool,
    ) -> impl Iterator<Item = (i32, &BTreeSet<Place>)> {
        self.lanes
            .iter()
            .filter(move |((queue, owner, _), _)| queues.includes(queue) && is_free(*owner))
            .map(|((_, _, priority), places)| (*priority, places))
    }
}

fn lane_of(record: &TaskRecord) -> Lane {
    let definition = &record.definition;
    let queue = definition.queue.clone();
    (queue, record.state.owner, definition.priority)
}

fn place_of(record: &TaskRecord) -> Option<Place> {
    Some((record.state.claimable_from()?, record.definition.id))
}
