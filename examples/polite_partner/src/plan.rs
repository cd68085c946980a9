//! What is offered, and what is allowed.

use std::time::Duration;

use evertask::RateLimit;

/// How many tenants there are.
pub(crate) const TENANTS: u64 = 50;

/// How often the calls of a tenant may start.
pub(crate) const LIMIT: RateLimit = RateLimit::per_minute(60).burst(BURST);

/// How many of them at once after a rest: as much as comes back while the partner stalls.
pub(crate) const BURST: u32 = 4;

/// How long one call's budget takes to come back.
pub(crate) const REFILL: Duration = Duration::from_secs(1);

/// How often each tenant asks for a call: five times as often as its limit allows.
pub(crate) const OFFERED_EVERY: Duration = Duration::from_millis(200);

/// By how much the way of a call from its start to the partner may differ from that of another one.
pub(crate) const JITTER: Duration = Duration::from_millis(50);
