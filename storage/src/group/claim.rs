use std::collections::HashMap;

use chrono::{DateTime, TimeDelta};
use evertask_core::concurrency::{ClaimQuota, Saturated};
use evertask_core::storage::{AuditEntry, ClaimAnswer, ClaimTasks, ClaimedTask, StorageError};
use evertask_core::task::{Failure, FailureKind, Status, TaskId, WaitReason};
use evertask_core::time::Timestamp;
use evertask_entities::task;
use sea_orm::sea_query::{Alias, Expr, Query};
use sea_orm::{ConnectionTrait, ExprTrait};
use uuid::Uuid;

use super::Group;
use crate::database_error::database_error;
use crate::dialect::{Candidate, Lanes};
use crate::record::{UnreadableRow, task_record};
use crate::rows;

/// How often a claim looks for more behind rows that it passed over; what is left then is left to the
/// next one. Each look but the last takes a row.
const MAX_LOOKS: usize = 16;

/// After how long it is worth looking again at rows that another process held.
const HELD_ROWS_AGAIN: TimeDelta = TimeDelta::milliseconds(100);

impl Group<'_> {
    /// Takes rows for this process; each claim sees what those before it took.
    pub(super) async fn claim(
        &mut self,
        claims: &[&ClaimTasks],
    ) -> Result<Vec<ClaimAnswer>, StorageError> {
        let mut answers = Vec::new();
        for claim in claims {
            answers.push(self.claim_once(claim).await?);
        }
        Ok(answers)
    }

    async fn claim_once(&mut self, claim: &ClaimTasks) -> Result<ClaimAnswer, StorageError> {
        let dead = self.dead().await?.to_vec();
        let mut room = Room::of(claim);
        let mut saturated = claim.quota.saturated();
        let mut tasks = Vec::new();
        let mut exhausted = false;
        for _ in 0..MAX_LOOKS {
            let lanes = Self::lanes(claim, &dead, &saturated);
            let found = self.candidates(lanes, room.limit()).await?;
            let cut = room.cut(found);
            tasks.extend(self.take(&cut.taken, claim.now).await?);
            saturated = room.quota.saturated();
            exhausted = cut.is_last;
            if cut.is_last || cut.is_full {
                break;
            }
        }
        let dialect = &self.setting.dialect;
        let lanes = Self::lanes(claim, &dead, &saturated);
        let left = dialect.left(self.transaction, lanes, exhausted).await?;
        let next = left
            .next
            .and_then(|next| DateTime::from_timestamp_micros(next.0));
        // What another process holds is taken by it, or given back a moment from now.
        let again = (exhausted && left.is_due)
            .then(|| claim.horizon().checked_add_signed(HELD_ROWS_AGAIN))
            .flatten();
        Ok(ClaimAnswer {
            tasks,
            exhausted,
            passed_over: exhausted && left.is_saturated,
            throttled: room.quota.throttled(|lane| left.throttled.contains(lane)),
            next_available_at: next.into_iter().chain(again).min(),
        })
    }

    fn lanes<'a>(claim: &'a ClaimTasks, dead: &'a [Uuid], saturated: &'a Saturated) -> Lanes<'a> {
        Lanes {
            dead,
            queues: &claim.queues,
            horizon: claim.horizon(),
            ageing: claim.ageing,
            saturated,
        }
    }

    async fn candidates(
        &self,
        lanes: Lanes<'_>,
        limit: i64,
    ) -> Result<Vec<Candidate>, StorageError> {
        let dialect = &self.setting.dialect;
        dialect.candidates(self.transaction, lanes, limit).await
    }

    async fn take(
        &mut self,
        taken: &[Candidate],
        now: Timestamp,
    ) -> Result<Vec<ClaimedTask>, StorageError> {
        if taken.is_empty() {
            return Ok(Vec::new());
        }
        self.has_written = true;
        let ids: Vec<_> = taken.iter().map(|candidate| candidate.id).collect();
        let rows = self
            .setting
            .dialect
            .claim(self.transaction, &ids, self.setting.me)
            .await?;
        let mut claimed: HashMap<Uuid, task::Model> =
            rows.into_iter().map(|row| (row.id, row)).collect();
        let mut tasks = Vec::new();
        for candidate in taken {
            let Some(row) = claimed.remove(&candidate.id) else {
                continue;
            };
            match task_record(row) {
                Ok(record) => {
                    let level = record.definition.audit_level;
                    if candidate.becomes_queued() && level.keeps_status(Status::Queued, None) {
                        let entry = AuditEntry::of(Status::Queued, now);
                        self.audit.push(rows::audit(TaskId(candidate.id), &entry));
                    }
                    tasks.push(ClaimedTask {
                        record,
                        interrupted: candidate.owner.is_some(),
                    });
                }
                Err(error) => self.set_aside(candidate.id, error).await?,
            }
        }
        Ok(tasks)
    }

    /// Lets a row wait that somebody else wrote and that can't be read, so that it neither fails
    /// every claim of its queue nor is lost sight of.
    async fn set_aside(&self, id: Uuid, error: UnreadableRow) -> Result<(), StorageError> {
        tracing::warn!(task = %id, %error, "a stored task can't be read and waits");
        let failure = Failure::new(FailureKind::Undecodable, error.to_string());
        let column = Expr::col;
        let update = Query::update()
            .table(Alias::new(self.setting.prefix.tasks()))
            .value(task::Column::Status, Status::WaitingQueue.as_str())
            .value(task::Column::WaitReason, WaitReason::Undecodable.as_str())
            .value(
                task::Column::RecoveryFailures,
                column(task::Column::RecoveryFailures).add(1),
            )
            .value(task::Column::Error, failure.text)
            .value(task::Column::ErrorKind, failure.kind.as_str())
            .and_where(column(task::Column::Id).eq(id))
            .to_owned();
        self.transaction
            .execute(&update)
            .await
            .map_err(|error| database_error("set an unreadable task aside", error))?;
        Ok(())
    }
}

