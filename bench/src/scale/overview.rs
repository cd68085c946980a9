use std::time::Duration;

use evertask_core::storage::query::StatisticsQuery;
use evertask_core::time::Timestamp;
use tokio::time::Instant;

use super::{Measurement, OVERVIEW, TIMES};
use crate::Failure;
use crate::fill::NOW;

const DAY: Duration = Duration::from_hours(24);

/// Asks what the overview shows: how many tasks there are by queue and status, and how runs went.
pub(super) async fn measure(measurement: &mut Measurement<'_>) -> Result<(), Failure> {
    let now = Timestamp::from_timestamp_micros(NOW).ok_or("the instant is out of range")?;
    let day = StatisticsQuery::new(now - DAY, now, Duration::from_hours(1))?;
    let week = StatisticsQuery::new(now - 7 * DAY, now, DAY)?;
    counts(measurement, "counts of all", None).await?;
    counts(measurement, "counts of a day", Some(now - DAY)).await?;
    statistics(measurement, "statistics of a day by hour", &day).await?;
    statistics(measurement, "statistics of a week by day", &week).await?;
    whole(measurement, &day).await
}

async fn counts(
    measurement: &mut Measurement<'_>,
    what: &str,
    from: Option<Timestamp>,
) -> Result<(), Failure> {
    let mut spans = Vec::with_capacity(TIMES);
    let mut tasks = 0;
    for _ in 0..TIMES {
        let begin = Instant::now();
        let counts = measurement.queries.counts(from).await?;
        spans.push(begin.elapsed());
        tasks = counts.iter().map(|count| count.count).sum::<u64>();
    }
    measurement.keep(what, OVERVIEW, spans);
    measurement.figures.note(format!("{what}: {tasks} tasks"));
    Ok(())
}

async fn statistics(
    measurement: &mut Measurement<'_>,
    what: &str,
    query: &StatisticsQuery,
) -> Result<(), Failure> {
    let mut spans = Vec::with_capacity(TIMES);
    let mut runs = 0;
    for _ in 0..TIMES {
        let begin = Instant::now();
        let buckets = measurement.queries.statistics(query).await?;
        spans.push(begin.elapsed());
        let ended = |bucket: &evertask_core::storage::query::StatisticsBucket| {
            bucket.completed + bucket.failed + bucket.cancelled + bucket.stopped
        };
        runs = buckets.iter().map(ended).sum::<u64>();
    }
    measurement.keep(what, OVERVIEW, spans);
    measurement.figures.note(format!("{what}: {runs} runs"));
    Ok(())
}

/// All of it, one after the other.
async fn whole(
    measurement: &mut Measurement<'_>,
    statistics: &StatisticsQuery,
) -> Result<(), Failure> {
    let mut spans = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let begin = Instant::now();
        measurement.queries.counts(None).await?;
        measurement.queries.statistics(statistics).await?;
        spans.push(begin.elapsed());
    }
    measurement.keep("S24: overview, counts and a day by hour", OVERVIEW, spans);
    Ok(())
}
