use std::time::Duration;

use evertask_core::storage::StorageError;
use evertask_core::storage::query::{RunTimes, StatisticsBucket, StatisticsQuery};
use sea_orm::{ConnectionTrait, FromQueryResult, Statement, Value};

use super::Reads;
use crate::database_error::database_error;

/// One line of the answer.
#[derive(Debug, FromQueryResult)]
struct BucketRow {
    bucket: i64,
    completed: i64,
    failed: i64,
    cancelled: i64,
    stopped: i64,
    ran: Option<i64>,
    p50: Option<i64>,
    p95: Option<i64>,
    p99: Option<i64>,
    longest: Option<i64>,
    waited: Option<i64>,
}

impl Reads {
    pub(super) async fn buckets(
        &self,
        query: &StatisticsQuery,
    ) -> Result<Vec<StatisticsBucket>, StorageError> {
        if query.is_unmatchable() {
            return Ok(Vec::new());
        }
        let failed = |error| database_error("read statistics", error);
        let rows = self
            .readers
            .query_all_raw(self.statement(query))
            .await
            .map_err(failed)?;
        let mut buckets = Vec::with_capacity(rows.len());
        for row in rows {
            let row = BucketRow::from_query_result(&row, "").map_err(failed)?;
            buckets.push(bucket(query, &row));
        }
        Ok(buckets)
    }

    /// Runs are put into buckets, then ranked by their time within their bucket, then summed up.
    ///
    /// Completed and failed runs are measured, the others are ranked apart from them. A percentile by
    /// nearest rank is the smallest time whose rank is at least that share of all: with whole numbers,
    /// so that no database rounds differently. The count needs no order; it is given that of the rank,
    /// so that the runs are sorted once for both.
    fn statement(&self, query: &StatisticsQuery) -> Statement {
        let mut values: Vec<Value> = Vec::new();
        let wording = self.wording;
        let mut bind = |value: Value| {
            values.push(value);
            wording.placeholder(values.len())
        };
        let width = i64::try_from(query.width().as_micros()).unwrap_or(i64::MAX);
        let since = wording.micros_since("run.ended_at", &bind(wording.instant(query.from())));
        let bucket = wording.whole_quotient(&since, &bind(width.into()));
        let from = bind(wording.instant(query.from()));
        let to = bind(wording.instant(query.to()));
        let mut of_tasks = String::new();
        if query.of_queue().is_some() || query.of_task().is_some() {
            let tasks = self.prefix.tasks();
            of_tasks = format!("INNER JOIN {tasks} AS task ON task.id = run.task_id");
        }
        let mut only = String::new();
        for (column, text) in [("queue", query.of_queue()), ("task", query.of_task())] {
            if let Some(text) = text {
                only = format!("{only} AND task.{column} = {}", bind(text.into()));
            }
        }
        let attempts = self.prefix.attempts();
        let count = |outcome| format!("SUM(CASE WHEN outcome = '{outcome}' THEN 1 ELSE 0 END)");
        let of_measured = |value| format!("CASE WHEN is_measured = 1 THEN {value} END");
        let percentile = |percent| {
            let reaches = format!("is_measured = 1 AND place * 100 >= total * {percent}");
            format!("MIN(CASE WHEN {reaches} THEN ran_us END)")
        };
        let columns = [
            (count("succeeded"), "completed"),
            (count("failed"), "failed"),
            (count("cancelled"), "cancelled"),
            (count("stopped"), "stopped"),
            (format!("SUM({})", of_measured("ran_us")), "ran"),
            (percentile(50), "p50"),
            (percentile(95), "p95"),
            (percentile(99), "p99"),
            (format!("MAX({})", of_measured("ran_us")), "longest"),
            (format!("SUM({})", of_measured("waited_us")), "waited"),
        ]
        .map(|(sum, name)| format!("{} AS {name}", wording.number(&sum)))
        .join(", ");
        let sql = format!(
            "SELECT bucket, {columns} FROM ( \
             SELECT bucket, outcome, ran_us, waited_us, is_measured, \
             ROW_NUMBER() OVER (PARTITION BY bucket, is_measured ORDER BY ran_us) AS place, \
             COUNT(*) OVER (PARTITION BY bucket, is_measured ORDER BY ran_us \
             ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS total FROM ( \
             SELECT {bucket} AS bucket, run.outcome, run.ran_us, run.waited_us, \
             CASE WHEN run.outcome IN ('succeeded', 'failed') THEN 1 ELSE 0 END AS is_measured \
             FROM {attempts} AS run {of_tasks} \
             WHERE run.is_counted AND run.ended_at >= {from} AND run.ended_at < {to}{only} \
             ) AS placed ) AS ranked GROUP BY bucket ORDER BY bucket"
        );
        Statement::from_sql_and_values(self.readers.get_database_backend(), sql, values)
    }
}

fn bucket(query: &StatisticsQuery, row: &BucketRow) -> StatisticsBucket {
    let number = u32::try_from(row.bucket).unwrap_or(u32::MAX);
    StatisticsBucket {
        start: query.start_of(number),
        completed: row.completed.unsigned_abs(),
        failed: row.failed.unsigned_abs(),
        cancelled: row.cancelled.unsigned_abs(),
        stopped: row.stopped.unsigned_abs(),
        times: times(row),
    }
}

fn times(row: &BucketRow) -> Option<RunTimes> {
    let measured = row.completed + row.failed;
    let micros = |micros: i64| Duration::from_micros(micros.unsigned_abs());
    Some(RunTimes {
        average: micros(row.ran?.checked_div(measured)?),
        p50: micros(row.p50?),
        p95: micros(row.p95?),
        p99: micros(row.p99?),
        max: micros(row.longest?),
        average_wait: micros(row.waited?.checked_div(measured)?),
    })
}
