use super::decision::{Decision, Deferral, Refusal, RefusalReason};
use super::keyed::find_or_insert;
use super::pace::Ticks;
use super::request::{Demand, MAX_DEMANDS, Request};
use super::table::Table;
use crate::task::TaskId;
use crate::time::Timestamp;

/// All that a task needs, held against the buckets.
///
/// Budget is spent in all of them at once or in none. So a task that is short of some is booked only in
/// the one with the latest slot, where it takes an interval that it will use; by then the others should
/// have budget again. If another one has not, the task is *moved on* to that one, at the head of the line:
/// it has waited its time. It keeps its slot where the new one is no farther than the interval that it
/// holds there anyway. Without that, two saturated limits of equal rates could hand a task to and fro for
/// ever; with more, one key that is short would have all the others wait.
#[derive(Debug)]
pub(super) struct Claims<'a> {
    claims: [Option<Claim<'a>>; MAX_DEMANDS],
    untracked: usize,
}

#[derive(Clone, Copy, Debug)]
struct Claim<'a> {
    demand: &'a Demand<'a>,
    /// Which of the demands it is.
    number: usize,
    /// That of its bucket.
    place: u32,
    /// The slot that the task has there.
    held: Option<Ticks>,
}

/// How a task stands in a bucket, which decides what it has to wait for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Standing {
    /// It asks for the first time.
    New,
    /// It has a slot there.
    Held,
    /// It has a slot elsewhere, and that is due.
    Moved,
}

/// A claim that has to wait.
#[derive(Clone, Copy)]
struct Wait<'a> {
    claim: Claim<'a>,
    slot: Ticks,
    instant: Timestamp,
}

impl<'a> Claims<'a> {
    pub(super) fn of(table: &mut Table, request: &Request<'a>, now: Timestamp) -> Self {
        let mut found = Self {
            claims: [None; MAX_DEMANDS],
            untracked: 0,
        };
        let demands = request.demands.iter().enumerate();
        for ((number, demand), claim) in demands.zip(&mut found.claims) {
            let Some(place) = find_or_insert(table, demand, now) else {
                found.untracked += 1;
                continue;
            };
            if request.demands.len() > 1 {
                // Making room for the next scope must not forget this one.
                table.keep(place, now);
            }
            let held = table.bucket_mut(place).and_then(|bucket| {
                bucket.adopt(demand.pace, now);
                bucket.slot_of(request.id)
            });
            *claim = Some(Claim {
                demand,
                number,
                place,
                held,
            });
        }
        found
    }

    fn iter(&self) -> impl Iterator<Item = Claim<'a>> {
        self.claims.iter().flatten().copied()
    }

    pub(super) fn decide(
        &self,
        table: &mut Table,
        request: &Request<'_>,
        now: Timestamp,
    ) -> Decision {
        let early = self
            .iter()
            .filter_map(|claim| claim.wait_until(claim.held?, now));
        if let Some(wait) = latest(early) {
            return wait.deferred();
        }
        let is_owner = self.iter().any(|claim| claim.held.is_some());
        let mut late: Option<Wait<'a>> = None;
        for claim in self.iter() {
            let standing = claim.standing(is_owner);
            let Some(slot) = claim.earliest(table, request.id, standing, now) else {
                continue;
            };
            let wait = claim.wait_until(slot, now);
            if !is_owner
                && let Some(wait) = wait
                && claim.demand.limit.discards()
            {
                return wait.refused(RefusalReason::Discarded);
            }
            late = latest(late.into_iter().chain(wait));
        }
        let Some(wait) = late else {
            return self.grant(table, request.id, now);
        };
        if is_owner {
            self.move_on(table, request, wait, now)
        } else {
            book(table, request, wait, now)
        }
    }

    fn grant(&self, table: &mut Table, id: TaskId, now: Timestamp) -> Decision {
        for claim in self.iter() {
            if let Some(bucket) = table.bucket_mut(claim.place) {
                bucket.grant(id, claim.demand.cost, claim.now(now));
            }
            if claim.held.is_some() {
                table.settle(claim.place);
            }
        }
        Decision::Granted {
            untracked: self.untracked,
        }
    }

    /// An owner was due, and something is short of budget until `wait`.
    fn move_on(
        &self,
        table: &mut Table,
        request: &Request<'_>,
        wait: Wait<'a>,
        now: Timestamp,
    ) -> Decision {
        let is_past_end = request.before.is_some_and(|end| wait.instant >= end);
        for claim in self.iter() {
            let Some(bucket) = table.bucket_mut(claim.place) else {
                continue;
            };
            let (pace, cost) = (claim.demand.pace, claim.demand.cost);
            let is_latest = claim.number == wait.claim.number;
            let slot = if is_latest {
                wait.slot
            } else {
                pace.at(wait.instant)
            };
            let is_near = slot - claim.now(now) <= pace.refill(cost);
            match claim.held {
                Some(_) if !is_past_end && (is_latest || is_near) => {
                    bucket.postpone(request.id, cost, slot);
                }
                Some(_) => {
                    bucket.release(request.id);
                    table.settle(claim.place);
                }
                None if is_latest && !is_past_end => bucket.take_in(request.id, cost, slot),
                None => {}
            }
        }
        if is_past_end {
            return wait.refused(RefusalReason::PastEnd);
        }
        wait.deferred()
    }
}

