use serde_json::{Map, Value};

use super::text::LogText;

/// The fields of a line: a JSON object of bounded size.
///
/// A text that is too long is cut; fields for which no room is left are counted under the name `…`.
#[derive(Clone, Debug, Default)]
pub struct LogFields {
    fields: Map<String, Value>,
    size: usize,
    left_out: usize,
}

impl LogFields {
    /// The most bytes of the JSON text, not counting the note about fields that were left out.
    pub const LIMIT: usize = 8 * 1024;

    /// The largest piece of a text, in bytes, that is tried when the whole does not fit, because
    /// the JSON of a hostile text is up to six times as long.
    const PIECE: usize = Self::LIMIT / 8;

    /// The longest text that a field can hold: what is written of a value can be cut to this before
    /// it is added.
    pub const TEXT: usize = Self::LIMIT - 64;

    /// Adds a number, a flag or another value of a few bytes.
    pub fn add(&mut self, name: &str, value: impl Into<Value>) {
        self.insert(name, value.into());
    }

    /// Adds a text.
    pub fn add_text(&mut self, name: &str, text: LogText) {
        let text = text.finish();
        if self.fits(name, &Value::from(text.as_str())) {
            self.insert(name, text.into());
        } else {
            let room = Self::LIMIT.saturating_sub(self.size + name.len());
            let piece = LogText::cut(&text, Self::PIECE.min(room / 8));
            self.insert(name, piece.into());
        }
    }

    /// The JSON text; `None` if there are no fields.
    pub fn finish(mut self) -> Option<String> {
        if self.left_out > 0 {
            let note = format!("+{} fields", self.left_out);
            self.fields.insert("…".to_owned(), note.into());
        }
        (!self.fields.is_empty()).then(|| Value::Object(self.fields).to_string())
    }

    fn insert(&mut self, name: &str, value: Value) {
        if self.fits(name, &value) {
            self.size += size(name, &value);
            self.fields.insert(name.replace('\0', "\u{FFFD}"), value);
        } else {
            self.left_out += 1;
        }
    }

    fn fits(&self, name: &str, value: &Value) -> bool {
        self.size + size(name, value) <= Self::LIMIT
    }
}

/// How many bytes of JSON a field takes, with its colon and comma.
fn size(name: &str, value: &Value) -> usize {
    Value::from(name).to_string().len() + value.to_string().len() + 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> LogText {
        let mut written = LogText::with_limit(LogFields::TEXT);
        written.push(text);
        written
    }

    fn parsed(fields: LogFields) -> Value {
        let json = fields.finish().unwrap();
        assert!(json.len() <= LogFields::LIMIT + 32, "{}", json.len());
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn fields_are_a_json_object() {
        let mut fields = LogFields::default();
        fields.add("count", 3);
        fields.add("ok", true);
        fields.add_text("who", text("\"Ada\" {0}\n"));
        let expected = serde_json::json!({"count": 3, "ok": true, "who": "\"Ada\" {0}\n"});
        assert_eq!(parsed(fields), expected);
        assert_eq!(LogFields::default().finish(), None);
    }

    #[test]
    fn long_and_hostile_fields_stay_valid_json_of_bounded_size() {
        for hostile in ["x", "\u{1}", "\"", "日", "\0"] {
            let mut fields = LogFields::default();
            for number in 0..100 {
                fields.add_text(&format!("f{number}"), text(&hostile.repeat(100_000)));
            }
            let parsed = parsed(fields);
            let first = parsed["f0"].as_str().unwrap();
            assert!(first.ends_with(" bytes]"), "{first}");
            assert!(parsed["…"].as_str().unwrap().ends_with(" fields"));
        }
    }

    #[test]
    fn one_field_may_have_nearly_all_the_room() {
        let mut fields = LogFields::default();
        fields.add_text("only", text(&"x".repeat(8_000)));
        assert_eq!(parsed(fields)["only"].as_str().unwrap().len(), 8_000);
    }
}
