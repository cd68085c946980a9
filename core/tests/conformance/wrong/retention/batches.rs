//! Mistakes with the batches of a step.

use async_trait::async_trait;
use evertask_core::retention::{RetentionBatch, RetentionCursor, RetentionStep};
use evertask_core::storage::TaskStorage;
use evertask_core::task::TaskId;
use parking_lot::Mutex;
use uuid::Uuid;

use crate::wrong::bent::{Batched, Mistake};

/// Does a step in one batch, however many rows that are.
#[derive(Debug)]
pub(super) struct DoesAllAtOnce;

#[async_trait]
impl Mistake for DoesAllAtOnce {
    async fn retain(
        &self,
        inner: &dyn TaskStorage,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
        _: u32,
    ) -> Batched {
        inner.retain(step, from, u32::MAX).await
    }
}

/// Does the first batch of a step and no other.
#[derive(Debug)]
pub(super) struct DoesOneBatch;

#[async_trait]
impl Mistake for DoesOneBatch {
    async fn retain(
        &self,
        inner: &dyn TaskStorage,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
        limit: u32,
    ) -> Batched {
        let batch = inner.retain(step, from, limit).await?;
        Ok(RetentionBatch {
            next: None,
            ..batch
        })
    }
}

/// Goes on with the next task, though the batch ended amid the lines of one.
#[derive(Debug)]
pub(super) struct LeavesTheRestOfATask;

#[async_trait]
impl Mistake for LeavesTheRestOfATask {
    async fn retain(
        &self,
        inner: &dyn TaskStorage,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
        limit: u32,
    ) -> Batched {
        let batch = inner.retain(step, from, limit).await?;
        let Some(RetentionCursor::Task(id)) = batch.next.filter(|_| batch.rows > 0) else {
            return Ok(batch);
        };
        let following = TaskId(Uuid::from_u128(id.0.as_u128() + 1));
        let next = Some(RetentionCursor::Task(following));
        Ok(RetentionBatch { next, ..batch })
    }
}

/// Counts what it let go of before, when a step begins again.
#[derive(Debug, Default)]
pub(super) struct CountsWhatIsGone(Mutex<Vec<(RetentionStep, u64)>>);

#[async_trait]
impl Mistake for CountsWhatIsGone {
    async fn retain(
        &self,
        inner: &dyn TaskStorage,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
        limit: u32,
    ) -> Batched {
        let batch = inner.retain(step, from, limit).await?;
        if from.is_some() {
            return Ok(batch);
        }
        let mut begun = self.0.lock();
        let before = begun.iter().find(|(other, _)| other == step);
        let before = before.map_or(0, |(_, rows)| *rows);
        begun.push((step.clone(), batch.rows));
        let rows = (batch.rows + before).min(u64::from(limit));
        Ok(RetentionBatch { rows, ..batch })
    }
}

/// Counts the rows that it found, also those that another process deletes meanwhile.
#[derive(Debug)]
pub(super) struct CountsWhatOthersDelete;

#[async_trait]
impl Mistake for CountsWhatOthersDelete {
    async fn retain(
        &self,
        inner: &dyn TaskStorage,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
        limit: u32,
    ) -> Batched {
        let found = inner.preview(step, from).await?;
        tokio::task::yield_now().await;
        let batch = inner.retain(step, from, limit).await?;
        let rows = found.rows.min(u64::from(limit));
        Ok(RetentionBatch { rows, ..batch })
    }
}
