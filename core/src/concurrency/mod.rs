//! How many tasks of one type, and of one key of a type, run at once in a process.
//!
//! A delivery takes its *turn* before it gets a place in the window and keeps it to its end. So
//! whatever waits in a window can start as soon as a slot is free, and what has no turn is a stored
//! row that is in nobody's way. A claim is told how many turns are left ([`ClaimQuota`]) and passes over
//! rows that would get none. Where such rows may be stored, a live dispatch doesn't overtake them, and
//! a turn that is given back has the queue claim again ([`Turns`]).

mod limit;
mod quota;
mod turns;

pub use limit::{RunningLimit, Saturated};
pub use quota::{ClaimQuota, QuotaKeys};
pub use turns::{Claiming, Turns};
