use proptest::prelude::*;

use super::*;
use crate::random::SeededRandomness;
use crate::retry::{Exponential, Jitter};

const SECOND: Duration = Duration::from_secs(1);

fn ready(policy: &RetryPolicy) -> Retries {
    Retries::resolve(policy, &CustomRetries::default()).unwrap()
}

fn failed(kind: FailureKind) -> Failure {
    Failure::new(kind, "broken")
}

fn delay(
    retries: &Retries,
    failed_so_far: u32,
    kind: FailureKind,
    advice: Advice,
) -> Option<Duration> {
    let randomness = SeededRandomness::new(1);
    retries.delay_after(failed_so_far, &failed(kind), advice, &randomness)
}

fn retried(retries: &Retries, advice: Advice) -> Vec<FailureKind> {
    let is_retried = |kind: &FailureKind| delay(retries, 1, *kind, advice).is_some();
    FailureKind::ALL.into_iter().filter(is_retried).collect()
}

const USUAL: [FailureKind; 3] = [
    FailureKind::Transient,
    FailureKind::Panicked,
    FailureKind::Other,
];

#[test]
fn only_failures_that_another_attempt_can_mend_are_retried() {
    assert_eq!(retried(&Retries::default(), Advice::default()), USUAL);
    let plain = ready(&RetryPolicy::default());
    assert_eq!(retried(&plain, Advice::default()), USUAL);
}

/// Core edge case 121: what is never retried is not retried by being named either.
#[test]
fn no_filter_and_no_handler_makes_a_final_kind_retryable() {
    let greedy = ready(&RetryPolicy::default().only(FailureKind::ALL));
    let eager = Advice::Filtered(FilterVerdict {
        predicate: Some(true),
        only: Some(true),
        except: false,
    });
    for advice in [Advice::default(), eager, Advice::After(SECOND)] {
        assert_eq!(retried(&greedy, advice), USUAL);
    }
}

/// Core 5.3: opting in decides about timeouts, and filters, which know no error of theirs, don't.
#[test]
fn a_timeout_is_retried_if_the_policy_says_so_whatever_the_filters_say() {
    let timed_out = FailureKind::TimedOut;
    let refusal = Advice::Filtered(FilterVerdict {
        predicate: Some(false),
        only: Some(false),
        except: true,
    });
    let plain = RetryPolicy::default();
    let opted_in = plain.clone().and_timeouts().except([timed_out]);
    for advice in [Advice::default(), refusal] {
        assert_eq!(delay(&ready(&plain), 1, timed_out, advice), None);
        let half = Some(Duration::from_millis(500));
        assert_eq!(delay(&ready(&opted_in), 1, timed_out, advice), half);
        assert_eq!(delay(&ready(&opted_in), 4, timed_out, advice), None);
    }
}

/// Core 5.3 and core edge case 120: the whole product of what filters can say.
#[test]
fn filters_are_asked_in_their_order() {
    let kind = FailureKind::Other;
    let (listed, unlisted) = ([kind], [FailureKind::Panicked]);
    let policies = [
        (RetryPolicy::default(), None, false),
        (RetryPolicy::default().only(listed), Some(true), false),
        (RetryPolicy::default().only(unlisted), Some(false), false),
        (RetryPolicy::default().except(listed), None, true),
        (RetryPolicy::default().except(unlisted), None, false),
    ];
    let answers = [None, Some(false), Some(true)];
    for (policy, policy_only, policy_except) in policies {
        let retries = ready(&policy);
        for predicate in answers {
            for only in answers {
                for except in [false, true] {
                    let verdict = FilterVerdict {
                        predicate,
                        only,
                        except,
                    };
                    let lists = [only, policy_only];
                    let is_named = lists.contains(&Some(true)) || lists == [None, None];
                    let expected = predicate.unwrap_or(is_named && !except && !policy_except);
                    let advice = Advice::Filtered(verdict);
                    let is_retried = delay(&retries, 1, kind, advice).is_some();
                    assert_eq!(is_retried, expected, "{policy:?} {verdict:?}");
                }
            }
        }
    }
}

#[test]
fn a_handler_says_how_long_and_the_policy_how_often() {
    let nothing_else = RetryPolicy::default().only([FailureKind::Panicked]);
    let advice = Advice::After(SECOND * 7);
    for failed_so_far in 1..=3 {
        let waited = delay(
            &ready(&nothing_else),
            failed_so_far,
            FailureKind::Other,
            advice,
        );
        assert_eq!(waited, Some(SECOND * 7));
    }
    assert_eq!(
        delay(&ready(&nothing_else), 4, FailureKind::Other, advice),
        None
    );
    let none = ready(&RetryPolicy::None);
    assert_eq!(delay(&none, 1, FailureKind::Transient, advice), None);
    let endless = Advice::After(Duration::MAX);
    let cut = delay(&Retries::default(), 1, FailureKind::Other, endless);
    assert_eq!(cut, Some(MAX_DELAY));
}

#[test]
fn a_delay_is_rounded_up_to_what_can_be_stored() {
    for (nanos, micros) in [(1, 1), (999, 1), (1_000, 1), (1_001, 2), (2_000, 2)] {
        let advice = Advice::After(Duration::from_nanos(nanos));
        let waited = delay(&Retries::default(), 1, FailureKind::Other, advice);
        assert_eq!(waited, Some(Duration::from_micros(micros)), "{nanos}");
    }
}

