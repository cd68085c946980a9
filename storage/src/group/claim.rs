use std::collections::HashMap;

use chrono::{DateTime, TimeDelta};
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
        let lanes = Lanes {
            dead: &dead,
            queues: &claim.queues,
            now: claim.now,
            ageing: claim.ageing,
        };
        let dialect = &self.setting.dialect;
        // One row more than may be taken: if there is one, not all are taken.
        let limit = i64::from(claim.limit) + 1;
        let candidates = dialect.candidates(self.transaction, lanes, limit).await?;
        let found = candidates.len();
        let taken = cut(candidates, claim);
        let exhausted = taken.len() == found;
        let tasks = self.take(&taken, claim.now).await?;
        let left = dialect.left(self.transaction, lanes).await?;
        let next = left
            .next
            .and_then(|next| DateTime::from_timestamp_micros(next.0));
        // What another process holds is taken by it, or given back a moment from now.
        let again = (exhausted && left.is_due)
            .then(|| claim.now.checked_add_signed(HELD_ROWS_AGAIN))
            .flatten();
        Ok(ClaimAnswer {
            tasks,
            exhausted,
            next_available_at: next.into_iter().chain(again).min(),
        })
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

/// Takes as many rows as the claim allows, and at least one.
fn cut(candidates: Vec<Candidate>, claim: &ClaimTasks) -> Vec<Candidate> {
    let limit = usize::try_from(claim.limit).unwrap_or(usize::MAX);
    let mut bytes: usize = 0;
    let mut taken: Vec<Candidate> = Vec::new();
    for candidate in candidates.into_iter().take(limit) {
        bytes = bytes.saturating_add(usize::try_from(candidate.bytes).unwrap_or(usize::MAX));
        if !taken.is_empty() && bytes > claim.max_bytes {
            break;
        }
        taken.push(candidate);
    }
    taken
}
