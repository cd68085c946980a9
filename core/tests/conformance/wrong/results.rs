//! Mistakes with what tasks return and say of themselves.

use std::collections::HashMap;

use async_trait::async_trait;
use evertask_core::audit::AuditLevel;
use evertask_core::storage::{RowChange, TaskStorage, Write, WriteGroup};
use evertask_core::task::{Progress, RowState, TaskId};
use parking_lot::Mutex;

use super::bent::{Applied, Mistake};
use super::changes::edited;

/// Keeps the first 65,535 bytes of a result, as a column of the type `TEXT` may.
#[derive(Debug)]
pub(super) struct CutsResults;

#[async_trait]
impl Mistake for CutsResults {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let cut = edited(group, |change| {
            if let Some(result) = &mut change.state.result {
                result.truncate(result.floor_char_boundary(65_535));
            }
        });
        inner.apply(&cut).await
    }
}

/// Reads results and writes them in its own way.
#[derive(Debug)]
pub(super) struct RewritesResults;

#[async_trait]
impl Mistake for RewritesResults {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let rewritten = edited(group, |change| {
            if let Some(result) = &mut change.state.result
                && let Ok(value) = serde_json::from_str::<serde_json::Value>(result)
            {
                *result = value.to_string();
            }
        });
        inner.apply(&rewritten).await
    }
}

/// Does not store what tasks return.
#[derive(Debug)]
pub(super) struct LosesResults;

#[async_trait]
impl Mistake for LosesResults {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let lost = edited(group, |change| change.state.result = None);
        inner.apply(&lost).await
    }
}

/// Writes a progress over another and never takes it away.
#[derive(Debug, Default)]
pub(super) struct KeepsProgress(Mutex<HashMap<TaskId, Progress>>);

#[async_trait]
impl Mistake for KeepsProgress {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let kept = edited(group, |change| {
            let mut said = self.0.lock();
            match &change.state.progress {
                Some(progress) => {
                    said.insert(change.id, progress.clone());
                }
                None => change.state.progress = said.get(&change.id).cloned(),
            }
        });
        inner.apply(&kept).await
    }
}

/// Takes the progress away from what is cancelled.
#[derive(Debug)]
pub(super) struct ForgetsProgressOfCancelled;

#[async_trait]
impl Mistake for ForgetsProgressOfCancelled {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        for write in &group.writes {
            let Write::Cancel(cancel) = write else {
                continue;
            };
            let Some(found) = inner.task(cancel.id).await? else {
                continue;
            };
            if found.state.is_over() {
                continue;
            }
            let change = RowChange {
                id: cancel.id,
                expected: found.generation,
                generation: found.generation,
                state: RowState {
                    progress: None,
                    ..found.state
                },
                audit: Vec::new(),
                attempts: Vec::new(),
                runs: Vec::new(),
                follow_ups: Vec::new(),
                missed: 0,
                has_progressed: false,
                audit_level: AuditLevel::Full,
            };
            let writes = vec![Write::Change(Box::new(change))];
            inner.apply(&WriteGroup { writes }).await?;
        }
        inner.apply(group).await
    }
}