impl Candidate {
    /// A row between two attempts stays in progress, and its audit does not say anything.
    fn becomes_queued(&self) -> bool {
        self.owner.is_some() || self.status != Status::InProgress.as_str()
    }
}

/// What a claim may still take.
struct Room {
    rows: u32,
    bytes: usize,
    /// One row is taken whatever its size.
    is_untouched: bool,
    quota: ClaimQuota,
}

/// What is taken of the rows that were found.
struct Cut {
    taken: Vec<Candidate>,
    /// Nothing more fits.
    is_full: bool,
    /// Nothing more is there that the quota admits.
    is_last: bool,
}

impl Room {
    fn of(claim: &ClaimTasks) -> Self {
        Self {
            rows: claim.limit,
            bytes: claim.max_bytes,
            is_untouched: true,
            quota: claim.quota.clone(),
        }
    }

    /// One row more than may be taken: if there is one, not all are taken.
    fn limit(&self) -> i64 {
        i64::from(self.rows) + 1
    }

    fn cut(&mut self, found: Vec<Candidate>) -> Cut {
        let all = i64::try_from(found.len()).unwrap_or(i64::MAX) < self.limit();
        let mut passed_over = false;
        let mut taken = Vec::new();
        for candidate in found {
            if !self.quota.admits(candidate.keys()) {
                passed_over = true;
                continue;
            }
            let bytes = usize::try_from(candidate.bytes).unwrap_or(usize::MAX);
            let fits = self.rows > 0 && (self.is_untouched || bytes <= self.bytes);
            if !fits {
                return Cut {
                    taken,
                    is_full: true,
                    is_last: false,
                };
            }
            self.rows -= 1;
            self.bytes = self.bytes.saturating_sub(bytes);
            self.is_untouched = false;
            self.quota.take(candidate.keys());
            taken.push(candidate);
        }
        Cut {
            taken,
            is_full: false,
            // Behind what was passed over, there may be more.
            is_last: all || !passed_over,
        }
    }
}
