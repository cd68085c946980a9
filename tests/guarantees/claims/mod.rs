//! Who runs first in a queue, and what never waits for whom.

mod errands;
mod limits;
mod line;
mod priorities;
