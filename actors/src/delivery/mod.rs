//! One trip of a task from its queue to its outcome.
//!
//! A [`Delivery`] holds what belongs to the trip: the lease of its row, its entry in the registry,
//! its place in the window. All are guards, so a delivery that ends, on whatever path, gives
//! everything back.

mod arrival;
mod attempt;
mod attempts;
mod follow_ups;
mod held;
mod hooks;
mod outcome;
mod preflight;
mod progress;
mod recall;
mod refused;
mod registry;
mod run;
mod run_deps;
mod solo;
mod throttled;
mod trip;
mod what_follows;

pub(crate) use arrival::Arrival;
pub(crate) use follow_ups::{Follows, Shelf};
pub(crate) use held::{Held, Throttled};
pub(crate) use registry::{
    CancelUnderWay, Cancellation, ClaimUnderWay, DeliveryRegistry, Registration,
};
pub(crate) use run::run;
pub(crate) use run_deps::{RunDeps, StopSignals};
pub(crate) use solo::{SoloGate, SoloTurn};
pub(crate) use trip::{Budget, Delivery};
