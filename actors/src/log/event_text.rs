//! Making text of what was logged, whatever it is.

use std::any::Any;
use std::error::Error;
use std::fmt::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use evertask_core::log::{LogFields, LogText};
use serde_json::Value;
use tracing::Event;
use tracing::field::{Field, Visit};

use crate::supervision::panic_text;

/// The text of an event.
pub(super) struct EventText {
    pub(super) message: String,
    pub(super) fields: Option<String>,
    /// The target of a record of the crate `log`, whose event has another.
    pub(super) target: Option<String>,
}

/// How records of the crate `log` say where they come from.
const LOG_TARGET: &str = "log.target";
const LOG_FIELDS: &str = "log.";

impl EventText {
    /// Prints an event. The code that prints its values may panic: that becomes part of the message.
    pub(super) fn of(event: &Event<'_>) -> Self {
        let mut visitor = Visitor::new();
        let printed = catch_unwind(AssertUnwindSafe(|| event.record(&mut visitor)));
        if let Err(panic) = printed {
            visitor.message.push(&printing_panicked(&*panic));
        }
        Self {
            message: visitor.message.finish(),
            fields: visitor.fields.finish(),
            target: visitor.target.map(LogText::finish),
        }
    }
}

/// Prints a message; if that panics, it is said in its place.
pub(crate) fn printed(message: impl fmt::Display) -> String {
    let mut text = LogText::with_limit(LogText::MESSAGE);
    let print = AssertUnwindSafe(|| print(&mut text, format_args!("{message}")));
    if let Err(panic) = catch_unwind(print) {
        text.push(&printing_panicked(&*panic));
    }
    text.finish()
}

fn printing_panicked(panic: &(dyn Any + Send)) -> String {
    format!("(printing a value panicked: {})", panic_text(panic))
}

fn print(text: &mut LogText, value: fmt::Arguments<'_>) {
    if text.write_fmt(value).is_err() {
        text.push("(a value can't be printed)");
    }
}

struct Visitor {
    message: LogText,
    fields: LogFields,
    target: Option<LogText>,
}

impl Visitor {
    fn new() -> Self {
        Self {
            message: LogText::with_limit(LogText::MESSAGE),
            fields: LogFields::default(),
            target: None,
        }
    }

    fn text(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        match field.name() {
            "message" => print(&mut self.message, value),
            LOG_TARGET => print(
                self.target.insert(LogText::with_limit(LogText::MESSAGE)),
                value,
            ),
            name if name.starts_with(LOG_FIELDS) => {}
            name => {
                let mut text = LogText::with_limit(LogFields::TEXT);
                print(&mut text, value);
                self.fields.add_text(name, text);
            }
        }
    }

    fn value(&mut self, field: &Field, value: impl Into<Value>) {
        if !field.name().starts_with(LOG_FIELDS) {
            self.fields.add(field.name(), value);
        }
    }
}

impl Visit for Visitor {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, format_args!("{value}"));
    }

    /// An error with everything that caused it, on one line.
    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.text(field, format_args!("{}", Chain(value)));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.value(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.value(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.value(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.value(field, value);
        } else {
            self.text(field, format_args!("{value}"));
        }
    }
}

struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(formatter, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
