use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// How far a running task says it has come.
///
/// The share is kept in hundredths of a percent, so that what is read back equals what was stored on
/// every database.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Progress {
    /// The share that is done, in hundredths of a percent; at most [`WHOLE`](Self::WHOLE).
    pub share: u32,
    /// What it is doing, for a person to read; bounded in length.
    pub text: String,
    /// When it said so.
    pub at: Timestamp,
}

impl Progress {
    /// The share of a task that has done everything.
    pub const WHOLE: u32 = 10_000;

    /// The longest stored text, in bytes; a longer one is cut.
    pub const MAX_TEXT: usize = 1_024;

    /// Creates a progress that fits the storage.
    ///
    /// A fraction below 0, or one that is no number, counts as nothing done; one above 1 as all of
    /// it.
    pub fn new(fraction: f64, text: impl Into<String>, at: Timestamp) -> Self {
        let mut text: String = text.into();
        if text.contains('\0') {
            text = text.replace('\0', "\u{FFFD}");
        }
        if text.len() > Self::MAX_TEXT {
            let kept = text.floor_char_boundary(Self::MAX_TEXT - '…'.len_utf8());
            text.truncate(kept);
            text.push('…');
        }
        Self {
            share: share(fraction),
            text,
            at,
        }
    }

    /// The share that is done, between 0 and 1.
    pub fn fraction(&self) -> f64 {
        f64::from(self.share) / f64::from(Self::WHOLE)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number is between 0 and `WHOLE`; one that is none becomes 0"
)]
fn share(fraction: f64) -> u32 {
    (fraction.clamp(0.0, 1.0) * f64::from(Progress::WHOLE)).round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share_of(fraction: f64) -> u32 {
        Progress::new(fraction, "", Timestamp::UNIX_EPOCH).share
    }

    #[test]
    fn a_share_is_rounded_and_never_out_of_range() {
        let shares = [0.0, 0.25, 0.33333, 1.0].map(share_of);
        assert_eq!(shares, [0, 2_500, 3_333, 10_000]);
        let strange = [-1.0, 1.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(share_of);
        assert_eq!(strange, [0, 10_000, 0, 10_000, 0]);
    }

    #[test]
    fn a_hostile_text_is_made_storable() {
        let text = format!("a\0b{}", "é".repeat(2_000));
        let progress = Progress::new(0.5, text, Timestamp::UNIX_EPOCH);
        assert!(progress.text.starts_with("a\u{FFFD}bé"));
        assert!(progress.text.ends_with("é…"));
        assert!(progress.text.len() <= Progress::MAX_TEXT);
    }
}
