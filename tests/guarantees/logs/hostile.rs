//! Lines that would break a careless log neither break a task nor each other.

use std::fmt;

use evertask::{LogLevel, LogOptions, Status};

use super::speaker::Speaker;
use crate::ground::Ground;
use crate::subscriber::UNPRINTED;

on_every_ground! {
    hostile_lines_are_kept_readable_and_fail_nothing,
    a_long_line_is_cut_and_the_others_survive,
    a_nul_is_kept_readable,
    a_value_that_panics_when_printed_fails_nothing,
}

/// Storage scenario S17. Text is UTF-8 in Rust, so what is invalid comes as bytes or replaced.
async fn hostile_lines_are_kept_readable_and_fail_nothing(ground: Ground) {
    let speaker = Speaker::saying(|context| {
        let megabyte = "x".repeat(1024 * 1024);
        tracing::info!("{megabyte}");
        tracing::info!(text = megabyte, "in a field");
        tracing::info!("a NUL: {}", '\0');
        let invalid: &[u8] = &[0xED, 0xA0, 0x80, 0xFF];
        tracing::info!(?invalid, "{}", String::from_utf8_lossy(invalid));
        tracing::info!("{}", "{0:Q}");
        tracing::info!("{}", "{");
        std::thread::scope(|scope| {
            for number in 0..100 {
                let span = context.span();
                scope.spawn(move || span.in_scope(|| tracing::info!("parallel {number}")));
            }
        });
    });
    let kept = speaker.runs(&ground, LogOptions::new()).await;
    assert_eq!(kept.view.record.state.status, Status::Completed);
    assert_eq!(kept.lines.len(), 106);
    let messages = kept.messages();
    let cut = format!("{}…[+1040384 bytes]", "x".repeat(8 * 1024));
    assert_eq!(messages[0], cut);
    let fields = kept.lines[1].fields.as_deref().unwrap();
    let fields: serde_json::Value = serde_json::from_str(fields).unwrap();
    assert!(fields["text"].as_str().unwrap().ends_with(" bytes]"));
    assert!(kept.lines[1].fields.as_ref().unwrap().len() < 9 * 1024);
    assert_eq!(messages[2], "a NUL: \u{FFFD}");
    assert_eq!(messages[3], "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}");
    assert_eq!(messages[4..6], ["{0:Q}", "{"]);
    assert!(
        messages[6..]
            .iter()
            .all(|message| message.starts_with("parallel "))
    );
}

/// Storage edge case 98.
async fn a_long_line_is_cut_and_the_others_survive(ground: Ground) {
    let speaker = Speaker::saying(|_| {
        tracing::info!("before");
        tracing::info!("{}", "é".repeat(10_000));
        tracing::info!("after");
    });
    let kept = speaker.runs(&ground, LogOptions::new()).await;
    let cut = format!("{}…[+11808 bytes]", "é".repeat(4_096));
    assert_eq!(kept.messages(), ["before", &cut, "after"]);
}

/// Storage edge case 99.
async fn a_nul_is_kept_readable(ground: Ground) {
    let speaker = Speaker::saying(|context| {
        tracing::info!(field = "\0", "\0a\0");
        context.log(LogLevel::Info, "\0");
    });
    let kept = speaker.runs(&ground, LogOptions::new()).await;
    assert_eq!(kept.messages(), ["\u{FFFD}a\u{FFFD}", "\u{FFFD}"]);
    let fields = kept.lines[0].fields.as_deref();
    assert_eq!(fields, Some("{\"field\":\"\u{FFFD}\"}"));
}

/// Panics when it is printed.
struct Bomb;

impl fmt::Display for Bomb {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("no text for you")
    }
}

/// Fails to be printed.
struct Dud;

impl fmt::Display for Dud {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Err(fmt::Error)
    }
}

/// Storage edge case 89: what can go wrong with a template elsewhere goes wrong here in the code that
/// prints a value.
async fn a_value_that_panics_when_printed_fails_nothing(ground: Ground) {
    let speaker = Speaker::saying(|context| {
        context.log(LogLevel::Info, Bomb);
        context.log(LogLevel::Info, format_args!("so far {Dud}"));
        // Whoever prints it would panic, and with it the handler.
        tracing::info!(target: UNPRINTED, field = %Bomb, "in {}", Bomb);
        tracing::info!("after");
    });
    let kept = speaker.runs(&ground, LogOptions::new()).await;
    assert_eq!(kept.view.record.state.status, Status::Completed);
    let expected = [
        "(printing a value panicked: no text for you)",
        "so far (a value can't be printed)",
        "in (printing a value panicked: no text for you)",
        "after",
    ];
    assert_eq!(kept.messages(), expected);
}
