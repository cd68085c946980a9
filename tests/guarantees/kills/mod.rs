//! Real processes that are really killed.
//!
//! A test starts the test binary again as a child that runs one *entry test*, on a database in a
//! file. The child reports what happens in it, line by line, into one pipe that all children of the
//! test share; each line is one write, so lines are whole and in the order in which they were
//! written, whichever process wrote them. The test decides from those lines when to kill, and holds
//! them against the rows it reads from the database between a kill and the next start.

mod child;
mod database;
mod hasty;
mod journal;
mod ledger;
mod load;
mod report;
mod runs;
mod scene;
mod steady;

mod chain;
mod once_more;
mod one_process;
mod quarantine;
mod series;
mod soak;
mod two_processes;
