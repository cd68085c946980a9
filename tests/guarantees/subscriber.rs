//! What listens to `tracing` in the process of these tests. There can be one only, so they share it.

use std::io;
use std::sync::Once;

use evertask::LogCapture;
use parking_lot::Mutex;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Targets of which everything is captured and printed; of the others, errors.
const LOUD: [&str; 2] = ["guarantees::logs", "noisy"];

/// What is captured and not printed.
pub(crate) const UNPRINTED: &str = "unprinted";

static PRINTED: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static INSTALLED: Once = Once::new();

/// Sets it up, if that is not done yet.
pub(crate) fn install() {
    INSTALLED.call_once(|| {
        let loud = LOUD.map(|target| (target, LevelFilter::TRACE));
        let printed = Targets::new()
            .with_default(LevelFilter::ERROR)
            .with_targets(loud);
        let captured = printed.clone().with_target(UNPRINTED, LevelFilter::TRACE);
        let print = fmt::layer().with_ansi(false).with_writer(|| Print);
        // Nobody else sets one for the whole process.
        tracing_subscriber::registry()
            .with(LogCapture::new().with_filter(captured))
            .with(print.with_filter(printed))
            .init();
    });
}

/// Whether something was printed that contains this.
pub(crate) fn has_printed(text: &str) -> bool {
    let printed = PRINTED.lock();
    let printed = String::from_utf8_lossy(&printed);
    printed.contains(text)
}

struct Print;

impl io::Write for Print {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A test may log megabytes, which nobody looks at.
        if bytes.len() < 4_096 {
            PRINTED.lock().extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
