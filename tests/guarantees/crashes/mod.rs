//! Crashes of our own actors, with a thousand dispatches in flight.

mod actors;
mod steps;
mod storm;
