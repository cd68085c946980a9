use std::time::Duration;

use chrono::TimeDelta;
use futures::FutureExt;
use uuid::Uuid;

use crate::limit::{
    Decision, Demand, Limiter, Overview, RateLimit, RefusalReason, Reply, Request, Scope,
};
use crate::storage::conformance::block_on;
use crate::task::TaskId;
use crate::time::Timestamp;

/// What makes a limiter that tracks at most so many scopes.
pub type Make<'a> = &'a dyn Fn(usize) -> Box<dyn Limiter>;

/// A limiter, and short ways to ask it.
pub(super) struct World {
    pub(super) limiter: Box<dyn Limiter>,
}

/// What a decision comes to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Told {
    Go,
    /// The milliseconds since the start of a case.
    At(i64),
    Never(RefusalReason),
}

pub(super) const MANY: usize = 1_000;

impl World {
    pub(super) fn new(make: Make<'_>) -> Self {
        Self {
            limiter: make(MANY),
        }
    }

    pub(super) fn decide(&self, request: &Request<'_>, now: i64) -> Decision {
        answer(self.limiter.acquire(request, at(now)))
    }

    pub(super) fn ask(&self, number: u32, demands: &[Demand<'_>], now: i64) -> Told {
        let request = Request::new(id(number), demands).unwrap();
        told(&self.decide(&request, now))
    }

    /// Asks for a key `a` that has a limit.
    pub(super) fn one(&self, number: u32, limit: &RateLimit, now: i64) -> Told {
        self.ask(number, &[demand("a", limit)], now)
    }

    pub(super) fn release(&self, number: u32, scopes: &[Scope<'_>], now: i64) -> bool {
        answer(self.limiter.release(id(number), scopes, at(now)))
    }

    pub(super) fn overview(&self, now: i64) -> Overview {
        answer(self.limiter.overview(MANY, at(now)))
    }

    pub(super) fn available(&self, demand: &Demand<'_>, now: i64) -> u32 {
        answer(self.limiter.peek(demand, at(now))).available
    }
}

pub(super) fn told(decision: &Decision) -> Told {
    match decision {
        Decision::Granted { .. } => Told::Go,
        Decision::Deferred(deferral) => Told::At((deferral.slot - at(0)).num_milliseconds()),
        Decision::Refused(refusal) => Told::Never(refusal.reason),
    }
}

pub(super) fn answer<T: Send + 'static>(reply: Reply<T>) -> T {
    let mut wait = Box::pin(reply.wait());
    // A runtime of its own for each answer is for those that need one.
    let at_once = (&mut wait).now_or_never();
    at_once.unwrap_or_else(|| block_on(wait)).unwrap()
}

pub(super) fn at(millis: i64) -> Timestamp {
    // An instant that no interval of these cases divides.
    Timestamp::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::milliseconds(1_237 + millis)
}

pub(super) fn id(number: u32) -> TaskId {
    TaskId(Uuid::from_u128(number.into()))
}

pub(super) fn key(key: &str) -> Scope<'_> {
    Scope::key("mail", key).unwrap().unwrap()
}

pub(super) fn demand<'a>(name: &'a str, limit: &RateLimit) -> Demand<'a> {
    Demand::new(key(name), limit).unwrap()
}

/// One every so many milliseconds, without a burst.
pub(super) fn every(millis: u64) -> RateLimit {
    RateLimit::new(1, Duration::from_millis(millis))
}

/// Numbers that look random and are the same in every run.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: u32) -> u32 {
        let multiplied = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = multiplied.wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % u64::from(sides)).unwrap()
    }
}

/// Fails if a window, both ends included, has more in it than the allowance.
///
/// The log has the instants of grants in milliseconds, in order, and their costs.
pub(super) fn check_allowance(log: &[(i64, u32)], burst: u32, interval: (i64, i64), hint: &str) {
    let (millis, parts) = interval;
    for (first, (from, _)) in log.iter().enumerate() {
        let mut cost = 0;
        for (until, each) in log.iter().skip(first) {
            cost += i64::from(*each);
            let allowed = i64::from(burst) + (until - from) * parts / millis;
            assert!(
                cost <= allowed,
                "{hint}: {cost} from {from} to {until}, {allowed} allowed"
            );
        }
    }
}
