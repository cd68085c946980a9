//! Time as a dependency.
//!
//! Nothing in evertask asks the operating system what time it is, and nothing sleeps on its own:
//! both go through a [`Clock`]. Production uses [`SystemClock`]; a test uses [`ManualClock`], whose
//! time moves only when the test says so, on all threads and runtimes at once (the pause of
//! tokio's own clock holds for one single-threaded runtime only).

mod clock;
mod far_watch;
mod manual;
mod near_watch;
mod system;

pub use clock::{Clock, LATEST, Sleep, Timestamp, later, to_micros};
pub use manual::ManualClock;
pub use system::SystemClock;
