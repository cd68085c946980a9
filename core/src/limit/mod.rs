//! How often tasks may start, so that fifteen calls a minute for each tenant are fifteen.
//!
//! A [`RateLimit`] is one of two kinds, and its documentation begins with the difference. The plain
//! kind gives budget back steadily, on top of a burst: fifteen a minute may be 29 in the first minute.
//! The strict kind never lets more than its number start in any period.
//!
//! A limit holds for a [`Scope`]: the tasks of a type that share a key, a whole type, or a whole
//! queue. Each scope has a budget of its own, so one that is short of it delays nobody else. A task
//! may be subject to several; it then starts when all of them let it.
//!
//! No worker waits for budget. A task asks ([`Limiter::acquire`]) and is
//!
//! | answer | the task |
//! |---|---|
//! | [`Granted`](Decision::Granted) | starts |
//! | [`Deferred`](Decision::Deferred) | has a *slot*: it is parked, and asks again then |
//! | [`Refused`](Decision::Refused) | would have to wait too long, or does not wait at all |
//!
//! A slot is a promise that budget is set aside, not a permission: what a task is granted is decided
//! when it comes. If it comes late, because all workers were busy or the process stood still, it
//! keeps its place, and still no more tasks start than the allowance.
//!
//! | module | holds |
//! |---|---|
//! | `policy`, `pace` | what a limit says, and exact arithmetic with it |
//! | `meter`, `reservations`, `bucket` | the budget of one scope |
//! | `table`, `keyed`, `claim` | many of them, and what a task needs of several |
//! | `contract`, `shared` | what any limiter promises, and the one for the threads of a process |

mod bucket;
mod claim;
mod contract;
mod decision;
mod keyed;
mod lane;
mod meter;
mod overview;
mod pace;
mod policy;
mod request;
mod reservations;
mod scope;
mod shared;
mod snapshot;
mod table;

#[cfg(feature = "conformance")]
pub mod conformance;

#[cfg(test)]
mod tests;

pub use contract::{Limiter, LimiterError, Reply};
pub use decision::{Budget, Decision, Deferral, MovedSlot, Refusal, RefusalReason};
pub use keyed::KeyedLimiter;
pub(crate) use lane::lane;
pub use overview::{BucketView, Overview};
pub use policy::{InvalidRateLimit, MAX_LIMIT_SPAN, Overflow, RateLimit};
pub use request::{Demand, InvalidDemand, InvalidRequest, MAX_DEMANDS, Request};
pub use scope::{OwnedScope, Scope, ScopeKind};
pub use shared::SharedLimiter;
pub use snapshot::LimiterSnapshot;
