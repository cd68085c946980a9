//! What limits will do that nobody may have meant, said once for each type.

use std::collections::HashSet;
use std::time::Duration;

use evertask_core::schedule::Recurrence;
use evertask_core::time::Timestamp;
use parking_lot::Mutex;

use super::limits::RateLimits;
use super::rates::Rates;
use super::subject::Subject;

/// What was said already.
#[derive(Debug, Default)]
pub(super) struct Warnings(Mutex<HashSet<(String, Warning)>>);

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Warning {
    /// It has a limit for each key, and there is none.
    NoKey,
    /// It recurs faster than its limit lets it start.
    TooOften,
}

impl Warnings {
    /// What is to be said of a task that recurs after so long, if it does.
    fn of(&self, subject: Subject<'_>, every: Option<Duration>, rates: &Rates) -> Vec<Warning> {
        let of_type = rates.types.get(subject.task);
        let is_keyed = of_type.is_some_and(|rates| rates.per_key.is_some());
        let has_no_key = is_keyed && subject.counted.key.is_none();
        let limits = subject.scopes().filter_map(|scope| rates.of(scope));
        let is_too_often = every.is_some_and(|every| {
            let mut limits = limits.into_iter();
            limits.any(|limit| limit.is_exceeded_by(every))
        });
        let found = [
            (has_no_key, Warning::NoKey),
            (is_too_often, Warning::TooOften),
        ];
        let found = found.into_iter().filter(|(is_so, _)| *is_so);
        let mut said = self.0.lock();
        found
            .map(|(_, warning)| warning)
            .filter(|warning| said.insert((subject.task.to_owned(), *warning)))
            .collect()
    }
}

impl RateLimits {
    /// Says of a task that is dispatched what may not be meant.
    pub(crate) fn warn_of(&self, subject: Subject<'_>, recurrence: Option<&Recurrence>) {
        let every = recurrence.and_then(|recurrence| gap(recurrence, self.clock.now()));
        let task = subject.task;
        for warning in self.warnings.of(subject, every, &self.rates) {
            match warning {
                Warning::NoKey => tracing::warn!(
                    task,
                    "a task has a rate limit for each key and no key, so it is not limited by it"
                ),
                Warning::TooOften => tracing::warn!(
                    task,
                    "a series recurs faster than its rate limit allows, so occurrences are late or left out"
                ),
            }
        }
    }
}

/// How far the next two occurrences are apart.
fn gap(recurrence: &Recurrence, now: Timestamp) -> Option<Duration> {
    let mut next = recurrence.preview(now);
    let (first, second) = (next.next()?, next.next()?);
    (second - first).to_std().ok()
}

#[cfg(test)]
mod tests {
    use evertask_core::limit::RateLimit;

    use super::super::rates::{KeyRate, TypeRates};
    use super::super::subject::Counted;
    use super::*;

    /// Section 8.1.
    #[test]
    fn a_type_is_warned_of_once() {
        let limited = TypeRates {
            all: None,
            per_key: Some(KeyRate::Same(RateLimit::per_minute(15))),
        };
        let rates = Rates::new([("mail", limited)], []);
        let (none, some) = (
            Counted::default(),
            Counted {
                key: Some("a".to_owned()),
                ..Counted::default()
            },
        );
        let subject = |counted| Subject {
            queue: "default",
            task: "mail",
            counted,
        };
        let warnings = Warnings::default();
        let often = Some(Duration::from_secs(3));
        assert_eq!(warnings.of(subject(&some), None, &rates), []);
        assert_eq!(
            warnings.of(subject(&some), Some(Duration::from_secs(4)), &rates),
            []
        );
        assert_eq!(warnings.of(subject(&none), often, &rates), [Warning::NoKey]);
        assert_eq!(
            warnings.of(subject(&some), often, &rates),
            [Warning::TooOften]
        );
        assert_eq!(warnings.of(subject(&some), often, &rates), []);
        assert_eq!(warnings.of(subject(&none), None, &rates), []);
    }
}
