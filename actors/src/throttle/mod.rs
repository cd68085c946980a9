//! Rate limits, between the pools and the limiter.
//!
//! A pool asks when a delivery is next and a slot is free. Without budget the delivery is parked by the
//! scheduler until its slot: it holds no worker, no place in the window and no turn, and nothing is
//! written. Then it comes back and asks again, which redeems its slot.
//!
//! | module | holds |
//! |---|---|
//! | `rates`, `subject` | which limits hold for a task, and what it needs |
//! | `ask`, `booking` | the question, and a slot that is given up unless it is redeemed |
//! | `lot` | how many tasks may be parked, and until when each is |
//! | `short`, `stored` | what is short of budget, so that claims pass it over, and what of it is stored |
//! | `state` | what was spent, kept over a restart |
//! | `notices` | events, counted together |
//! | `warnings` | what may not be meant, said once |
//! | `handle` | what an application can ask and change |

mod ask;
mod booking;
mod handle;
mod limits;
mod lot;
mod notices;
mod rates;
mod short;
mod state;
mod stored;
mod subject;
mod warnings;

pub(crate) use ask::{Asked, Verdict};
pub(crate) use booking::Booking;
pub use handle::{LimitError, Limits, LimitsOverview};
pub(crate) use limits::{RateLimitDeps, RateLimits};
pub(crate) use lot::LotPlace;
pub(crate) use notices::Notices;
pub(crate) use rates::{KeyRate, Rates, TypeRates};
pub(crate) use short::RoomOfScope;
pub(crate) use state::StateFile;
pub(crate) use stored::AwaitsBudget;
pub(crate) use subject::{Counted, Subject};
