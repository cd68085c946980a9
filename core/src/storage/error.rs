use std::error::Error;
use std::fmt;

/// What the caller of a storage can do about an error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum StorageErrorKind {
    /// The database can't be used right now (unreachable, busy, full, read-only); nothing was
    /// stored, and the same call may succeed later.
    Transient,
    /// The write itself is the problem; nothing was stored, and it would fail again.
    Rejected,
    /// The commit's answer was lost: everything or nothing was stored. The caller must repeat the
    /// very same group before any other; the storage then finds out.
    OutcomeUnknown,
    /// The database is not one this version can use: bad address, missing or newer schema.
    Unusable,
}

/// A call to a storage that failed.
#[derive(Debug)]
pub struct StorageError {
    kind: StorageErrorKind,
    doing: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl StorageError {
    /// Creates an error from what was being done, lower case and without a full stop.
    pub fn new(kind: StorageErrorKind, doing: impl Into<String>) -> Self {
        Self {
            kind,
            doing: doing.into(),
            source: None,
        }
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> StorageErrorKind {
        self.kind
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.doing)?;
        match &self.source {
            Some(source) => write!(formatter, ": {source}"),
            None => Ok(()),
        }
    }
}

impl Error for StorageError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
