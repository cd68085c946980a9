//! How a claim finds and takes its rows.
//!
//! No query can read the heads of lanes that another part of it finds, so it takes two: one leaps
//! through the index from lane to lane, the next reads the heads of those that matter. The number of
//! lanes is in the text of the second, which is nearly always one of a few.
//!
//! There are few lanes, unless tasks have limit keys: then there is one for each of them. The first query
//! also tells when the first row of a lane is due, and lanes are read in that order until those behind
//! can't have anything that comes before what was found.

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

/// What one owner has in one queue at one priority under one limit key, and for which reason it waits.
#[derive(Debug, FromQueryResult)]
#[expect(
    clippy::struct_field_names,
    reason = "a field has the name of its column"
)]
struct Lane {
    owner: Option<Uuid>,
    wait_reason: Option<String>,
    queue: String,
    priority: i64,
    limit_lane: Option<String>,
    /// No row that is looked for becomes available earlier.
    first: Instant,
}

#[derive(FromQueryResult)]
struct Head {
    available_at: Instant,
    priority: i64,
    #[sea_orm(nested)]
    candidate: Candidate,
}

#[derive(FromQueryResult)]
struct Next {
    available_at: Instant,
}

#[derive(FromQueryResult)]
struct DueLane {
    /// Which of the lanes it is.
    place: i64,
    is_saturated: i64,
}

/// Finds the next rows to claim and locks them.
pub(super) async fn candidates(
    dialect: &MySqlDialect,
    transaction: &DatabaseTransaction,
    lanes: Lanes<'_>,
    limit: i64,
) -> Result<Vec<Candidate>, StorageError> {
    let statements = &dialect.statements;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let saturated = Lists::of(lanes)?;
    let mut due = relevant(transaction, &statements.lanes_due, lanes).await?;
    due.retain(|lane| !lane.is_throttled(lanes));
    due.sort_by_cached_key(|lane| lane.rank(lanes.ageing));
    let mut heads: Vec<Head> = Vec::new();
    for some in due.chunks(LANES_AT_ONCE) {
        let is_behind = |lane: &Lane| {
            let last = most.checked_sub(1).and_then(|last| heads.get(last));
            last.is_some_and(|last| last.rank(lanes.ageing) < lane.rank(lanes.ageing))
        };
        if some.first().is_some_and(is_behind) {
            break;
        }
        let mut values: Vec<Value> = Vec::new();
        for lane in some {
            values.extend(lane.values(lanes.horizon));
            values.extend(saturated.values());
            values.push(limit.into());
        }
        let sql = statements.heads(some.len(), saturated.is_any());
        heads.extend(read::<Head>(transaction, "look for tasks to claim", &sql, values).await?);
        heads.sort_by_cached_key(|head| head.rank(lanes.ageing));
        heads.truncate(most);
    }
    let candidates = heads.into_iter().map(|head| head.candidate).collect();
    of_nobody_alive(dialect, transaction, candidates).await
}

impl Lane {
    /// Owner, queue, priority, limit lane, horizon.
    fn values(&self, horizon: Timestamp) -> [Value; 5] {
        [
            self.owner.into(),
            self.queue.as_str().into(),
            self.priority.into(),
            self.limit_lane.clone().into(),
            Encoding::MySql.instant(horizon),
        ]
    }

    fn is_throttled(&self, lanes: Lanes<'_>) -> bool {
        let saturated = &lanes.saturated.lanes;
        let limit_lane = self.limit_lane.as_ref();
        limit_lane.is_some_and(|lane| saturated.binary_search(lane).is_ok())
    }

    /// That of no row of it is lower.
    fn rank(&self, ageing: Duration) -> Rank {
        rank(self.first, self.priority, Uuid::nil(), ageing)
    }
}

/// What a claim passes over, as parameters, if it is picky.
struct Lists(Option<[String; 2]>);