impl<'a> Claim<'a> {
    fn now(&self, now: Timestamp) -> Ticks {
        self.demand.pace.at(now)
    }

    fn standing(&self, is_owner: bool) -> Standing {
        match self.held {
            Some(_) => Standing::Held,
            None if is_owner => Standing::Moved,
            None => Standing::New,
        }
    }

    fn earliest(
        &self,
        table: &mut Table,
        id: TaskId,
        standing: Standing,
        now: Timestamp,
    ) -> Option<Ticks> {
        let (cost, now) = (self.demand.cost, self.now(now));
        let bucket = table.bucket_mut(self.place)?;
        Some(match standing {
            Standing::Held => bucket.earliest_held(id, cost, now),
            Standing::Moved => bucket.earliest_moved(cost, now),
            Standing::New => {
                bucket.purge(now);
                bucket.earliest_new(cost)
            }
        })
    }

    fn wait_until(self, slot: Ticks, now: Timestamp) -> Option<Wait<'a>> {
        (slot > self.now(now)).then(|| Wait {
            claim: self,
            slot,
            instant: self.demand.pace.instant(slot),
        })
    }
}

impl Wait<'_> {
    fn deferred(&self) -> Decision {
        Decision::Deferred(Deferral {
            slot: self.instant,
            demand: self.claim.number,
        })
    }

    fn refused(&self, reason: RefusalReason) -> Decision {
        let demand = self.claim.demand;
        Decision::Refused(Box::new(Refusal {
            scope: demand.scope.to_owned_scope(),
            slot: self.instant,
            limit: demand.limit,
            reason,
        }))
    }
}

/// Books a newcomer where it would have to wait longest, if it may wait that long.
fn book(table: &mut Table, request: &Request<'_>, wait: Wait<'_>, now: Timestamp) -> Decision {
    let claim = wait.claim;
    let horizon = claim
        .demand
        .pace
        .span(claim.demand.limit.reservation_horizon());
    if wait.slot - claim.now(now) > horizon {
        return wait.refused(RefusalReason::BeyondHorizon);
    }
    if request.before.is_some_and(|end| wait.instant >= end) {
        return wait.refused(RefusalReason::PastEnd);
    }
    if let Some(bucket) = table.bucket_mut(claim.place) {
        bucket.book(request.id, claim.demand.cost);
    }
    wait.deferred()
}

/// The first of those with the latest instant.
fn latest<'a>(waits: impl Iterator<Item = Wait<'a>>) -> Option<Wait<'a>> {
    waits.reduce(|latest, wait| {
        if wait.instant > latest.instant {
            wait
        } else {
            latest
        }
    })
}
