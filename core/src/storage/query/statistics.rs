use std::time::Duration;

use super::InvalidQuery;
use crate::time::Timestamp;

/// Asks how runs went over a span of time, bucket by bucket.
///
/// What is counted are **runs** and not rows: a task that runs once is one run, a series is one for
/// every occurrence it ran. A run is counted in the bucket in which it ended, and once, however many
/// attempts it took. Read are the attempts that [count](crate::task::AttemptRecord::is_counted); a
/// task whose audit level keeps no successes is left out altogether, because its failures alone
/// would tell a lie.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StatisticsQuery {
    from: Timestamp,
    to: Timestamp,
    width: Duration,
    queue: Option<String>,
    task: Option<String>,
}

impl StatisticsQuery {
    /// The most buckets an answer has.
    pub const MAX_BUCKETS: u32 = 2_000;

    /// Asks about the runs that ended at `from` or later and before `to`.
    ///
    /// The first bucket begins at `from`; the last one is cut short at `to`. For totals, ask for one
    /// bucket: percentiles of buckets can't be put together.
    ///
    /// # Errors
    ///
    /// An empty span, a width of less than a microsecond and more than
    /// [`MAX_BUCKETS`](Self::MAX_BUCKETS) are refused.
    pub fn new(from: Timestamp, to: Timestamp, width: Duration) -> Result<Self, InvalidQuery> {
        let span = (to - from).to_std().unwrap_or_default();
        if span.is_zero() {
            return Err(InvalidQuery::EmptySpan { from, to });
        }
        let whole_micros = width.min(span).as_micros();
        let most = u128::from(Self::MAX_BUCKETS);
        if whole_micros == 0 || span.as_micros().div_ceil(whole_micros) > most {
            return Err(InvalidQuery::TooManyBuckets { width });
        }
        Ok(Self {
            from,
            to,
            width: Duration::from_micros(u64::try_from(whole_micros).unwrap_or(u64::MAX)),
            queue: None,
            task: None,
        })
    }

    /// Asks about the runs of one queue only.
    #[must_use]
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.queue = Some(queue.into());
        self
    }

    /// Asks about the runs of one task type only, by its exact name.
    #[must_use]
    pub fn task(mut self, task: impl Into<String>) -> Self {
        self.task = Some(task.into());
        self
    }

    /// Where the first bucket begins.
    pub fn from(&self) -> Timestamp {
        self.from
    }

    /// Where the last bucket ends.
    pub fn to(&self) -> Timestamp {
        self.to
    }

    /// How wide a bucket is.
    pub fn width(&self) -> Duration {
        self.width
    }

    /// The queue asked about.
    pub fn of_queue(&self) -> Option<&str> {
        self.queue.as_deref()
    }

    /// The task type asked about.
    pub fn of_task(&self) -> Option<&str> {
        self.task.as_deref()
    }

    /// Whether it asks for text with a NUL: nothing is found then.
    pub fn is_unmatchable(&self) -> bool {
        let mut texts = [&self.queue, &self.task].into_iter().flatten();
        texts.any(|text| text.contains('\0'))
    }

    /// The number of the bucket in which an instant of the span lies.
    pub fn bucket_of(&self, at: Timestamp) -> u32 {
        let since = (at - self.from).to_std().unwrap_or_default();
        let bucket = since.as_micros() / self.width.as_micros().max(1);
        u32::try_from(bucket).unwrap_or(u32::MAX)
    }

    /// Where a bucket begins.
    pub fn start_of(&self, bucket: u32) -> Timestamp {
        self.from + self.width.saturating_mul(bucket)
    }
}

/// How the runs that ended in one bucket went. A bucket in which none ended is left out: no data is
/// not the same as nothing done.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StatisticsBucket {
    /// Where the bucket begins.
    pub start: Timestamp,
    /// Runs that succeeded.
    pub completed: u64,
    /// Runs that failed, with all their attempts.
    pub failed: u64,
    /// Runs that ended because somebody cancelled them. A task that was cancelled before it ran is
    /// none.
    pub cancelled: u64,
    /// Runs that a shutdown interrupted.
    pub stopped: u64,
    /// How long the completed and failed ones took; `None` if there were none.
    pub times: Option<RunTimes>,
}

/// How long runs took: the attempts that ended them, without those that were retried. Runs that were
/// interrupted are left out, for they would have taken longer.
///
/// Percentiles are by nearest rank, so each is the time of a run there was.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RunTimes {
    /// The mean, cut to whole microseconds.
    pub average: Duration,
    /// Half of them took at most as long.
    pub p50: Duration,
    /// 95 % of them took at most as long.
    pub p95: Duration,
    /// 99 % of them took at most as long.
    pub p99: Duration,
    /// The longest.
    pub max: Duration,
    /// How long they had been due when they began, on average, cut to whole microseconds.
    pub average_wait: Duration,
}

impl StatisticsBucket {
    /// The share of completed runs among those that completed or failed, from 0 to 1; `None` if there
    /// were none.
    pub fn success_rate(&self) -> Option<f64> {
        let finished = self.completed + self.failed;
        #[expect(
            clippy::cast_precision_loss,
            reason = "more runs than a float counts exactly would take centuries"
        )]
        let share = || self.completed as f64 / finished as f64;
        (finished > 0).then(share)
    }
}

/// Answers the place, from 0, of a percentile among `count` sorted values: the smallest of them that
/// at least `percent` of 100 do not exceed.
pub fn nearest_rank(count: usize, percent: usize) -> usize {
    (count * percent).div_ceil(100).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_span_must_not_be_empty() {
        let (early, late) = (at("2026-11-21T00:00:00Z"), at("2026-11-22T00:00:00Z"));
        for (from, to) in [(early, early), (late, early)] {
            let refused = StatisticsQuery::new(from, to, Duration::from_hours(1));
            assert_eq!(refused, Err(InvalidQuery::EmptySpan { from, to }));
        }
    }

    #[test]
    fn an_answer_has_a_bounded_number_of_buckets() {
        let from = at("2026-11-21T00:00:00Z");
        let to = from + Duration::from_secs(2_000);
        let of_width = |width| StatisticsQuery::new(from, to, width);
        assert!(of_width(Duration::from_secs(1)).is_ok());
        assert!(of_width(Duration::MAX).is_ok());
        for width in [Duration::ZERO, Duration::from_micros(999_999)] {
            assert_eq!(of_width(width), Err(InvalidQuery::TooManyBuckets { width }));
        }
    }

    #[test]
    fn a_percentile_is_the_value_of_the_nearest_rank() {
        let places = |count| [50, 95, 99, 100].map(|percent| nearest_rank(count, percent));
        assert_eq!(places(1), [0, 0, 0, 0]);
        assert_eq!(places(10), [4, 9, 9, 9]);
        assert_eq!(places(20), [9, 18, 19, 19]);
        assert_eq!(places(200), [99, 189, 197, 199]);
    }

    /// Storage edge case 123: an empty bucket is a gap.
    #[test]
    fn without_a_finished_run_there_is_no_success_rate() {
        let mut bucket = StatisticsBucket {
            start: at("2026-11-21T00:00:00Z"),
            completed: 0,
            failed: 0,
            cancelled: 3,
            stopped: 2,
            times: None,
        };
        assert_eq!(bucket.success_rate(), None);
        bucket.completed = 8;
        bucket.failed = 2;
        assert_eq!(bucket.success_rate(), Some(0.8));
    }
}
