//! What is said about a crash, and to whom.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use evertask_core::time::Timestamp;

use super::budget::Verdict;

/// The name of an actor in logs and reports; cloning it is cheap.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActorName(Arc<str>);

/// One caught panic of a guarded actor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrashReport {
    /// The actor that crashed.
    pub actor: ActorName,
    /// Which of the actor's lives ended. The first is 1 and each attempt to restart begins the
    /// next, whether or not it succeeds, so no two reports about one actor have the same.
    pub life: u64,
    /// What the panic said, see [`panic_text`].
    pub panic: String,
    /// What is done about it.
    pub verdict: Verdict,
    /// When the panic was caught.
    pub at: Timestamp,
}

/// Receives every [`CrashReport`] of the actors it was given to, usually to pass it on as a
/// message.
///
/// It is called on the actor's thread and has to return quickly. Should it panic, the report is
/// lost and logged; the restart goes on.
pub type CrashSink = Arc<dyn Fn(CrashReport) + Send + Sync>;

/// Reads what a panic said from its payload.
///
/// `panic!` makes text, and text is all that is read; a payload of any other type yields
/// "non-text panic".
pub fn panic_text(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        return (*text).to_owned();
    }
    payload
        .downcast_ref::<String>()
        .map_or_else(|| "non-text panic".to_owned(), Clone::clone)
}

impl ActorName {
    /// Borrows the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ActorName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl From<String> for ActorName {
    fn from(name: String) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for ActorName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for ActorName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{catch_unwind, panic_any};

    use super::*;

    #[test]
    fn the_text_of_a_panic_is_read_from_either_kind_of_string() {
        let number = 7;
        let literal = catch_unwind(|| panic!("literal")).unwrap_err();
        let formatted = catch_unwind(|| panic!("number {number}")).unwrap_err();
        assert_eq!(panic_text(&*literal), "literal");
        assert_eq!(panic_text(&*formatted), "number 7");
    }

    #[test]
    fn a_panic_without_text_is_named_as_such() {
        let payload = catch_unwind(|| panic_any(7_u8)).unwrap_err();
        assert_eq!(panic_text(&*payload), "non-text panic");
    }
}