impl Lists {
    fn of(lanes: Lanes<'_>) -> Result<Self, StorageError> {
        if lanes.saturated.is_of_lanes_only() {
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
        rank(self.available_at, self.priority, self.candidate.id, ageing)
    }
}

fn rank(available_at: Instant, priority: i64, id: Uuid, ageing: Duration) -> Rank {
    let due = DateTime::from_timestamp_micros(available_at.0);
    let end = if priority < 0 {
        LOWEST_PRIORITY
    } else {
        HIGHEST_PRIORITY
    };
    let priority = i32::try_from(priority).unwrap_or(end);
    Rank::new(
        due.unwrap_or(Timestamp::MAX_UTC),
        priority,
        TaskId(id),
        ageing,
    )
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
    let mut left = Left {
        next: next(dialect, transaction, lanes).await?,
        ..Left::default()
    };
    // Only then it matters what is due.
    if !exhausted {
        return Ok(left);
    }
    let due = relevant(transaction, &dialect.statements.lanes_due, lanes).await?;
    let (throttled, open): (Vec<_>, Vec<_>) =
        due.into_iter().partition(|lane| lane.is_throttled(lanes));
    let nothing = Lists(None);
    for some in throttled.chunks(LANES_AT_ONCE) {
        for found in due_of(dialect, transaction, some, &nothing, lanes.horizon).await? {
            let place = usize::try_from(found.place).unwrap_or(usize::MAX);
            let lane = some.get(place).and_then(|lane| lane.limit_lane.clone());
            left.throttled.extend(lane);
        }
    }
    let saturated = Lists::of(lanes)?;
    for some in open.chunks(LANES_AT_ONCE) {
        for found in due_of(dialect, transaction, some, &saturated, lanes.horizon).await? {
            left.is_saturated |= found.is_saturated != 0;
            left.is_due |= found.is_saturated == 0;
        }
    }
    Ok(left)
}

/// When the next row becomes available.
async fn next(
    dialect: &MySqlDialect,
    transaction: &DatabaseTransaction,
    lanes: Lanes<'_>,
) -> Result<Option<Instant>, StorageError> {
    let mut next: Option<Instant> = None;
    let mut to_come = relevant(transaction, &dialect.statements.lanes_to_come, lanes).await?;
    to_come.sort_unstable_by_key(|lane| lane.first);
    for some in to_come.chunks(LANES_AT_ONCE) {
        let is_behind = |lane: &Lane| next.is_some_and(|next| next <= lane.first);
        if some.first().is_some_and(is_behind) {
            break;
        }
        let values = some.iter().flat_map(|lane| lane.values(lanes.horizon));
        let sql = dialect.statements.next(some.len());
        let doing = "look for the next task that becomes available";
        let found: Vec<Next> = read(transaction, doing, &sql, values.collect()).await?;
        let found = found.into_iter().map(|found| found.available_at);
        next = found.chain(next).min();
    }
    Ok(next)
}

/// Asks which of these lanes have rows that are due.
async fn due_of(
    dialect: &MySqlDialect,
    transaction: &DatabaseTransaction,
    some: &[Lane],
    saturated: &Lists,
    horizon: Timestamp,
) -> Result<Vec<DueLane>, StorageError> {
    let times = if saturated.is_any() { 2 } else { 1 };
    let mut values: Vec<Value> = Vec::new();
    for (place, lane) in (0_i64..).zip(some) {
        for _ in 0..times {
            values.push(place.into());
            values.extend(lane.values(horizon));
            values.extend(saturated.values());
        }
    }
    let sql = dialect.statements.due(some.len(), saturated.is_any());
    let doing = "look for tasks that were passed over";
    read(transaction, doing, &sql, values).await
}

/// Finds the lanes of nobody and of the dead in the queues that are claimed from.
async fn relevant(
    transaction: &DatabaseTransaction,
    sql: &str,
    lanes: Lanes<'_>,
) -> Result<Vec<Lane>, StorageError> {
    let horizon = [Encoding::MySql.instant(lanes.horizon)];
    let found: Vec<Lane> = query_as(transaction, "look for lanes", sql, horizon).await?;
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
