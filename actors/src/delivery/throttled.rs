//! A delivery leaves its worker to wait for budget.

use futures::future::BoxFuture;

use super::held::{Held, Throttled};
use super::run::Run;
use super::trip::{Budget, Delivery};
use crate::persistence::{ChangeChain, Settled};
use crate::queue::Turn;
use crate::scheduler::Park;
use crate::supervision::tell;
use crate::task::Payload;
use crate::throttle::{Booking, RateLimits, Verdict};

impl Delivery {
    /// Gives up everything that others may use, and parks; an error if no more tasks can be parked.
    pub(crate) fn park(
        mut self,
        booking: Booking,
        limits: &RateLimits,
    ) -> Result<Box<Throttled>, Box<Self>> {
        let slot = booking.slot;
        let Some(place) = limits.lot().park(self.lease.id(), slot) else {
            // Its slot is given up with the booking.
            return Err(Box::new(self));
        };
        self.budget = Budget::Booked(booking);
        self.has_waited = true;
        self.registration.park();
        let concerned = self.turn.take().and_then(Turn::suspend);
        self.place = None;
        Ok(Box::new(Throttled {
            delivery: self,
            concerned,
            slot,
            place,
        }))
    }
}

impl Run {
    /// Asks for the budget of a retry; answers only if it can't begin now. `stored` tells when the failure
    /// of the attempt before is.
    ///
    /// Without budget the delivery leaves its worker: nothing is written, and its row stays in progress,
    /// with the attempts that it has had.
    pub(super) async fn throttle_retry(
        &mut self,
        stored: BoxFuture<'static, bool>,
        payload: &Payload,
    ) -> Option<Settled> {
        let (id, subject) = (self.delivery.lease.id(), self.delivery.subject());
        let asked = self.deps.limits.ask(id, subject, true, None);
        match asked.verdict().await {
            Verdict::Go => None,
            Verdict::Refused(refusal) => Some(self.refuse(&refusal, Some(payload)).await),
            Verdict::Wait(booking) => {
                // While it waits it has no chain of changes that would be sent again.
                if !stored.await {
                    return Some(Settled::Abandoned);
                }
                self.chain = ChangeChain::default();
                self.deferred = Some(booking);
                Some(Settled::Applied)
            }
        }
    }

    /// Ends the run; a delivery that waits for its budget goes to where it is parked.
    pub(super) async fn leave(self, settled: Settled) -> Settled {
        let Self {
            mut delivery,
            failures,
            deferred,
            deps,
            ..
        } = self;
        let Some(booking) = deferred else {
            return settled;
        };
        delivery.failures = failures;
        // It has lived through an attempt.
        delivery.interrupted = false;
        let scope = booking.scope.clone();
        match delivery.park(booking, &deps.limits) {
            Ok(throttled) => {
                tell(&deps.scheduler, Park(Held::Throttled(throttled)));
                settled
            }
            Err(mut delivery) => {
                let change = delivery.lease.release(deps.clock.now());
                let settled = ChangeChain::default()
                    .settle(&deps.persistence, change)
                    .await;
                let awaits = deps.limits.awaits(scope, &delivery.gate, &deps.scheduler);
                // Whoever looks for the row finds that nobody delivers it.
                drop(delivery);
                drop(awaits);
                settled
            }
        }
    }
}
