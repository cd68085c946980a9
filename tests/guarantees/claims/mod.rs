//! Who runs first in a queue, and what never waits for whom.

mod line;
mod priorities;
