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
/// Rows are kept apart by queue, owner, priority and limit key: a claim looks at the head of each lane
/// whose owner is gone, and never walks over the rows of a living one, or of a key without budget. Within
/// a lane, the order of the instants is that of the ranks.
#[derive(Default)]
pub(super) struct ReadyRows {
    lanes: BTreeMap<Lane, BTreeSet<Place>>,
}

#[derive(Eq, Ord, PartialEq, PartialOrd)]
struct Lane {
    queue: String,
    owner: Option<ProcessId>,
    priority: i32,
    limit: Option<LimitLane>,
}

/// The name of a type and a limit key.
pub(super) type LimitLane = (String, String);

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
    /// admitted, in lanes of limit keys that are not `throttled`.
    pub(super) fn first_due(
        &self,
        is_free: impl Fn(Option<ProcessId>) -> bool,
        claim: &ClaimTasks,
        is_throttled: impl Fn(&LimitLane) -> bool,
        is_admitted: impl Fn(TaskId) -> bool,
    ) -> Option<TaskId> {
        let horizon = claim.horizon();
        let first_of = |places: &BTreeSet<Place>| {
            let mut due = places.iter().take_while(|(due, _)| *due <= horizon);
            due.find(|(_, id)| is_admitted(*id)).copied()
        };
        self.free_lanes(&claim.queues, is_free)
            .filter(|(lane, _)| !lane.limit.as_ref().is_some_and(&is_throttled))
            .filter_map(|(lane, places)| Some((lane.priority, first_of(places)?)))
            .min_by_key(|(priority, (due, id))| Rank::new(*due, *priority, *id, claim.ageing))
            .map(|(_, (_, id))| id)
    }

    /// The lanes of limit keys that have rows which are due.
    pub(super) fn due_limits<'a>(
        &'a self,
        is_free: impl Fn(Option<ProcessId>) -> bool + 'a,
        claim: &'a ClaimTasks,
    ) -> impl Iterator<Item = &'a LimitLane> {
        let horizon = claim.horizon();
        let is_due = move |places: &BTreeSet<Place>| {
            let first = places.first();
            first.is_some_and(|(due, _)| *due <= horizon)
        };
        self.free_lanes(&claim.queues, is_free)
            .filter(move |(_, places)| is_due(places))
            .filter_map(|(lane, _)| lane.limit.as_ref())
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

    fn free_lanes<'a>(
        &'a self,
        queues: &'a QueueSelector,
        is_free: impl Fn(Option<ProcessId>) -> bool + 'a,
    ) -> impl Iterator<Item = (&'a Lane, &'a BTreeSet<Place>)> {
        self.lanes
            .iter()
            .filter(move |(lane, _)| queues.includes(&lane.queue) && is_free(lane.owner))
    }
}

fn lane_of(record: &TaskRecord) -> Lane {
    let definition = &record.definition;
    let limit_key = definition.limit_key.clone();
    Lane {
        queue: definition.queue.clone(),
        owner: record.state.owner,
        priority: definition.priority,
        limit: limit_key.map(|key| (definition.task.clone(), key)),
    }
}

fn place_of(record: &TaskRecord) -> Option<Place> {
    Some((record.state.claimable_from()?, record.definition.id))
}
