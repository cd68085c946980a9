use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// What the names of evertask's tables begin with.
///
/// It is checked once, when it is made: letters, digits and underscores only, no digit first. Such a
/// name needs no escaping in any database, so it may be put into a statement as it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TablePrefix(String);

/// A table prefix that can't be used.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error(
    "the table prefix {0:?} can't be used: it must have 1 to {max} letters, digits and underscores \
     and not begin with a digit",
    max = TablePrefix::MAX_LENGTH
)]
pub struct InvalidTablePrefix(pub String);

impl TablePrefix {
    /// The longest prefix; the longest table and index names then fit every database.
    pub const MAX_LENGTH: usize = 32;

    /// The table of tasks.
    pub fn tasks(&self) -> String {
        self.named("tasks")
    }

    /// The table of the status audit.
    pub fn status_audit(&self) -> String {
        self.named("status_audit")
    }

    /// The table of attempts.
    pub fn attempts(&self) -> String {
        self.named("attempts")
    }

    /// The table of log lines.
    pub fn logs(&self) -> String {
        self.named("logs")
    }

    /// The table of runs.
    pub fn runs(&self) -> String {
        self.named("runs")
    }

    /// The table of what was decided about queues.
    pub fn queues(&self) -> String {
        self.named("queues")
    }

    /// The table of the changes of queues.
    pub fn queue_audit(&self) -> String {
        self.named("queue_audit")
    }

    /// The table of what is kept of deleted tasks.
    pub fn deletions(&self) -> String {
        self.named("deletions")
    }

    /// The table of processes.
    pub fn processes(&self) -> String {
        self.named("processes")
    }

    /// The table that records the applied migrations.
    pub fn migrations(&self) -> String {
        self.named("migrations")
    }

    pub(crate) fn named(&self, name: &str) -> String {
        format!("{}{name}", self.0)
    }
}

impl Default for TablePrefix {
    fn default() -> Self {
        Self("evertask_".to_owned())
    }
}

impl FromStr for TablePrefix {
    type Err = InvalidTablePrefix;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let starts_well =
            text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        let is_word = text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if starts_well && is_word && text.len() <= Self::MAX_LENGTH {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidTablePrefix(text.to_owned()))
        }
    }
}

impl fmt::Display for TablePrefix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_words_are_prefixes() {
        let longest = "p".repeat(TablePrefix::MAX_LENGTH);
        for good in ["evertask_", "_", "Jobs2", &longest] {
            assert_eq!(
                good.parse::<TablePrefix>().unwrap().tasks(),
                format!("{good}tasks")
            );
        }
        let too_long = format!("{longest}p");
        for bad in [
            "",
            "2jobs",
            "a-b",
            "a\"b",
            "a b",
            "é",
            "sqlite_; DROP",
            &too_long,
        ] {
            assert!(bad.parse::<TablePrefix>().is_err(), "{bad:?}");
        }
    }
}
