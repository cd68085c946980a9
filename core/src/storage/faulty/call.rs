use std::fmt;

use crate::storage::{WriteGroup, WriteKind};

/// The methods of a storage.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Method {
    /// [`StorageBackend::open`](crate::storage::StorageBackend::open)
    Open,
    /// [`TaskStorage::apply`](crate::storage::TaskStorage::apply)
    Apply,
    /// [`TaskStorage::task`](crate::storage::TaskStorage::task)
    Task,
    /// [`TaskStorage::attempts`](crate::storage::TaskStorage::attempts)
    Attempts,
    /// [`TaskStorage::audit`](crate::storage::TaskStorage::audit)
    Audit,
    /// [`TaskStorage::runs`](crate::storage::TaskStorage::runs)
    Runs,
    /// [`TaskStorage::owned`](crate::storage::TaskStorage::owned)
    Owned,
    /// [`TaskStorage::retain`](crate::storage::TaskStorage::retain)
    Retain,
    /// [`TaskStorage::preview`](crate::storage::TaskStorage::preview)
    Preview,
    /// Any question to [`TaskStorage::queries`](crate::storage::TaskStorage::queries)
    Query,
    /// [`TaskStorage::close`](crate::storage::TaskStorage::close)
    Close,
}

impl Method {
    /// Every method, in the order of the enum.
    pub const ALL: [Self; 11] = [
        Self::Open,
        Self::Apply,
        Self::Task,
        Self::Attempts,
        Self::Audit,
        Self::Runs,
        Self::Owned,
        Self::Retain,
        Self::Preview,
        Self::Query,
        Self::Close,
    ];

    /// The name of the method.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Apply => "apply",
            Self::Task => "task",
            Self::Attempts => "attempts",
            Self::Audit => "audit",
            Self::Runs => "runs",
            Self::Owned => "owned",
            Self::Retain => "retain",
            Self::Preview => "preview",
            Self::Query => "query",
            Self::Close => "close",
        }
    }

    /// The place of the method in [`ALL`](Self::ALL).
    pub(super) fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Method {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A call that is about to be made.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The method.
    pub method: Method,
    /// Which call of this method it is, from 1, over all sessions.
    pub number: u64,
    /// What [`Method::Apply`] is to apply.
    pub group: Option<&'a WriteGroup>,
}

impl Call<'_> {
    /// Whether it applies a group with a write of that kind.
    pub fn holds(&self, kind: WriteKind) -> bool {
        self.group
            .is_some_and(|group| group.writes.iter().any(|write| write.kind() == kind))
    }
}
