//! Asking whether a task may start.

use std::time::Duration;

use evertask_core::limit::{
    Decision, Demand, LimiterError, OwnedScope, RateLimit, Refusal, Reply, Request,
};
use evertask_core::task::TaskId;
use futures::future::BoxFuture;

use super::booking::Booking;
use super::limits::RateLimits;
use super::subject::Subject;

/// How long a limiter that is asked elsewhere may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether a task may start.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It may; what it costs is spent.
    Go,
    /// It has a slot.
    Wait(Booking),
    /// It may not.
    Refused(Box<Refusal>),
}

/// The answer, or that there will be one.
pub(crate) enum Asked {
    Now(Verdict),
    Later(BoxFuture<'static, Verdict>),
}

/// What is needed to understand the answer.
struct Asker {
    limits: RateLimits,
    id: TaskId,
    demanded: Vec<(OwnedScope, RateLimit)>,
}

impl RateLimits {
    /// Asks for a task that is about to start, or to be retried, and spends or books what it needs.
    ///
    /// `booking` is what it was told before, if it was. A limiter that fails lets it go.
    pub(crate) fn ask(
        &self,
        id: TaskId,
        subject: Subject<'_>,
        is_retry: bool,
        booking: Option<Booking>,
    ) -> Asked {
        let demands = subject.demands(&self.rates, is_retry);
        if demands.is_empty() {
            return Asked::Now(Verdict::Go);
        }
        let request = match Request::new(id, &demands) {
            Ok(request) => request,
            Err(error) => {
                tracing::error!(%error, "a task is not limited");
                return Asked::Now(Verdict::Go);
            }
        };
        let end = subject.counted.end;
        let request = end.map_or(request, |end| request.before(end));
        let reply = self.limiter.acquire(&request, self.clock.now());
        // Whatever it answers, it has heard of the slot.
        if let Some(booking) = booking {
            booking.redeem();
        }
        match reply {
            Reply::Ready(Decision::Granted { untracked: 0 }) => Asked::Now(Verdict::Go),
            Reply::Ready(decision) => {
                let asker = self.asker(id, &demands);
                Asked::Now(asker.conclude(decision))
            }
            Reply::Pending(answer) => {
                let asker = self.asker(id, &demands);
                Asked::Later(Box::pin(asker.wait(answer)))
            }
        }
    }

    fn asker(&self, id: TaskId, demands: &[Demand<'_>]) -> Asker {
        let owned = |demand: &Demand<'_>| (demand.scope().to_owned_scope(), *demand.limit());
        Asker {
            limits: self.clone(),
            id,
            demanded: demands.iter().map(owned).collect(),
        }
    }
}

impl Asker {
    async fn wait(self, answer: BoxFuture<'static, Result<Decision, LimiterError>>) -> Verdict {
        let decided = tokio::select! {
            biased;
            decided = answer => decided,
            () = self.limits.clock.sleep(PATIENCE) => {
                Err(LimiterError::new(format!("it has not answered for {PATIENCE:?}")))
            }
        };
        match decided {
            Ok(decision) => self.conclude(decision),
            Err(error) => {
                let id = self.id;
                tracing::warn!(%error, %id, "a task is not limited");
                self.fail_open(self.demanded.len());
                Verdict::Go
            }
        }
    }

    fn conclude(self, decision: Decision) -> Verdict {
        match decision {
            Decision::Granted { untracked } => {
                self.fail_open(untracked);
                Verdict::Go
            }
            Decision::Refused(refusal) => Verdict::Refused(refusal),
            Decision::Deferred(deferral) => {
                let Self {
                    limits,
                    id,
                    demanded,
                } = self;
                let waits_for = demanded.get(deferral.demand).or(demanded.first());
                let Some((scope, limit)) = waits_for.cloned() else {
                    return Verdict::Go;
                };
                limits.short.note(&scope, &limit);
                limits.notices.deferred(&scope, deferral.slot);
                let scopes = demanded.into_iter().map(|(scope, _)| scope).collect();
                Verdict::Wait(Booking::new(&limits, id, deferral.slot, scope, scopes))
            }
        }
    }

    fn fail_open(&self, scopes: usize) {
        if let (1.., Some((scope, _))) = (scopes, self.demanded.first()) {
            self.limits.notices.failed_open(scope);
        }
    }
}

impl Asked {
    /// Waits for the answer.
    pub(crate) async fn verdict(self) -> Verdict {
        match self {
            Self::Now(verdict) => verdict,
            Self::Later(verdict) => verdict.await,
        }
    }
}
