//! How many crashes are bad luck, and from which one on they are a defect.
//!
//! Pure: it is told the time and answers what to do, so that the policy can be read and tested
//! without an actor.

use std::collections::VecDeque;
use std::time::Duration;

/// The wait before the second restart within the window; it doubles with each further one.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);

/// The wait that the doubling never exceeds.
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

/// Limits how often one actor is restarted, by a true sliding window.
///
/// | restarts in the window before this crash | verdict                    |
/// |------------------------------------------|----------------------------|
/// | none                                     | restart at once            |
/// | 1, 2, 3, … up to the limit               | restart after a backoff    |
/// | as many as the limit                     | give up                    |
///
/// The backoff has no jitter: jitter keeps many clients from retrying against one server in the
/// same instant, and here one actor of one process waits for nobody but itself.
#[derive(Clone, Debug)]
pub struct RestartBudget {
    limit: usize,
    window: Duration,
    restarts: VecDeque<Duration>,
}

/// What is done about a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The actor is restarted once this span has passed.
    RestartAfter(Duration),
    /// The budget is spent; the actor has ended.
    GiveUp,
}

impl RestartBudget {
    /// Creates a budget of `limit` restarts within any span of the length `window`.
    pub fn new(limit: usize, window: Duration) -> Self {
        Self {
            limit,
            window,
            restarts: VecDeque::new(),
        }
    }

    /// Decides about a crash that happened at `now`, and remembers the restart it grants.
    ///
    /// `now` is a reading of [`Clock::elapsed`](evertask_core::time::Clock::elapsed), so that
    /// setting the wall clock neither forgives crashes nor makes them up.
    pub fn record(&mut self, now: Duration) -> Verdict {
        while let Some(&oldest) = self.restarts.front()
            && now.saturating_sub(oldest) >= self.window
        {
            self.restarts.pop_front();
        }
        if self.restarts.len() >= self.limit {
            return Verdict::GiveUp;
        }
        let backoff = backoff(self.restarts.len());
        self.restarts.push_back(now);
        Verdict::RestartAfter(backoff)
    }
}

impl Default for RestartBudget {
    /// Allows 5 restarts in 30 seconds.
    fn default() -> Self {
        Self::new(5, Duration::from_secs(30))
    }
}

fn backoff(restarts_before: usize) -> Duration {
    let Some(doublings) = restarts_before.checked_sub(1) else {
        return Duration::ZERO;
    };
    let doublings = u32::try_from(doublings).unwrap_or(u32::MAX);
    FIRST_BACKOFF
        .saturating_mul(2_u32.saturating_pow(doublings))
        .min(LONGEST_BACKOFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_restart_is_immediate_and_later_ones_back_off_to_a_cap() {
        let mut budget = RestartBudget::new(40, Duration::from_secs(30));
        let waits: Vec<_> = (0..40)
            .map(|_| match budget.record(Duration::ZERO) {
                Verdict::RestartAfter(wait) => wait.as_millis(),
                Verdict::GiveUp => panic!("gave up within the limit"),
            })
            .collect();
        assert_eq!(waits[..8], [0, 100, 200, 400, 800, 1_600, 3_200, 5_000]);
        assert!(waits[8..].iter().all(|&wait| wait == 5_000));
    }

    #[test]
    fn the_crash_after_the_last_allowed_restart_is_the_end() {
        let mut budget = RestartBudget::default();
        for second in 0..5 {
            let verdict = budget.record(Duration::from_secs(second));
            assert_ne!(verdict, Verdict::GiveUp, "crash in second {second}");
        }
        assert_eq!(budget.record(Duration::from_secs(5)), Verdict::GiveUp);
    }

    #[test]
    fn a_restart_leaves_the_window_exactly_when_its_length_has_passed() {
        for (sixth, expected) in [
            (29_999, Verdict::GiveUp),
            (30_000, Verdict::RestartAfter(Duration::from_millis(800))),
        ] {
            let mut budget = RestartBudget::default();
            for crash in 0..5 {
                assert_ne!(budget.record(Duration::from_secs(crash)), Verdict::GiveUp);
            }
            assert_eq!(budget.record(Duration::from_millis(sixth)), expected);
        }
    }

    /// A tumbling window would forget the first four crashes at its border and allow the rest.
    #[test]
    fn the_window_slides_instead_of_starting_over() {
        let mut budget = RestartBudget::default();
        for second in [26, 27, 28, 29, 31] {
            assert_ne!(budget.record(Duration::from_secs(second)), Verdict::GiveUp);
        }
        assert_eq!(budget.record(Duration::from_secs(32)), Verdict::GiveUp);
    }

    #[test]
    fn quiet_time_earns_an_immediate_restart_again() {
        let mut budget = RestartBudget::default();
        for _ in 0..6 {
            budget.record(Duration::ZERO);
        }
        assert_eq!(
            budget.record(Duration::from_secs(30)),
            Verdict::RestartAfter(Duration::ZERO)
        );
    }

    #[test]
    fn a_budget_of_nothing_gives_up_at_once() {
        let mut budget = RestartBudget::new(0, Duration::from_secs(30));
        assert_eq!(budget.record(Duration::ZERO), Verdict::GiveUp);
    }
}
