//! Mistakes with what is decided about queues.

use async_trait::async_trait;
use evertask_core::storage::query::{PageLimit, TaskQueries};
use evertask_core::storage::{
    Answer, ChangeQueue, ChangeQueueAnswer, QueueChange, QueueChangeId, QueueChangeRecord,
    QueueSettings, StorageError, TaskStorage, Write, WriteGroup,
};
use evertask_core::time::Timestamp;
use uuid::Uuid;

use super::bent::{Applied, Mistake};

fn changes(group: &WriteGroup, mut edit: impl FnMut(&mut ChangeQueue)) -> WriteGroup {
    let mut group = group.clone();
    for write in &mut group.writes {
        if let Write::ChangeQueue(change) = write {
            edit(change);
        }
    }
    group
}

/// Has settings for a queue of which nothing was decided.
#[derive(Debug)]
pub(super) struct InventsQueues;

#[async_trait]
impl Mistake for InventsQueues {
    async fn queue_settings(
        &self,
        inner: &dyn TaskQueries,
    ) -> Result<Vec<QueueSettings>, StorageError> {
        let mut settings = inner.queue_settings().await?;
        if settings.is_empty() {
            settings.push(QueueSettings {
                queue: "default".to_owned(),
                is_paused: false,
                parallelism: None,
                version: 0,
                changed_at: Timestamp::UNIX_EPOCH,
                actor: None,
                reason: None,
            });
        }
        Ok(settings)
    }
}

/// Keeps nobody's name.
#[derive(Debug)]
pub(super) struct ForgetsWhoDecided;

#[async_trait]
impl Mistake for ForgetsWhoDecided {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        inner
            .apply(&changes(group, |change| change.actor = None))
            .await
    }
}

/// Takes a change that changes nothing for one that does.
#[derive(Debug)]
pub(super) struct ChangesWhatIsSo;

#[async_trait]
impl Mistake for ChangesWhatIsSo {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut answers = inner.apply(group).await?;
        for answer in &mut answers {
            if let Answer::ChangeQueue(ChangeQueueAnswer::Unchanged(Some(settings))) = answer {
                *answer = Answer::ChangeQueue(ChangeQueueAnswer::Changed(settings.clone()));
            }
        }
        Ok(answers)
    }
}

/// Takes every change for a new one.
#[derive(Debug)]
pub(super) struct RepeatsChanges;

#[async_trait]
impl Mistake for RepeatsChanges {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let new = |change: &mut ChangeQueue| change.id = QueueChangeId(Uuid::now_v7());
        inner.apply(&changes(group, new)).await
    }
}

/// Takes queues for one whose names differ by case.
#[derive(Debug)]
pub(super) struct FoldsQueues;

#[async_trait]
impl Mistake for FoldsQueues {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let fold = |change: &mut ChangeQueue| change.queue.make_ascii_lowercase();
        inner.apply(&changes(group, fold)).await
    }
}

/// Lets a queue go on when its parallelism is changed.
#[derive(Debug)]
pub(super) struct ResumesWithMore;

#[async_trait]
impl Mistake for ResumesWithMore {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let answers = inner.apply(group).await?;
        for write in &group.writes {
            if let Write::ChangeQueue(change) = write
                && matches!(change.change, QueueChange::SetParallelism(_))
            {
                let resume = Write::ChangeQueue(ChangeQueue {
                    id: QueueChangeId(Uuid::now_v7()),
                    change: QueueChange::Resume,
                    ..change.clone()
                });
                let writes = vec![resume];
                inner.apply(&WriteGroup { writes }).await?;
            }
        }
        Ok(answers)
    }
}

/// Reads the changes of a queue from the first on.
#[derive(Debug)]
pub(super) struct ReadsChangesForwards;

#[async_trait]
impl Mistake for ReadsChangesForwards {
    async fn queue_changes(
        &self,
        inner: &dyn TaskQueries,
        queue: &str,
        before: Option<i64>,
        limit: PageLimit,
    ) -> Result<Vec<QueueChangeRecord>, StorageError> {
        let mut changes = inner.queue_changes(queue, before, limit).await?;
        changes.reverse();
        Ok(changes)
    }
}
