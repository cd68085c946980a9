use std::fmt;

/// Text that is cut while it is written: what does not fit is counted and never held.
///
/// A cut text ends in `…[+n bytes]`, where `n` is what is missing, and is cut between characters. A
/// NUL, which some databases can't store, becomes U+FFFD.
#[derive(Clone, Debug)]
pub struct LogText {
    text: String,
    limit: usize,
    missing: usize,
}

impl LogText {
    /// The most bytes of a message, not counting the note about what is missing.
    pub const MESSAGE: usize = 8 * 1024;

    /// Creates an empty text that holds at most `limit` bytes.
    pub fn with_limit(limit: usize) -> Self {
        Self {
            text: String::new(),
            limit,
            missing: 0,
        }
    }

    /// Cuts a text that is there already.
    pub fn cut(text: &str, limit: usize) -> String {
        let mut cut = Self::with_limit(limit);
        cut.push(text);
        cut.finish()
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.missing == 0
    }

    /// Adds text.
    pub fn push(&mut self, text: &str) {
        let mut parts = text.split('\0');
        self.push_clean(parts.next().unwrap_or_default());
        for part in parts {
            self.push_clean("\u{FFFD}");
            self.push_clean(part);
        }
    }

    /// Ends the text, with the note about what is missing.
    pub fn finish(mut self) -> String {
        if self.missing > 0 {
            let note = format!("…[+{} bytes]", self.missing);
            self.text.push_str(&note);
        }
        self.text
    }

    fn push_clean(&mut self, text: &str) {
        let room = if self.missing > 0 {
            0
        } else {
            self.limit.saturating_sub(self.text.len())
        };
        let fits = text.floor_char_boundary(room);
        self.text.push_str(&text[..fits]);
        self.missing += text.len() - fits;
    }
}

impl fmt::Write for LogText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    #[test]
    fn a_text_that_fits_is_left_as_it_is() {
        for text in ["", "short", "{0:Q} { }} {{", "日本語 🚀", &"x".repeat(10)] {
            assert_eq!(LogText::cut(text, 24), text);
        }
    }

    /// storage edge case 98.
    #[test]
    fn a_long_text_is_cut_and_says_how_much_is_missing() {
        assert_eq!(LogText::cut(&"x".repeat(15), 10), "xxxxxxxxxx…[+5 bytes]");
    }

    #[test]
    fn a_text_is_cut_between_characters_and_nothing_follows_the_cut() {
        let mut text = LogText::with_limit(6);
        for part in ["日", "本", "語", "a"] {
            text.push(part);
        }
        assert_eq!(text.finish(), "日本…[+4 bytes]");
        let mut text = LogText::with_limit(5);
        for part in ["日本", "a"] {
            text.push(part);
        }
        assert_eq!(text.finish(), "日…[+4 bytes]");
    }

    /// storage edge case 99.
    #[test]
    fn a_nul_becomes_the_replacement_character() {
        assert_eq!(
            LogText::cut("\0a\0\0b\0", 99),
            "\u{FFFD}a\u{FFFD}\u{FFFD}b\u{FFFD}"
        );
    }

    #[test]
    fn a_huge_text_is_not_held() {
        let mut text = LogText::with_limit(8);
        for _ in 0..1_000 {
            write!(text, "{:>1000}", "x").unwrap();
        }
        assert!(text.text.capacity() < 1_000);
        assert_eq!(text.finish(), "        …[+999992 bytes]");
    }
}
