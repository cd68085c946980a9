//! What a claim is told of budgets: it passes over what would only be parked.

use std::sync::Arc;

use evertask_core::concurrency::ClaimQuota;
use evertask_core::limit::{OwnedScope, Scope, ScopeKind};
use evertask_core::storage::ClaimAnswer;
use evertask_core::time::Timestamp;

use super::actor::PoolDeps;
use crate::scheduler::LookAgain;
use crate::supervision::tell;
use crate::task::HandlerCatalog;
use crate::throttle::{RateLimits, RoomOfScope};

/// The budgets that are short, kept until the claim has ended.
pub(super) struct Budgets {
    rooms: Vec<RoomOfScope>,
    /// What was known then of stored rows.
    begun: u64,
}

impl Budgets {
    pub(super) fn of(limits: &RateLimits) -> Self {
        Self {
            begun: limits.stored.begin_claim(),
            rooms: limits.rooms(),
        }
    }

    /// How many rows a queue may take; an error says when to look again, if it may take none.
    pub(super) fn of_queue(&self, queue: &str, room: usize) -> Result<usize, Timestamp> {
        let of_queue = self.rooms.iter().find(|room| room.is_of_queue(queue));
        match of_queue {
            None => Ok(room),
            Some(short) if short.room == 0 => Err(short.opens_at),
            Some(short) => Ok(room.min(short.room)),
        }
    }

    /// The quota, with what is short of budget.
    pub(super) fn restrict(&self, quota: ClaimQuota, catalog: &HandlerCatalog) -> ClaimQuota {
        let rooms = self.rooms.iter();
        rooms.fold(quota, |quota, RoomOfScope { scope, room, .. }| {
            let scope = scope.as_scope();
            let names: Vec<_> = catalog.names_of(scope.name()).collect();
            match (scope.kind(), scope.limit_key()) {
                (ScopeKind::Key, Some(key)) => quota.throttle(&names, key, *room),
                (ScopeKind::Task, _) => quota.at_most(&names, *room),
                (ScopeKind::Key | ScopeKind::Queue, _) => quota,
            }
        })
    }

    /// The claim has ended: what it passed over is looked for when there will be budget, and nothing
    /// overtakes it.
    pub(super) fn end(self, deps: &PoolDeps, answer: &ClaimAnswer) {
        if !answer.exhausted {
            // Another one follows.
            return;
        }
        let passed_over: Vec<_> = self.passed_over(&deps.catalog, answer).collect();
        let at = passed_over.iter().map(|room| room.opens_at).min();
        let scopes = passed_over.into_iter().map(|room| room.scope.clone());
        let stored = &deps.run.limits.stored;
        stored.end_claim(deps.gate.name(), self.begun, scopes.collect());
        if let Some(at) = at {
            let gate = Arc::clone(&deps.gate);
            tell(&deps.run.scheduler, LookAgain { gate, at });
        }
    }

    fn passed_over<'a>(
        &'a self,
        catalog: &'a HandlerCatalog,
        answer: &'a ClaimAnswer,
    ) -> impl Iterator<Item = &'a RoomOfScope> {
        let throttled = answer.throttled.iter();
        let throttled: Vec<_> = throttled
            .filter_map(|(name, key)| scope_of(catalog, name, key))
            .collect();
        self.rooms.iter().filter(move |short| {
            let scope = short.scope.as_scope();
            match scope.kind() {
                ScopeKind::Key => throttled.contains(&short.scope),
                ScopeKind::Task => {
                    let taken = answer.tasks.iter().filter(|task| {
                        let stored_as = &task.record.definition.task;
                        catalog.names_of(scope.name()).any(|name| name == stored_as)
                    });
                    answer.passed_over && taken.count() >= short.room
                }
                ScopeKind::Queue => false,
            }
        })
    }
}

/// The scope of a key whose type is stored under that name.
fn scope_of(catalog: &HandlerCatalog, name: &str, key: &str) -> Option<OwnedScope> {
    let task = catalog.stored_as(name)?.name;
    Some(Scope::key(task, key).ok()??.to_owned_scope())
}
