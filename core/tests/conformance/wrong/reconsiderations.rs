//! Mistakes with rows that get another look.

use std::collections::HashSet;
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use evertask_core::audit::AuditLevel;
use evertask_core::storage::{
    AuditEntry, ReconsiderWaiting, RowChange, TaskStorage, Write, WriteGroup,
};
use evertask_core::task::{ProcessId, TaskId, TaskRecord};
use parking_lot::Mutex;

use super::bent::{Applied, Mistake};

/// The ids of all tasks that were stored.
#[derive(Debug, Default)]
struct Stored(Mutex<HashSet<TaskId>>);

impl Stored {
    async fn note(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Vec<TaskRecord> {
        for write in &group.writes {
            if let Write::Insert(new) = write {
                self.0.lock().insert(new.record.definition.id);
            }
        }
        let ids = self.0.lock().clone();
        let mut records = Vec::new();
        for id in ids {
            records.extend(inner.task(id).await.unwrap());
        }
        records
    }
}

fn reconsideration(group: &WriteGroup) -> Option<&ReconsiderWaiting> {
    match &group.writes[..] {
        [Write::Reconsider(reconsider)] => Some(reconsider),
        _ => None,
    }
}

async fn rewrite(
    inner: &dyn TaskStorage,
    id: TaskId,
    edit: impl FnOnce(&mut TaskRecord, &mut Vec<AuditEntry>),
) {
    let Some(mut record) = inner.task(id).await.unwrap() else {
        return;
    };
    let expected = record.generation;
    let mut audit = Vec::new();
    edit(&mut record, &mut audit);
    let change = RowChange {
        id,
        expected,
        generation: record.generation,
        state: record.state,
        audit,
        attempts: Vec::new(),
        runs: Vec::new(),
        follow_ups: Vec::new(),
        missed: 0,
        has_progressed: false,
        audit_level: AuditLevel::Full,
    };
    let writes = vec![Write::Change(Box::new(change))];
    inner.apply(&WriteGroup { writes }).await.unwrap();
}

/// Writes a line of the audit for a row that gets another look.
#[derive(Debug, Default)]
pub(super) struct AuditsEveryLook(Stored);

#[async_trait]
impl Mistake for AuditsEveryLook {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let before = self.0.note(inner, group).await;
        let answers = inner.apply(group).await?;
        if reconsideration(group).is_none() {
            return Ok(answers);
        }
        for record in before {
            let present = inner.task(record.definition.id).await?;
            if present.is_some_and(|present| present.generation != record.generation) {
                rewrite(inner, record.definition.id, |record, audit| {
                    let at = record.definition.created_at;
                    audit.push(AuditEntry::of(record.state.status, at));
                })
                .await;
            }
        }
        Ok(answers)
    }
}

/// Clears the owner of every row that has a handler, whether it waits or not.
#[derive(Debug, Default)]
pub(super) struct ReconsidersWhatRuns(Stored);

#[async_trait]
impl Mistake for ReconsidersWhatRuns {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let before = self.0.note(inner, group).await;
        let answers = inner.apply(group).await?;
        if let Some(reconsider) = reconsideration(group) {
            let known = &reconsider.known_tasks;
            let is_known = |record: &&TaskRecord| known.contains(&record.definition.task);
            for record in before.iter().filter(is_known) {
                rewrite(inner, record.definition.id, |record, _| {
                    record.state.owner = None;
                })
                .await;
            }
        }
        Ok(answers)
    }
}

/// Leaves a row without a handler to the process that judged it, for as long as that lives.
#[derive(Debug, Default)]
pub(super) struct ObeysTheJudge {
    stored: Stored,
    sessions: Mutex<Vec<(ProcessId, Weak<dyn TaskStorage>)>>,
}

impl ObeysTheJudge {
    fn lives(&self, judge: ProcessId) -> bool {
        let sessions = self.sessions.lock();
        sessions
            .iter()
            .any(|(process, session)| *process == judge && session.strong_count() > 0)
    }
}

#[async_trait]
impl Mistake for ObeysTheJudge {
    fn opened(&self, session: &Arc<dyn TaskStorage>, process: ProcessId) {
        let session = Arc::downgrade(session);
        self.sessions.lock().push((process, session));
    }

    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let before = self.stored.note(inner, group).await;
        let answers = inner.apply(group).await?;
        if reconsideration(group).is_none() {
            return Ok(answers);
        }
        for old in before {
            let is_judged = old.state.owner.is_some_and(|judge| self.lives(judge));
            if is_judged {
                rewrite(inner, old.definition.id, |record, _| *record = old.clone()).await;
            }
        }
        Ok(answers)
    }
}
