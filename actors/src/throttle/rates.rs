use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use evertask_core::limit::{OwnedScope, RateLimit, Scope, ScopeKind};
use parking_lot::RwLock;

/// The rate limits of a type of tasks.
#[derive(Clone, Debug, Default)]
pub(crate) struct TypeRates {
    /// Of all of its tasks together.
    pub(crate) all: Option<RateLimit>,
    /// Of those that share a key.
    pub(crate) per_key: Option<KeyRate>,
}

/// The limit of a key.
#[derive(Clone)]
pub(crate) enum KeyRate {
    /// The same for each.
    Same(RateLimit),
    /// What the application says.
    By(PlanOfKey),
}

type PlanOfKey = Arc<dyn Fn(&str) -> Option<RateLimit> + Send + Sync>;

impl KeyRate {
    fn of(&self, task: &str, key: &str) -> Option<RateLimit> {
        match self {
            Self::Same(limit) => Some(*limit),
            Self::By(plan) => catch_unwind(AssertUnwindSafe(|| plan(key))).unwrap_or_else(|_| {
                tracing::warn!(task, key, "the rate limit of a key panicked, it has none");
                None
            }),
        }
    }
}

impl fmt::Debug for KeyRate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same(limit) => formatter.debug_tuple("Same").field(limit).finish(),
            Self::By(_) => formatter.write_str("By"),
        }
    }
}

/// The limits in force: what was configured, unless something else was said since.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    pub(super) types: HashMap<&'static str, TypeRates>,
    pub(super) queues: HashMap<String, RateLimit>,
    said_since: RwLock<SaidSince>,
}

/// What was changed at run time.
#[derive(Debug, Default)]
struct SaidSince {
    scopes: HashMap<OwnedScope, RateLimit>,
    /// Of every key of a type that is not in `scopes`.
    keys_of: HashMap<String, RateLimit>,
}

impl Rates {
    pub(crate) fn new(
        types: impl IntoIterator<Item = (&'static str, TypeRates)>,
        queues: impl IntoIterator<Item = (String, RateLimit)>,
    ) -> Self {
        let is_limited = |rates: &TypeRates| rates.all.is_some() || rates.per_key.is_some();
        Self {
            types: types
                .into_iter()
                .filter(|(_, rates)| is_limited(rates))
                .collect(),
            queues: queues.into_iter().collect(),
            said_since: RwLock::default(),
        }
    }

    /// The limit of a scope, if it has one.
    pub(crate) fn of(&self, scope: Scope<'_>) -> Option<RateLimit> {
        self.changed(scope).or_else(|| {
            let of_type = self.types.get(scope.name());
            match scope.kind() {
                ScopeKind::Queue => self.queues.get(scope.name()).copied(),
                ScopeKind::Task => of_type?.all,
                ScopeKind::Key => of_type?
                    .per_key
                    .as_ref()?
                    .of(scope.name(), scope.limit_key()?),
            }
        })
    }

    fn changed(&self, scope: Scope<'_>) -> Option<RateLimit> {
        let said = self.said_since.read();
        if said.scopes.is_empty() && said.keys_of.is_empty() {
            return None;
        }
        let of_scope = said.scopes.get(&scope.to_owned_scope());
        let of_keys = scope.limit_key().and(said.keys_of.get(scope.name()));
        of_scope.or(of_keys).copied()
    }

    /// From here on a scope has this limit, whatever is configured.
    pub(super) fn change(&self, scope: Scope<'_>, limit: RateLimit) {
        let mut said = self.said_since.write();
        said.scopes.insert(scope.to_owned_scope(), limit);
    }

    /// From here on every key of a type has this limit, those included that were changed before.
    pub(super) fn change_keys_of(&self, task: &str, limit: RateLimit) {
        let mut said = self.said_since.write();
        said.scopes.retain(|scope, _| {
            scope.as_scope().kind() != ScopeKind::Key || scope.as_scope().name() != task
        });
        said.keys_of.insert(task.to_owned(), limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(key: &str) -> Scope<'_> {
        Scope::key("mail", key).unwrap().unwrap()
    }

    fn rates(per_key: KeyRate) -> Rates {
        let all = Some(RateLimit::per_hour(9));
        let per_key = Some(per_key);
        Rates::new([("mail", TypeRates { all, per_key })], [])
    }

    /// Section 8.1: a key function that fails limits nothing.
    #[test]
    fn a_plan_that_panics_or_says_nothing_limits_nothing() {
        let rates = rates(KeyRate::By(Arc::new(|key| match key {
            "bad" => panic!("no plan"),
            "free" => None,
            _ => Some(RateLimit::per_minute(1)),
        })));
        assert_eq!(rates.of(key("bad")), None);
        assert_eq!(rates.of(key("free")), None);
        assert_eq!(rates.of(key("a")), Some(RateLimit::per_minute(1)));
        assert_eq!(rates.of(Scope::task("mail")), Some(RateLimit::per_hour(9)));
        assert_eq!(rates.of(Scope::queue("mail")), None);
        assert_eq!(rates.of(Scope::task("other")), None);
    }

    #[test]
    fn what_was_said_last_holds_and_of_a_single_key_before_all_of_them() {
        let rates = rates(KeyRate::Same(RateLimit::per_minute(1)));
        let limits = [2, 3, 4].map(RateLimit::per_minute);
        rates.change(key("a"), limits[0]);
        assert_eq!(rates.of(key("a")), Some(limits[0]));
        assert_eq!(rates.of(key("b")), Some(RateLimit::per_minute(1)));
        rates.change_keys_of("mail", limits[1]);
        assert_eq!(rates.of(key("a")), Some(limits[1]));
        rates.change(key("a"), limits[2]);
        assert_eq!(rates.of(key("a")), Some(limits[2]));
        assert_eq!(rates.of(key("b")), Some(limits[1]));
        assert_eq!(rates.of(Scope::task("mail")), Some(RateLimit::per_hour(9)));
    }
}
