use super::*;
use crate::random::SeededRandomness;
use crate::retry::{CustomRetries, RetryPolicy};

const TIMEOUT: StopCause = StopCause::Timeout(Duration::from_secs(3));

fn broken(kind: FailureKind) -> Failure {
    Failure::new(kind, "broken")
}

fn failed(kind: FailureKind) -> BodyEnd {
    BodyEnd::Failed(broken(kind), Advice::After(Duration::from_secs(9)))
}

fn snooze() -> Snooze {
    Snooze {
        delay: Duration::from_millis(1),
        reason: "not yet".to_owned(),
    }
}

fn step(end: &AttemptEnd, attempt: u32, policy: &RetryPolicy) -> NextStep {
    let retries = Retries::resolve(policy, &CustomRetries::default()).unwrap();
    next_step(end, attempt, &retries, &SeededRandomness::new(1))
}

#[test]
fn an_attempt_is_classified_by_the_token_that_fired() {
    let bodies = [
        BodyEnd::Returned(None),
        BodyEnd::Returned(Some("7".to_owned())),
        failed(FailureKind::Other),
        failed(FailureKind::Cancelled),
        BodyEnd::Snoozed(snooze()),
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
                    let AttemptEnd::Failed(failure, advice) = end else {
                        panic!("{body:?} after a timeout became {end:?}");
                    };
                    assert_eq!(failure.kind, FailureKind::TimedOut);
                    assert_eq!(advice, Advice::default());
                }
                (_, BodyEnd::Returned(result)) => {
                    assert_eq!(end, AttemptEnd::Succeeded(result.clone()));
                }
                (_, BodyEnd::Snoozed(snooze)) => {
                    assert_eq!(end, AttemptEnd::Snoozed(snooze.clone()));
                }
                (Some(StopCause::Shutdown), _) | (_, BodyEnd::Aborted) => {
                    assert_eq!(end, AttemptEnd::Stopped);
                }
                (_, BodyEnd::Failed(failure, advice)) => {
                    assert_eq!(end, AttemptEnd::Failed(failure.clone(), *advice));
                }
            }
        }
    }
}

#[test]
fn a_delay_of_a_second_frees_the_slot() {
    let end = AttemptEnd::Failed(broken(FailureKind::Other), Advice::default());
    let after = |millis| {
        let delay = Duration::from_millis(millis);
        step(&end, 1, &RetryPolicy::Linear { retries: 1, delay })
    };
    assert_eq!(
        after(999),
        NextStep::RetryInSlot(Duration::from_millis(999))
    );
    assert_eq!(after(1_000), NextStep::Park(Duration::from_secs(1)));
}

#[test]
fn each_end_is_followed_by_its_step() {
    let policy = RetryPolicy::default();
    let failed = |advice| AttemptEnd::Failed(broken(FailureKind::Other), advice);
    let after = Advice::After(Duration::from_secs(2));
    let steps = [
        (AttemptEnd::Succeeded(None), 1, NextStep::Complete),
        (AttemptEnd::Cancelled, 1, NextStep::Cancel),
        (AttemptEnd::Stopped, 1, NextStep::Stop),
        (AttemptEnd::Snoozed(snooze()), 9, NextStep::Snooze(snooze())),
        (failed(Advice::default()), 4, NextStep::Fail),
        (failed(after), 3, NextStep::Park(Duration::from_secs(2))),
        (failed(after), 4, NextStep::Fail),
    ];
    for (end, attempt, expected) in steps {
        assert_eq!(step(&end, attempt, &policy), expected, "{end:?}");
    }
}

#[test]
fn a_snooze_too_many_is_a_failure_that_says_why() {
    let end = || AttemptEnd::Snoozed(snooze());
    assert_eq!(bound_snoozes(end(), 2, 3), end());
    for (snoozes, limit) in [(3, 3), (4, 3), (0, 0)] {
        let AttemptEnd::Failed(failure, advice) = bound_snoozes(end(), snoozes, limit) else {
            panic!("{snoozes} of {limit}");
        };
        assert_eq!(failure.kind, FailureKind::Transient);
        assert_eq!(advice, Advice::default());
        assert_eq!(
            failure.text,
            format!("snoozed more than {limit} times in a row, at last: not yet")
        );
    }
    let others = [
        AttemptEnd::Succeeded(None),
        AttemptEnd::Failed(broken(FailureKind::Other), Advice::default()),
        AttemptEnd::Cancelled,
        AttemptEnd::Stopped,
    ];
    for other in others {
        assert_eq!(bound_snoozes(other.clone(), 9, 3), other);
    }
}

#[test]
fn a_task_expires_after_its_deadline_and_not_at_it() {
    let deadline = Timestamp::from_timestamp(1_000, 0).unwrap();
    let moment = Duration::from_micros(1);
    assert_eq!(expired(None, deadline), None);
    assert_eq!(expired(Some(deadline), deadline - moment), None);
    assert_eq!(expired(Some(deadline), deadline), None);
    let failure = expired(Some(deadline), deadline + moment).unwrap();
    assert_eq!(failure.kind, FailureKind::Expired);
    assert_eq!(
        failure.text,
        "it was not started by its deadline, 1970-01-01 00:16:40 UTC"
    );
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
