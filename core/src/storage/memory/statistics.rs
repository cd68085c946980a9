use std::collections::BTreeMap;
use std::time::Duration;

use super::table::Table;
use crate::storage::query::{RunTimes, StatisticsBucket, StatisticsQuery, nearest_rank};
use crate::task::{AttemptOutcome, AttemptRecord, TaskDefinition};

/// Says how the runs of a span went, by looking at every attempt.
pub(super) fn buckets(table: &Table, query: &StatisticsQuery) -> Vec<StatisticsBucket> {
    if query.is_unmatchable() {
        return Vec::new();
    }
    let mut runs: BTreeMap<u32, Vec<&AttemptRecord>> = BTreeMap::new();
    for row in table.rows() {
        if !is_asked_about(&row.record.definition, query) {
            continue;
        }
        for attempt in row.attempts.iter().filter(|attempt| attempt.is_counted) {
            let ended_at = attempt.ended_at();
            if query.from() <= ended_at && ended_at < query.to() {
                let bucket = query.bucket_of(ended_at);
                runs.entry(bucket).or_default().push(attempt);
            }
        }
    }
    runs.into_iter()
        .map(|(bucket, runs)| sum_up(query, bucket, &runs))
        .collect()
}

fn is_asked_about(definition: &TaskDefinition, query: &StatisticsQuery) -> bool {
    query
        .of_queue()
        .is_none_or(|queue| queue == definition.queue)
        && query.of_task().is_none_or(|task| task == definition.task)
}

fn sum_up(query: &StatisticsQuery, bucket: u32, runs: &[&AttemptRecord]) -> StatisticsBucket {
    let of = |outcome| runs.iter().filter(move |run| run.outcome == outcome);
    let count = |outcome| u64::try_from(of(outcome).count()).unwrap_or(u64::MAX);
    let measured: Vec<_> = of(AttemptOutcome::Succeeded)
        .chain(of(AttemptOutcome::Failed))
        .copied()
        .collect();
    StatisticsBucket {
        start: query.start_of(bucket),
        completed: count(AttemptOutcome::Succeeded),
        failed: count(AttemptOutcome::Failed),
        cancelled: count(AttemptOutcome::Cancelled),
        stopped: count(AttemptOutcome::Stopped),
        times: times(&measured),
    }
}

fn times(runs: &[&AttemptRecord]) -> Option<RunTimes> {
    let mut ran: Vec<_> = runs.iter().map(|run| run.ran).collect();
    ran.sort_unstable();
    let percentile = |percent| ran[nearest_rank(ran.len(), percent)];
    Some(RunTimes {
        max: *ran.last()?,
        average: average(runs, |run| run.ran),
        p50: percentile(50),
        p95: percentile(95),
        p99: percentile(99),
        average_wait: average(runs, |run| run.waited),
    })
}

/// The mean of the spans of some runs, in whole microseconds; there is at least one.
fn average(runs: &[&AttemptRecord], span: impl Fn(&AttemptRecord) -> Duration) -> Duration {
    let total: u128 = runs.iter().map(|run| span(run).as_micros()).sum();
    let count = u128::try_from(runs.len()).unwrap_or(u128::MAX);
    let micros = total.checked_div(count).unwrap_or_default();
    Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}
