//! What the end of an attempt means for its task.
//!
//! Two pure decisions: [`classify`] says how an attempt ended, by which token fired and never by
//! what kind of error came back; [`next_step`] says what follows from it.

use std::time::Duration;

use crate::retry::RetryPolicy;
use crate::task::{Failure, FailureKind};

/// A delay of at least this long before a retry frees the slot and parks the task; a shorter one is
/// waited for in the slot.
pub const PARK_FROM: Duration = Duration::from_secs(1);

/// Why an attempt was told to stop.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StopCause {
    /// Somebody cancelled the task.
    Cancel,
    /// The runtime is stopping.
    Shutdown,
    /// The attempt ran longer than its timeout.
    Timeout(Duration),
}

/// How the body of a handler ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum BodyEnd {
    /// It returned successfully.
    Returned,
    /// It returned an error or panicked.
    Failed(Failure),
    /// It did not stop when told to and was aborted or abandoned.
    Aborted,
}

/// How an attempt ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AttemptEnd {
    /// It did its work.
    Succeeded,
    /// It failed.
    Failed(Failure),
    /// Somebody cancelled the task; whatever the body returned does not count.
    Cancelled,
    /// A shutdown interrupted it.
    Stopped,
}

/// Answers how an attempt ended.
///
/// `fired` is the token that told it to stop, if one did; `cancelled` whether the task has been
/// cancelled by now, which wins over everything else.
pub fn classify(body: BodyEnd, fired: Option<StopCause>, cancelled: bool) -> AttemptEnd {
    if cancelled {
        return AttemptEnd::Cancelled;
    }
    match (fired, body) {
        (Some(StopCause::Timeout(limit)), _) => AttemptEnd::Failed(Failure::new(
            FailureKind::TimedOut,
            format!("the attempt ran longer than its timeout of {limit:?}"),
        )),
        (_, BodyEnd::Returned) => AttemptEnd::Succeeded,
        (Some(StopCause::Shutdown), _) | (None | Some(StopCause::Cancel), BodyEnd::Aborted) => {
            AttemptEnd::Stopped
        }
        (None | Some(StopCause::Cancel), BodyEnd::Failed(failure)) => AttemptEnd::Failed(failure),
    }
}

/// What a task does after an attempt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NextStep {
    /// It is completed.
    Complete,
    /// It waits that long in its slot and is attempted again.
    RetryInSlot(Duration),
    /// It leaves its slot and is attempted again after that long.
    Park(Duration),
    /// It has failed for good.
    Fail,
    /// It is cancelled.
    Cancel,
    /// It runs again after the next start.
    Stop,
}

/// Answers what a task does after attempt number `attempt` ended so.
pub fn next_step(end: &AttemptEnd, attempt: u32, policy: &RetryPolicy) -> NextStep {
    match end {
        AttemptEnd::Succeeded => NextStep::Complete,
        AttemptEnd::Cancelled => NextStep::Cancel,
        AttemptEnd::Stopped => NextStep::Stop,
        AttemptEnd::Failed(failure) => match policy.delay_after(attempt, failure.kind) {
            None => NextStep::Fail,
            Some(delay) if delay < PARK_FROM => NextStep::RetryInSlot(delay),
            Some(delay) => NextStep::Park(delay),
        },
    }
}

/// Puts the failures of a task's attempts into one, of the kind of the last.
///
/// That of a single attempt is kept as it is.
pub fn aggregate(attempts: u32, failures: &[Failure], last: &Failure) -> Failure {
    if attempts < 2 {
        return last.clone();
    }
    let what = format!("all {attempts} attempts failed");
    after_failures(last.kind, what, attempts, failures)
}

/// Says what happened to a task, and lists the failures of its attempts before.
///
/// They may be only the last ones of its `attempts`: at an audit level that keeps no attempts, a
/// task that was parked knows none but its latest failure. The numbers say which are listed.
pub fn after_failures(
    kind: FailureKind,
    what: impl Into<String>,
    attempts: u32,
    failures: &[Failure],
) -> Failure {
    let forgotten = (attempts as usize).saturating_sub(failures.len());
    let numbered = failures.iter().zip(forgotten + 1..);
    let lines = numbered.map(|(failure, number)| format!("{number}. {failure}"));
    let text: Vec<_> = std::iter::once(what.into()).chain(lines).collect();
    Failure::new(kind, text.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: StopCause = StopCause::Timeout(Duration::from_secs(3));

    fn failed(kind: FailureKind) -> BodyEnd {
        BodyEnd::Failed(Failure::new(kind, "broken"))
    }

    #[test]
    fn an_attempt_is_classified_by_the_token_that_fired() {
        let bodies = [
            BodyEnd::Returned,
            failed(FailureKind::Other),
            failed(FailureKind::Cancelled),
            BodyEnd::Aborted,
        ];
        let fired = [
            None,
            Some(StopCause::Cancel),
            Some(StopCause::Shutdown),
            Some(TIMEOUT),
        ];
        for body in bodies {
            for cause in fired {
                let end = classify(body.clone(), cause, true);
                assert_eq!(
                    end,
                    AttemptEnd::Cancelled,
                    "a user's cancel wins: {body:?} {cause:?}"
                );
                let end = classify(body.clone(), cause, false);
                match (cause, &body) {
                    (Some(StopCause::Timeout(_)), _) => {
                        let AttemptEnd::Failed(failure) = end else {
                            panic!("{body:?} after a timeout became {end:?}");
                        };
                        assert_eq!(failure.kind, FailureKind::TimedOut);
                    }
                    (_, BodyEnd::Returned) => assert_eq!(end, AttemptEnd::Succeeded),
                    (Some(StopCause::Shutdown), _) | (_, BodyEnd::Aborted) => {
                        assert_eq!(end, AttemptEnd::Stopped);
                    }
                    (_, BodyEnd::Failed(failure)) => {
                        assert_eq!(end, AttemptEnd::Failed(failure.clone()));
                    }
                }
            }
        }
    }

    #[test]
    fn a_delay_of_a_second_frees_the_slot() {
        let end = AttemptEnd::Failed(Failure::new(FailureKind::Other, "broken"));
        let step = |millis| {
            let delay = Duration::from_millis(millis);
            next_step(&end, 1, &RetryPolicy::Linear { retries: 1, delay })
        };
        assert_eq!(step(999), NextStep::RetryInSlot(Duration::from_millis(999)));
        assert_eq!(step(1_000), NextStep::Park(Duration::from_secs(1)));
    }

    #[test]
    fn the_stored_failure_lists_every_attempt() {
        let one = Failure::new(FailureKind::Other, "first");
        let two = Failure::new(FailureKind::Panicked, "second");
        assert_eq!(aggregate(1, std::slice::from_ref(&one), &one), one);
        let all = aggregate(2, &[one, two.clone()], &two);
        assert_eq!(all.kind, FailureKind::Panicked);
        assert_eq!(
            all.text,
            "all 2 attempts failed\n1. other: first\n2. panicked: second"
        );
    }

    #[test]
    fn failures_that_were_not_kept_are_missing_by_their_number() {
        let last = Failure::new(FailureKind::Other, "third");
        assert_eq!(
            aggregate(3, std::slice::from_ref(&last), &last).text,
            "all 3 attempts failed\n3. other: third"
        );
    }
}
