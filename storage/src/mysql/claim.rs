//! How a claim finds and takes its rows.
//!
//! No query can read the heads of lanes that another part of it finds, so it takes two: one leaps
//! through the index from lane to lane, the next reads the heads of those that matter. The number of
//! lanes is in the text of the second, which is nearly always one of a few.

use std::collections::HashSet;
use std::time::Duration;

use chrono::DateTime;
use evertask_core::rank::{HIGHEST_PRIORITY, LOWEST_PRIORITY, Rank};
use evertask_core::storage::StorageError;
use evertask_core::task::{Generation, Status, TaskId};
use evertask_core::time::Timestamp;
use evertask_entities::{Instant, task};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult, Statement, Value};
use uuid::Uuid;

use super::dialect::MySqlDialect;
use crate::database_error::database_error;
use crate::dialect::{Candidate, Lanes, Left, execute, query_as};
use crate::rows::{Cell, Encoding, Row, json, json_row, saturated};

/// How many lanes one statement reads.
const LANES_AT_ONCE: usize = 16;

/// What one owner has in one queue at one priority, and for which reason it waits.
#[derive(Debug, FromQueryResult)]
struct Lane {
    owner: Option<Uuid>,
    wait_reason: Option<String>,
    queue: String,
    priority: i64,
}

#[derive(FromQueryResult)]
struct Head {
    available_at: Instant,
    priority: i64,
    #[sea_orm(nested)]
    candidate: Candidate,
}

#[derive(FromQueryResult)]
struct LeftOfLane {
    available_at: Instant,
    is_due: i64,
    is_saturated: i64,
}

/// Finds the next rows to claim and locks them.
pub(super) async fn candidates(
    dialect: &MySqlDialect,
    transaction: &DatabaseTransaction,
    lanes: Lanes<'_>,
    limit: i64,
) -> Result<Vec<Candidate>, StorageError> {
    let mut heads: Vec<Head> = Vec::new();
    let saturated = Lists::of(lanes)?;
    for some in relevant(dialect, transaction, lanes)
        .await?
        .chunks(LANES_AT_ONCE)
    {
        let mut values: Vec<Value> = Vec::new();
        for lane in some {
            values.extend(lane.values(lanes.horizon));
            values.extend(saturated.values());
            values.push(limit.into());
        }
        let sql = dialect.statements.heads(some.len(), saturated.is_any());
        heads.extend(read(transaction, "look for tasks to claim", &sql, values).await?);
    }
    heads.sort_by_key(|head| head.rank(lanes.ageing));
    heads.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let candidates = heads.into_iter().map(|head| head.candidate).collect();
    of_nobody_alive(dialect, transaction, candidates).await
}

impl Lane {
    /// Owner, queue, priority, horizon.
    fn values(&self, horizon: Timestamp) -> [Value; 4] {
        [
            self.owner.into(),
            self.queue.as_str().into(),
            self.priority.into(),
            Encoding::MySql.instant(horizon),
        ]
    }
}

/// What a claim passes over, as parameters, if it is picky.
struct Lists(Option<[String; 2]>);

impl Lists {
    fn of(lanes: Lanes<'_>) -> Result<Self, StorageError> {
        if lanes.saturated.is_empty() {
            return Ok(Self(None));
        }
        let (tasks, keys) = saturated(lanes.saturated);
        let encoding = Encoding::MySql;
        let lists = [json_row(&tasks, encoding)?, json(&keys, encoding)?];
        Ok(Self(Some(lists)))
    }

    fn is_any(&self) -> bool {
        self.0.is_some()
    }

    /// The types, then the keys.
    fn values(&self) -> impl Iterator<Item = Value> {
        let lists = self.0.iter().flatten();
        lists.map(|list| list.as_str().into())
    }
}

impl Head {
    fn rank(&self, ageing: Duration) -> Rank {
        let due = DateTime::from_timestamp_micros(self.available_at.0);
        let end = if self.priority < 0 {
            LOWEST_PRIORITY
        } else {
            HIGHEST_PRIORITY
        };
        let priority = i32::try_from(self.priority).unwrap_or(end);
        let id = TaskId(self.candidate.id);
        Rank::new(due.unwrap_or(Timestamp::MAX_UTC), priority, id, ageing)
    }
}

