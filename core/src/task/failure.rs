use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What kind of failure ended an attempt or a task; stable names that filters can rely on.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The handler says that trying again may help.
    Transient,
    /// The handler says that trying again can't help; never retried.
    Permanent,
    /// Its cancellation token fired because somebody cancelled the task.
    Cancelled,
    /// Its cancellation token fired because the runtime is stopping.
    Stopped,
    /// It ran longer than its timeout; retried only if its policy says so.
    TimedOut,
    /// The handler panicked.
    Panicked,
    /// An ordinary error of the handler.
    Other,
    /// Its process died again and again while it ran alone.
    Quarantined,
    /// Its stored payload could not be decoded in as many starts as allowed.
    Undecodable,
    /// It could not be started before its deadline.
    Expired,
    /// The handler did its work and returned a value that can't be stored; not retried, because the
    /// work is done.
    UnstorableResult,
    /// Its rate limit refused it: it would have had to wait too long for its slot, or doesn't wait.
    RateLimited,
}

impl FailureKind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Transient,
        Self::Permanent,
        Self::Cancelled,
        Self::Stopped,
        Self::TimedOut,
        Self::Panicked,
        Self::Other,
        Self::Quarantined,
        Self::Undecodable,
        Self::Expired,
        Self::UnstorableResult,
        Self::RateLimited,
    ];

    /// The name under which the kind is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Permanent => "permanent",
            Self::Cancelled => "cancelled",
            Self::Stopped => "stopped",
            Self::TimedOut => "timed_out",
            Self::Panicked => "panicked",
            Self::Other => "other",
            Self::Quarantined => "quarantined",
            Self::Undecodable => "undecodable",
            Self::Expired => "expired",
            Self::UnstorableResult => "unstorable_result",
            Self::RateLimited => "rate_limited",
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for FailureKind {
    type Err = std::convert::Infallible;

    /// Reads a stored kind; one that this version does not know reads as [`FailureKind::Other`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .unwrap_or(Self::Other))
    }
}

/// A failure as it is stored.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Failure {
    /// What kind of failure it was.
    pub kind: FailureKind,
    /// What happened, for a person to read; bounded in length.
    pub text: String,
}

impl Failure {
    /// The longest stored text, in bytes; a longer one is cut with a marker.
    pub const MAX_TEXT: usize = 64 * 1024;

    /// Creates a failure whose text fits the storage: without NUL, bounded in length.
    pub fn new(kind: FailureKind, text: impl Into<String>) -> Self {
        let mut text: String = text.into();
        if text.contains('\0') {
            text = text.replace('\0', "\u{FFFD}");
        }
        if text.len() > Self::MAX_TEXT {
            let kept = text.floor_char_boundary(Self::MAX_TEXT);
            text = format!("{}… ({} more bytes)", &text[..kept], text.len() - kept);
        }
        Self { kind, text }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.kind, self.text)
    }
}

/// Answers a short text that is the same for failures that differ in numbers and ids only.
///
/// Failures are grouped by it: digits are folded and the first line alone counts, so that
/// `user 17 not found` and `user 42 not found` are one group.
pub fn fingerprint(task: &str, failure: &Failure) -> String {
    let mut hash = Fnv::new();
    hash.write(task);
    hash.write(failure.kind.as_str());
    let mut after_digit = false;
    for character in failure.text.lines().next().unwrap_or_default().chars() {
        let folds = character.is_ascii_hexdigit() && (after_digit || character.is_ascii_digit());
        if folds && !after_digit {
            hash.write("#");
        } else if !folds {
            hash.write(character.encode_utf8(&mut [0; 4]));
        }
        after_digit = folds;
    }
    format!("{:016x}", hash.0)
}

/// FNV-1a with 64 bits: the same value on every machine and in every version, which the hashers of
/// the standard library do not promise.
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn write(&mut self, text: &str) {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_back_from_its_stored_name() {
        for kind in FailureKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            let json = format!("{:?}", kind.as_str());
            assert_eq!(serde_json::to_string(&kind).unwrap(), json);
        }
        assert_eq!("of a later version".parse(), Ok(FailureKind::Other));
    }

    #[test]
    fn failures_that_differ_after_digits_only_share_a_fingerprint() {
        let of = |text: &str| fingerprint("mail", &Failure::new(FailureKind::Other, text));
        assert_eq!(of("user 17 not found\nat a"), of("user 42 not found\nat b"));
        assert_ne!(of("user 17 not found"), of("user 17 is blocked"));
    }

    #[test]
    fn a_hostile_text_is_made_storable() {
        let failure = Failure::new(FailureKind::Other, format!("a\0b{}", "é".repeat(70_000)));
        assert!(failure.text.starts_with("a\u{FFFD}b"));
        assert!(failure.text.ends_with("more bytes)"));
        assert!(failure.text.len() < Failure::MAX_TEXT + 40);
    }
}
