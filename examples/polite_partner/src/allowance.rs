//! Whether arrivals keep to a limit.

use std::time::Duration;

/// The burst that a limit must have had to allow these arrivals, which are in their order, if each may
/// be off by `jitter`.
///
/// In any span `w`, both ends included, a limit allows its burst and one start for each whole refill
/// that fits into `w`.
pub(crate) fn burst_of(arrivals: &[Duration], refill: Duration, jitter: Duration) -> u32 {
    let mut burst = 0;
    for (first, begin) in arrivals.iter().enumerate() {
        for (last, end) in arrivals.iter().enumerate().skip(first) {
            let span = end.saturating_sub(*begin) + jitter;
            let refilled = span.as_nanos() / refill.as_nanos();
            let count = u128::try_from(last - first + 1).unwrap_or(u128::MAX);
            let over = count.saturating_sub(refilled);
            burst = burst.max(u32::try_from(over).unwrap_or(u32::MAX));
        }
    }
    burst
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFILL: Duration = Duration::from_secs(1);
    const JITTER: Duration = Duration::from_millis(50);

    fn burst(arrivals: &[u64]) -> u32 {
        let arrivals: Vec<_> = arrivals
            .iter()
            .copied()
            .map(Duration::from_millis)
            .collect();
        burst_of(&arrivals, REFILL, JITTER)
    }

    #[test]
    fn calls_a_refill_apart_have_no_burst() {
        assert_eq!(burst(&[]), 0);
        assert_eq!(burst(&[0, 1_000, 2_000]), 1);
        assert_eq!(burst(&[0, 960, 1_910]), 2, "the jitter does not add up");
    }

    #[test]
    fn what_comes_at_once_is_a_burst_wherever_it_comes() {
        assert_eq!(burst(&[0, 10, 20, 30, 1_000, 2_000]), 4);
        assert_eq!(burst(&[0, 1_000, 2_000, 2_010, 2_020]), 3);
        assert_eq!(burst(&[0, 900, 1_800, 2_700, 3_600]), 2);
    }
}
