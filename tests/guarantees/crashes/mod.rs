//! Crashes of our own actors, with a thousand dispatches in flight.

mod actors;
mod budget;
mod outcomes;
mod steps;
mod storm;
