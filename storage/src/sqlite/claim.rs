use std::collections::HashMap;

use chrono::DateTime;
use evertask_core::storage::{
    AuditEntry, ClaimAnswer, ClaimTasks, ClaimedTask, QueueSelector, StorageError,
};
use evertask_core::task::{Failure, FailureKind, Status, TaskId, WaitReason};
use evertask_core::time::Timestamp;
use evertask_entities::task;
use sea_orm::sea_query::{Alias, Expr, Query};
use sea_orm::{ConnectionTrait, DbErr, ExprTrait, FromQueryResult, QueryResult, Value};
use uuid::Uuid;

use super::group::Group;
use super::rows::{self, Hex, json, micros};
use crate::database_error::database_error;
use crate::record::{UnreadableRow, task_record};

/// A row that may be claimed, as it is before.
struct Candidate {
    id: Uuid,
    /// Dead, if there is one.
    owner: Option<Uuid>,
    status: String,
    bytes: i64,
}

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
        let candidates = self.candidates(claim).await?;
        let found = candidates.len();
        let taken = cut(candidates, claim);
        let exhausted = taken.len() == found;
        let tasks = self.take(&taken, claim.now).await?;
        Ok(ClaimAnswer {
            tasks,
            exhausted,
            next_available_at: self.next_available_at(claim).await?,
        })
    }

    /// Answers one row more than may be taken, if there is one: then not all are taken.
    async fn candidates(&self, claim: &ClaimTasks) -> Result<Vec<Candidate>, StorageError> {
        let statements = &self.setting.statements;
        let (sql, queues) = match &claim.queues {
            QueueSelector::Only(queue) => (&statements.candidates_of, json(&[queue])?),
            QueueSelector::AllExcept(queues) => (&statements.candidates_except, json(queues)?),
        };
        let values: [Value; 4] = [
            self.dead()?,
            queues.into(),
            micros(claim.now).into(),
            (i64::from(claim.limit) + 1).into(),
        ];
        let rows = self.query("look for tasks to claim", sql, values).await?;
        rows.iter()
            .map(Candidate::read)
            .collect::<Result<_, _>>()
            .map_err(|error| database_error("look for tasks to claim", error))
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
        let ids: Vec<_> = taken.iter().map(|candidate| Hex(candidate.id)).collect();
        let values: [Value; 2] = [json(&ids)?.into(), self.setting.me.into()];
        let doing = "claim tasks";
        let rows = self
            .query(doing, &self.setting.statements.claim, values)
            .await?;
        let mut claimed = HashMap::new();
        for row in rows {
            let row = task::Model::from_query_result(&row, "")
                .map_err(|error| database_error(doing, error))?;
            claimed.insert(row.id, row);
        }
        let mut tasks = Vec::new();
        for candidate in taken {
            let Some(row) = claimed.remove(&candidate.id) else {
                continue;
            };
            match task_record(row) {
                Ok(record) => {
                    if candidate.becomes_queued() {
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

    async fn next_available_at(
        &self,
        claim: &ClaimTasks,
    ) -> Result<Option<Timestamp>, StorageError> {
        let statements = &self.setting.statements;
        let (sql, queues) = match &claim.queues {
            QueueSelector::Only(queue) => (&statements.next_of, json(&[queue])?),
            QueueSelector::AllExcept(queues) => (&statements.next_except, json(queues)?),
        };
        let values: [Value; 3] = [self.dead()?, queues.into(), micros(claim.now).into()];
        let doing = "look for the next task that becomes available";
        let rows = self.query(doing, sql, values).await?;
        let next: Option<i64> = match rows.first() {
            Some(row) => row
                .try_get("", "next")
                .map_err(|error| database_error(doing, error))?,
            None => None,
        };
        Ok(next.and_then(DateTime::from_timestamp_micros))
    }

    fn dead(&self) -> Result<Value, StorageError> {
        let dead: Vec<_> = self.setting.dead.iter().copied().map(Hex).collect();
        Ok(json(&dead)?.into())
    }
}

impl Candidate {
    fn read(row: &QueryResult) -> Result<Self, DbErr> {
        Ok(Self {
            id: row.try_get("", "id")?,
            owner: row.try_get("", "owner")?,
            status: row.try_get("", "status")?,
            bytes: row.try_get("", "bytes")?,
        })
    }

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