#[test]
fn a_custom_policy_is_found_by_its_name_and_told_what_failed() {
    let mut customs = CustomRetries::default();
    let policy = |failed: u32, failure: &Failure| {
        (failure.text == "broken" && failed < 3).then(|| SECOND * failed)
    };
    assert!(customs.add("mine", Arc::new(policy)));
    let named = RetryPolicy::Custom("mine".to_owned());
    for policy in [named.clone(), named.clone().and_timeouts()] {
        let retries = Retries::resolve(&policy, &customs).unwrap();
        let waits: Vec<_> = (1..=3)
            .map(|failed| delay(&retries, failed, FailureKind::Other, Advice::default()))
            .collect();
        assert_eq!(waits, [Some(SECOND), Some(SECOND * 2), None]);
        let is_refined = matches!(policy, RetryPolicy::Refined(_));
        let timed_out = delay(&retries, 1, FailureKind::TimedOut, Advice::default());
        assert_eq!(timed_out.is_some(), is_refined);
    }
    let unknown = Retries::resolve(&named, &CustomRetries::default()).unwrap_err();
    assert_eq!(unknown, InvalidRetryPolicy::Unknown("mine".to_owned()));
}

#[test]
fn a_policy_that_somebody_stored_wrongly_is_refused() {
    let invalid = RetryPolicy::Delays(Vec::new()).and_timeouts();
    let refused = Retries::resolve(&invalid, &CustomRetries::default()).unwrap_err();
    assert_eq!(refused, InvalidRetryPolicy::NoRetries);
}

#[test]
fn what_is_ready_to_decide_shows_its_policy() {
    let shown = format!("{:?}", ready(&RetryPolicy::None.and_timeouts()));
    assert_eq!(
        shown,
        "Retries { policy: None, timeouts: true, only: [], except: [] }"
    );
}

fn any_delay() -> impl Strategy<Value = Duration> {
    prop_oneof![
        (1..=u64::MAX).prop_map(Duration::from_nanos),
        (1_u64..1_000_000).prop_map(Duration::from_millis),
        (1_u64..10_000_000_000).prop_map(Duration::from_secs),
    ]
}

fn any_jitter() -> impl Strategy<Value = Jitter> {
    prop_oneof![Just(Jitter::None), Just(Jitter::Equal), Just(Jitter::Full)]
}

fn any_exponential() -> impl Strategy<Value = Exponential> {
    (
        any::<u32>(),
        any_delay(),
        prop_oneof![100_u32..1_000, any::<u32>()],
        any_delay(),
        any_jitter(),
    )
        .prop_map(|(retries, first, percent, max, jitter)| {
            let growing = Exponential::new(retries, first);
            growing.factor_percent(percent).max(max).jitter(jitter)
        })
}

fn any_policy() -> impl Strategy<Value = RetryPolicy> {
    let plain = prop_oneof![
        Just(RetryPolicy::None),
        (any::<u32>(), any_delay())
            .prop_map(|(retries, delay)| RetryPolicy::Linear { retries, delay }),
        proptest::collection::vec(any_delay(), 0..5).prop_map(RetryPolicy::Delays),
        any_exponential().prop_map(RetryPolicy::Exponential),
    ];
    (plain, any::<bool>()).prop_map(|(policy, timeouts)| {
        if timeouts {
            policy.and_timeouts()
        } else {
            policy
        }
    })
}

proptest! {
    /// Whatever a policy says: what is valid has delays within the limit, once there is no retry left
    /// there is none later, and it reads as it was stored.
    #[test]
    fn a_valid_policy_is_bounded_ends_and_is_read_back(policy in any_policy(), failed in 1..=u32::MAX) {
        let text = serde_json::to_string(&policy).unwrap();
        prop_assert_eq!(&serde_json::from_str::<RetryPolicy>(&text).unwrap(), &policy);
        let Ok(retries) = Retries::resolve(&policy, &CustomRetries::default()) else {
            prop_assert!(policy.validate().is_err());
            return Ok(());
        };
        let waited = delay(&retries, failed, FailureKind::Other, Advice::default());
        if let Some(waited) = waited {
            prop_assert!(Duration::ZERO < waited && waited <= MAX_DELAY);
            prop_assert!(delay(&retries, 1, FailureKind::Other, Advice::default()).is_some());
        } else {
            let later = failed.saturating_add(1);
            prop_assert_eq!(delay(&retries, later, FailureKind::Other, Advice::default()), None);
        }
    }

    /// Without jitter delays never shrink; with it they stay within their play.
    #[test]
    fn growth_is_monotone_and_jitter_stays_within_its_play(
        growing in any_exponential(),
        retry in 1_u32..200,
        seed in any::<u64>(),
    ) {
        let wait = |jitter, retry| {
            let policy = RetryPolicy::Exponential(growing.clone().jitter(jitter));
            let retries = Retries::resolve(&policy, &CustomRetries::default()).ok()?;
            let source = SeededRandomness::new(seed);
            retries.delay_after(retry, &failed(FailureKind::Other), Advice::default(), &source)
        };
        let Some(plain) = wait(Jitter::None, retry) else {
            return Ok(());
        };
        if let Some(next) = wait(Jitter::None, retry + 1) {
            prop_assert!(plain <= next);
        }
        let full = wait(Jitter::Full, retry).unwrap();
        prop_assert!(Duration::ZERO < full && full <= plain);
        let equal = wait(Jitter::Equal, retry).unwrap();
        prop_assert!(plain / 2 <= equal && equal <= plain);
    }
}
