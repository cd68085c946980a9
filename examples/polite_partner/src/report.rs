//! What the partner has seen.

use std::time::Duration;

use crate::allowance::burst_of;
use crate::plan::{BURST, JITTER, LIMIT, OFFERED_EVERY, REFILL};

/// Which part of its budget each tenant has to get, in percent.
const ENOUGH: f64 = 90.0;

/// Prints what each tenant was allowed and what it got, and answers whether no limit was broken and
/// everybody got enough. `measured` is how long the arrivals were noted.
#[expect(clippy::print_stdout, reason = "that is what the program is for")]
pub(crate) fn report(arrivals: &[Vec<Duration>], measured: Duration) -> bool {
    let first = arrivals.iter().flatten().min().copied().unwrap_or_default();
    let time = measured.saturating_sub(first).as_secs_f64();
    let allowed = LIMIT.permits();
    println!(
        "\ntenant  limit/min  offered/min  calls  rate/min  of budget  longest burst (at most {BURST})"
    );
    let (mut broken, mut short) = (0, 0);
    for (tenant, arrivals) in arrivals.iter().enumerate() {
        let calls = arrivals.iter().filter(|at| **at <= measured).count();
        let calls = u32::try_from(calls).map_or(f64::INFINITY, f64::from);
        let of_budget = 100.0 * calls * REFILL.as_secs_f64() / time;
        let burst = burst_of(arrivals, REFILL, JITTER);
        let is_broken = burst > BURST;
        let is_short = of_budget < ENOUGH;
        broken += u32::from(is_broken);
        short += u32::from(is_short);
        println!(
            "{tenant:>6}  {allowed:>9}  {:>11.0}  {calls:>5}  {:>8.1}  {of_budget:>7.1} %  {burst:>5}{}",
            60.0 / OFFERED_EVERY.as_secs_f64(),
            60.0 * calls / time,
            match (is_broken, is_short) {
                (true, _) => "  BROKEN",
                (false, true) => "  SHORT",
                (false, false) => "",
            }
        );
    }
    println!(
        "\n{} calls in {time:.1} s; {broken} limits broken (arrivals may be off by {JITTER:?}), {short} \
         tenants with less than {ENOUGH} % of their budget",
        arrivals.iter().map(Vec::len).sum::<usize>(),
    );
    broken == 0 && short == 0 && !arrivals.is_empty()
}