/// Leaves out the rows of owners that have come back to life.
///
/// Asked again now that the rows are locked: an owner that is dead at this moment has to wait for
/// them if it comes back, and then finds them taken.
async fn of_nobody_alive(
    dialect: &MySqlDialect,
    transaction: &DatabaseTransaction,
    candidates: Vec<Candidate>,
) -> Result<Vec<Candidate>, StorageError> {
    let owners: HashSet<_> = candidates.iter().filter_map(|row| row.owner).collect();
    if owners.is_empty() {
        return Ok(candidates);
    }
    let owners: Vec<_> = owners.into_iter().collect();
    let dead = dialect.locks.free(transaction, &owners).await?;
    let is_free = |row: &Candidate| row.owner.is_none_or(|owner| dead.contains(&owner));
    Ok(candidates.into_iter().filter(is_free).collect())
}

/// Gives locked rows to an owner.
pub(super) async fn take(
    dialect: &MySqlDialect,
    transaction: &DatabaseTransaction,
    ids: &[Uuid],
    owner: Uuid,
) -> Result<Vec<task::Model>, StorageError> {
    let statements = &dialect.statements;
    let doing = "claim tasks";
    let values = [dialect.packets.ids(ids)?.into()];
    let mut rows: Vec<task::Model> =
        query_as(transaction, doing, &statements.tasks, values).await?;
    for row in &mut rows {
        give(row, owner);
    }
    let taken: Vec<_> = rows.iter().map(taken).collect();
    let values = [dialect.packets.rows(&taken)?.into(), owner.into()];
    execute(transaction, doing, &statements.take_tasks, values).await?;
    Ok(rows)
}

fn give(row: &mut task::Model, owner: Uuid) {
    let stays_in_progress = row.owner.is_none() && row.status == Status::InProgress.as_str();
    if !stays_in_progress {
        Status::Queued.as_str().clone_into(&mut row.status);
    }
    if row.owner.is_some() && row.on_probation {
        row.interruptions += 1;
    }
    row.on_probation = false;
    row.owner = Some(owner);
    row.generation += Generation::TERM;
}

fn taken(row: &task::Model) -> Row<'_> {
    vec![
        Cell::Id(row.id),
        Cell::Text(row.status.as_str().into()),
        Cell::Number(row.interruptions),
        Cell::Number(row.generation),
    ]
}

/// Looks at what a claim has left.
pub(super) async fn left(
    dialect: &MySqlDialect,
    transaction: &DatabaseTransaction,
    lanes: Lanes<'_>,
    exhausted: bool,
) -> Result<Left, StorageError> {
    let mut left = Left::default();
    // Only then it matters what is due, and to look for it does not take long.
    let saturated = if exhausted {
        Lists::of(lanes)?
    } else {
        Lists(None)
    };
    for some in relevant(dialect, transaction, lanes)
        .await?
        .chunks(LANES_AT_ONCE)
    {
        let mut values: Vec<Value> = Vec::new();
        for lane in some {
            for _ in 0..2 {
                values.extend(lane.values(lanes.horizon));
            }
            values.extend(saturated.values());
            if saturated.is_any() {
                values.extend(lane.values(lanes.horizon));
                values.extend(saturated.values());
            }
        }
        let sql = dialect.statements.left(some.len(), saturated.is_any());
        let doing = "look for the next task that becomes available";
        let found: Vec<LeftOfLane> = read(transaction, doing, &sql, values).await?;
        for lane in found {
            if lane.is_saturated != 0 {
                left.is_saturated = true;
            } else if lane.is_due != 0 {
                left.is_due = true;
            } else if left.next.is_none_or(|next| lane.available_at < next) {
                left.next = Some(lane.available_at);
            }
        }
    }
    Ok(left)
}

/// Finds the lanes of nobody and of the dead in the queues that are claimed from.
async fn relevant(
    dialect: &MySqlDialect,
    transaction: &DatabaseTransaction,
    lanes: Lanes<'_>,
) -> Result<Vec<Lane>, StorageError> {
    let sql = &dialect.statements.lanes;
    let found: Vec<Lane> = query_as(transaction, "look for lanes", sql, []).await?;
    Ok(found
        .into_iter()
        .filter(|lane| lane.wait_reason.is_none() && lanes.queues.includes(&lane.queue))
        .filter(|lane| lane.owner.is_none_or(|owner| lanes.dead.contains(&owner)))
        .collect())
}

/// Runs a statement whose number of parameters is not fixed.
async fn read<T: FromQueryResult>(
    transaction: &DatabaseTransaction,
    doing: &str,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<T>, StorageError> {
    let backend = transaction.get_database_backend();
    let rows = transaction
        .query_all_raw(Statement::from_sql_and_values(backend, sql, values))
        .await
        .map_err(|error| database_error(doing, error))?;
    rows.iter()
        .map(|row| T::from_query_result(row, ""))
        .collect::<Result<_, _>>()
        .map_err(|error| database_error(doing, error))
}
