//! What a claim is told to pass over, kept until it has ended.

use evertask_core::concurrency::{ClaimQuota, Claiming, QuotaKeys};
use evertask_core::storage::ClaimAnswer;

use super::actor::PoolDeps;
use super::budgets::Budgets;

/// The turns and the budgets of which there were none.
pub(super) struct Told {
    claiming: Claiming,
    budgets: Budgets,
}

/// What the claim has left of the turns, told to who keeps them once its rows have taken theirs.
pub(super) struct TurnsLeft {
    claiming: Claiming,
    passed_over: bool,
}

impl Told {
    /// A claim is about to be made; answers what it may take.
    ///
    /// A claim ahead is told the same: it covers what is due, and what is passed over must not come that
    /// way.
    pub(super) fn begin(deps: &PoolDeps, budgets: Budgets) -> (Self, ClaimQuota) {
        let claiming = deps.turns.begin_claim();
        let quota = budgets.restrict(claiming.quota.clone(), &deps.catalog);
        (Self { claiming, budgets }, quota)
    }

    /// The claim has ended.
    pub(super) fn end(self, deps: &PoolDeps, answer: &ClaimAnswer) -> TurnsLeft {
        self.budgets.end(deps, answer);
        let mut claiming = self.claiming;
        for task in &answer.tasks {
            claiming.quota.take(QuotaKeys::of(&task.record.definition));
        }
        TurnsLeft {
            claiming,
            passed_over: answer.passed_over,
        }
    }
}

impl TurnsLeft {
    pub(super) fn tell(self, deps: &PoolDeps) {
        deps.turns
            .end_claim(&deps.gate, &self.claiming, self.passed_over);
    }
}
