use std::fmt;

use serde::{Deserialize, Serialize};

use crate::key::{InvalidKey, check_key};

/// What a limit is counted for: one budget each.
///
/// The same key under two types of tasks is two scopes. A type, a queue and a key never share one,
/// whatever they are called.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Scope<'a> {
    pub(super) kind: ScopeKind,
    pub(super) name: &'a str,
    pub(super) key: &'a str,
}

/// Of what kind a [`Scope`] is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeKind {
    /// The tasks of a type that share a key.
    Key,
    /// All tasks of a type.
    Task,
    /// All tasks of a queue.
    Queue,
}

/// A [`Scope`] of its own.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct OwnedScope {
    kind: ScopeKind,
    name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    key: String,
}

impl<'a> Scope<'a> {
    /// The tasks of a type that share a key, or `None` if the key is blank: then they are not limited.
    ///
    /// # Errors
    ///
    /// Refuses what can't be the key of a dispatch either: more than 200 characters, or a NUL.
    pub fn key(task: &'a str, key: &'a str) -> Result<Option<Self>, InvalidKey> {
        let key = check_key(key)?;
        Ok(key.map(|key| Self {
            kind: ScopeKind::Key,
            name: task,
            key,
        }))
    }

    /// All tasks of a type.
    pub const fn task(task: &'a str) -> Self {
        Self {
            kind: ScopeKind::Task,
            name: task,
            key: "",
        }
    }

    /// All tasks of a queue.
    pub const fn queue(queue: &'a str) -> Self {
        Self {
            kind: ScopeKind::Queue,
            name: queue,
            key: "",
        }
    }

    /// Of what kind it is.
    pub const fn kind(self) -> ScopeKind {
        self.kind
    }

    /// The name of the type or of the queue.
    pub const fn name(self) -> &'a str {
        self.name
    }

    /// The key, if it is the scope of one.
    pub fn limit_key(self) -> Option<&'a str> {
        matches!(self.kind, ScopeKind::Key).then_some(self.key)
    }

    /// The same as a value of its own.
    pub fn to_owned_scope(self) -> OwnedScope {
        OwnedScope {
            kind: self.kind,
            name: self.name.to_owned(),
            key: self.key.to_owned(),
        }
    }
}

impl OwnedScope {
    /// The same, borrowed.
    pub fn as_scope(&self) -> Scope<'_> {
        Scope {
            kind: self.kind,
            name: &self.name,
            key: &self.key,
        }
    }
}

impl fmt::Display for Scope<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ScopeKind::Key => write!(formatter, "key {:?} of task {:?}", self.key, self.name),
            ScopeKind::Task => write!(formatter, "task {:?}", self.name),
            ScopeKind::Queue => write!(formatter, "queue {:?}", self.name),
        }
    }
}

impl fmt::Display for OwnedScope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_scope().fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Section 8.1: a null or empty key is not limited.
    #[test]
    fn a_blank_key_is_no_scope_and_one_that_cannot_be_stored_is_refused() {
        for blank in ["", " ", "\t\n"] {
            assert_eq!(Scope::key("mail", blank), Ok(None));
        }
        assert_eq!(Scope::key("mail", "a\0b"), Err(InvalidKey::Nul));
        assert!(Scope::key("mail", &"k".repeat(201)).is_err());
        let scope = Scope::key("mail", "k").unwrap().unwrap();
        assert_eq!((scope.name(), scope.limit_key()), ("mail", Some("k")));
        assert_eq!(scope.to_string(), r#"key "k" of task "mail""#);
        assert_eq!(Scope::queue("mail").limit_key(), None);
    }

    #[test]
    fn a_scope_of_its_own_is_read_back() {
        let key = Scope::key("mail", "tenant").unwrap().unwrap();
        for scope in [key, Scope::task("mail"), Scope::queue("mail")] {
            let owned = scope.to_owned_scope();
            let text = serde_json::to_string(&owned).unwrap();
            let read: OwnedScope = serde_json::from_str(&text).unwrap();
            assert_eq!(read.as_scope(), scope);
            assert_eq!(read.to_string(), scope.to_string());
        }
    }
}
