use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::custom::{CustomRetries, CustomRetry};
use super::policy::{InvalidRetryPolicy, MAX_DELAY, RetryPolicy};
use crate::random::Randomness;
use crate::task::{Failure, FailureKind};

/// A retry policy that is ready to decide.
#[derive(Clone)]
pub struct Retries {
    schedule: Schedule,
    timeouts: bool,
    only: Vec<FailureKind>,
    except: Vec<FailureKind>,
}

#[derive(Clone)]
enum Schedule {
    BuiltIn(RetryPolicy),
    Custom(Arc<dyn CustomRetry>),
}

/// What the filters of a kind of task say about an error.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FilterVerdict {
    /// What its predicate answers, if it has one.
    pub predicate: Option<bool>,
    /// Whether its list of what is retried names the error, if it has one.
    pub only: Option<bool>,
    /// Whether its list of what is not retried names the error.
    pub except: bool,
}

/// What is known about a failure besides its kind.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Advice {
    /// The handler leaves it to the policy and to the filters, which said this.
    Filtered(FilterVerdict),
    /// The handler says how long to wait; if a retry is left, filters have no say.
    After(Duration),
}

impl Default for Advice {
    /// Nobody has anything to say.
    fn default() -> Self {
        Self::Filtered(FilterVerdict::default())
    }
}

impl Retries {
    /// Checks a policy and finds what its name stands for.
    ///
    /// # Errors
    ///
    /// See [`InvalidRetryPolicy`]: whoever wrote it may not have been this program.
    pub fn resolve(
        policy: &RetryPolicy,
        customs: &CustomRetries,
    ) -> Result<Self, InvalidRetryPolicy> {
        policy.validate()?;
        Ok(match policy {
            RetryPolicy::Refined(refined) => Self {
                schedule: Schedule::resolve(&refined.policy, customs)?,
                timeouts: refined.timeouts,
                only: refined.only.clone(),
                except: refined.except.clone(),
            },
            plain @ (RetryPolicy::None
            | RetryPolicy::Linear { .. }
            | RetryPolicy::Delays(_)
            | RetryPolicy::Exponential(_)
            | RetryPolicy::Custom(_)) => Self::plain(Schedule::resolve(plain, customs)?),
        })
    }

    fn plain(schedule: Schedule) -> Self {
        Self {
            schedule,
            timeouts: false,
            only: Vec::new(),
            except: Vec::new(),
        }
    }

    /// Answers how long to wait before the next attempt, or `None` if the failure is final.
    ///
    /// `failed` counts the attempts that have failed, the present one included. What is asked, in
    /// this order (core 5.3):
    ///
    /// 1. the kind: what was permanent, cancelled or stopped is never retried, whatever anybody says;
    ///    a timeout only if the policy says so, and then filters are not asked;
    /// 2. the handler, which may know how long to wait;
    /// 3. the predicate of the kind of task, whose answer stands;
    /// 4. the lists of what is retried, of the kind of task and of the policy: one must name it;
    /// 5. the lists of what is not: none may name it.
    ///
    /// Whatever they say, there must be a retry left. A delay is rounded up to whole microseconds,
    /// as it is stored.
    pub fn delay_after(
        &self,
        failed: u32,
        failure: &Failure,
        advice: Advice,
        randomness: &dyn Randomness,
    ) -> Option<Duration> {
        let wanted = match failure.kind {
            FailureKind::TimedOut if self.timeouts => None,
            FailureKind::TimedOut
            | FailureKind::Permanent
            | FailureKind::Cancelled
            | FailureKind::Stopped
            | FailureKind::Quarantined
            | FailureKind::Undecodable
            | FailureKind::UnstorableResult
            | FailureKind::RateLimited
            | FailureKind::Expired => return None,
            FailureKind::Transient | FailureKind::Panicked | FailureKind::Other => match advice {
                Advice::After(delay) => Some(delay),
                Advice::Filtered(verdict) if self.passes(failure.kind, verdict) => None,
                Advice::Filtered(_) => return None,
            },
        };
        let scheduled = self.schedule.delay_after(failed, failure, randomness)?;
        Some(whole_micros(wanted.unwrap_or(scheduled).min(MAX_DELAY)))
    }

    fn passes(&self, kind: FailureKind, verdict: FilterVerdict) -> bool {
        if let Some(answer) = verdict.predicate {
            return answer;
        }
        let no_list = verdict.only.is_none() && self.only.is_empty();
        let is_allowed = no_list || verdict.only == Some(true) || self.only.contains(&kind);
        is_allowed && !verdict.except && !self.except.contains(&kind)
    }
}

impl Default for Retries {
    /// Those of the default policy.
    fn default() -> Self {
        Self::plain(Schedule::BuiltIn(RetryPolicy::default()))
    }
}

impl fmt::Debug for Retries {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Retries");
        match &self.schedule {
            Schedule::BuiltIn(policy) => shown.field("policy", policy),
            Schedule::Custom(_) => shown.field("policy", &"custom"),
        };
        shown
            .field("timeouts", &self.timeouts)
            .field("only", &self.only)
            .field("except", &self.except)
            .finish()
    }
}

impl Schedule {
    fn resolve(policy: &RetryPolicy, customs: &CustomRetries) -> Result<Self, InvalidRetryPolicy> {
        let RetryPolicy::Custom(name) = policy else {
            return Ok(Self::BuiltIn(policy.clone()));
        };
        let unknown = || InvalidRetryPolicy::Unknown(name.clone());
        let custom = customs.get(name).ok_or_else(unknown)?;
        Ok(Self::Custom(Arc::clone(custom)))
    }

    fn delay_after(
        &self,
        failed: u32,
        failure: &Failure,
        randomness: &dyn Randomness,
    ) -> Option<Duration> {
        match self {
            Self::BuiltIn(policy) => policy.delay_before(failed, || randomness.draw()),
            Self::Custom(custom) => custom.delay_after(failed, failure),
        }
    }
}

fn whole_micros(delay: Duration) -> Duration {
    let beyond = delay.subsec_nanos() % 1_000;
    let missing = if beyond == 0 { 0 } else { 1_000 - beyond };
    delay + Duration::from_nanos(missing.into())
}

#[cfg(test)]
mod tests;
