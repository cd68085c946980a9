//! The suite holds for the limiters of this crate, and fails for those that are wrong.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use parking_lot::Mutex;

use crate::limit::conformance::CASES;
use crate::limit::{
    Budget, Decision, Demand, InvalidRateLimit, Limiter, MovedSlot, Overview, RateLimit, Reply,
    Request, Scope, SharedLimiter,
};
use crate::task::TaskId;
use crate::time::Timestamp;

fn shared(max_keys: usize) -> Box<dyn Limiter> {
    Box::new(SharedLimiter::new(max_keys))
}

crate::limiter_conformance_tests!(shared);

/// What is wrong with a limiter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fault {
    /// None: answers come later.
    Slow,
    /// An owner that comes at its slot or later is granted whatever was granted meanwhile.
    GrantsTheLate,
    /// Somebody who asks again loses what it had booked.
    BooksAgain,
    /// Of several budgets only the first is looked at.
    OneBudget,
    /// More scopes are tracked than may be.
    TracksAll,
}

/// The limiter of this crate, with a fault around it.
#[derive(Debug)]
struct Faulty {
    inner: SharedLimiter,
    fault: Fault,
    told: Mutex<BTreeMap<TaskId, Timestamp>>,
}

impl Faulty {
    fn reply<T: Send + 'static>(&self, reply: Reply<T>) -> Reply<T> {
        match (self.fault, reply) {
            (Fault::Slow, Reply::Ready(answer)) => Reply::Pending(Box::pin(async { Ok(answer) })),
            (_, reply) => reply,
        }
    }
}

impl Limiter for Faulty {
    fn acquire(&self, request: &Request<'_>, now: Timestamp) -> Reply<Decision> {
        let id = request.id();
        let scopes: Vec<_> = request.demands().iter().map(Demand::scope).collect();
        let first = Request::new(id, request.demands().get(..1).unwrap_or_default());
        match self.fault {
            Fault::BooksAgain => {
                let _gone = self.inner.release(id, &scopes, now);
            }
            Fault::OneBudget => return self.inner.acquire(&first.unwrap(), now),
            Fault::Slow | Fault::GrantsTheLate | Fault::TracksAll => {}
        }
        let decision = self.inner.acquire(request, now);
        if self.fault == Fault::GrantsTheLate
            && let Reply::Ready(Decision::Deferred(deferral)) = &decision
        {
            let mut told = self.told.lock();
            let was_told = told.insert(id, deferral.slot);
            if was_told.is_some_and(|slot| slot <= now) {
                let _gone = self.inner.release(id, &scopes, now);
                return Reply::Ready(Decision::Granted { untracked: 0 });
            }
        }
        self.reply(decision)
    }

    fn release(&self, id: TaskId, scopes: &[Scope<'_>], now: Timestamp) -> Reply<bool> {
        self.reply(self.inner.release(id, scopes, now))
    }

    fn peek(&self, demand: &Demand<'_>, now: Timestamp) -> Reply<Budget> {
        self.reply(self.inner.peek(demand, now))
    }

    fn pause(&self, demand: &Demand<'_>, until: Timestamp, now: Timestamp) -> Reply<bool> {
        self.reply(self.inner.pause(demand, until, now))
    }

    fn reset(&self, scope: Scope<'_>, now: Timestamp) -> Reply<Vec<MovedSlot>> {
        self.reply(self.inner.reset(scope, now))
    }

    fn change(
        &self,
        scope: Scope<'_>,
        limit: &RateLimit,
        now: Timestamp,
    ) -> Result<Reply<Vec<MovedSlot>>, InvalidRateLimit> {
        Ok(self.reply(self.inner.change(scope, limit, now)?))
    }

    fn change_keys_of(
        &self,
        task: &str,
        limit: &RateLimit,
        now: Timestamp,
    ) -> Result<Reply<Vec<MovedSlot>>, InvalidRateLimit> {
        Ok(self.reply(self.inner.change_keys_of(task, limit, now)?))
    }

    fn overview(&self, most: usize, now: Timestamp) -> Reply<Overview> {
        self.reply(self.inner.overview(most, now))
    }
}

/// The names of the cases that a limiter with that fault fails.
fn failed_with(fault: Fault) -> Vec<&'static str> {
    let make = |max_keys: usize| {
        let max_keys = if fault == Fault::TracksAll {
            max_keys * 100
        } else {
            max_keys
        };
        let limiter = Faulty {
            inner: SharedLimiter::new(max_keys),
            fault,
            told: Mutex::default(),
        };
        Box::new(limiter) as Box<dyn Limiter>
    };
    let fails = |run: fn(super::super::conformance::Make<'_>)| {
        catch_unwind(AssertUnwindSafe(|| run(&make))).is_err()
    };
    let failed = CASES.iter().filter(|case| fails(case.run));
    failed.map(|case| case.name).collect()
}

#[test]
fn a_limiter_whose_answers_come_later_passes() {
    assert_eq!(failed_with(Fault::Slow), [""; 0]);
}

#[test]
fn the_suite_finds_a_limiter_that_grants_whoever_comes_late() {
    let failed = failed_with(Fault::GrantsTheLate);
    for case in [
        "who_comes_late_waits_if_others_were_just_served",
        "no_window_has_more_grants_than_the_allowance_however_late_they_come",
    ] {
        assert!(failed.contains(&case), "{failed:?}");
    }
}

#[test]
fn the_suite_finds_a_limiter_that_books_twice() {
    let failed = failed_with(Fault::BooksAgain);
    for case in [
        "who_comes_late_keeps_its_place",
        "after_a_stall_all_are_served_in_their_order",
    ] {
        assert!(failed.contains(&case), "{failed:?}");
    }
}

#[test]
fn the_suite_finds_a_limiter_that_looks_at_one_budget_of_several() {
    let failed = failed_with(Fault::OneBudget);
    for case in [
        "a_task_is_booked_where_it_waits_longest",
        "two_saturated_limits_starve_nobody",
    ] {
        assert!(failed.contains(&case), "{failed:?}");
    }
}

#[test]
fn the_suite_finds_a_limiter_that_tracks_too_much() {
    let failed = failed_with(Fault::TracksAll);
    assert!(
        failed.contains(&"of_sixteen_keys_at_once_exactly_four_are_tracked"),
        "{failed:?}"
    );
    assert!(failed.len() < 9, "the others don't see it: {failed:?}");
}
