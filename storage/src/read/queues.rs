use evertask_core::storage::query::PageLimit;
use evertask_core::storage::{QueueChangeRecord, QueueSettings, StorageError};
use evertask_entities::{queue, queue_audit, under};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::Reads;
use crate::database_error::database_error;
use crate::record;

impl Reads {
    /// The order is made here: databases sort names each in its own way.
    pub(super) async fn settings_of_queues(&self) -> Result<Vec<QueueSettings>, StorageError> {
        let rows = under(queue::Entity::find(), &self.prefix.queues())
            .all(&self.readers)
            .await
            .map_err(|error| database_error("read what was decided about queues", error))?;
        let settings: Result<Vec<_>, _> = rows.into_iter().map(record::queue_settings).collect();
        let mut settings = settings?;
        settings.sort_unstable_by(|left, right| left.queue.cmp(&right.queue));
        Ok(settings)
    }

    pub(super) async fn changes_of_queue(
        &self,
        name: &str,
        before: Option<i64>,
        limit: PageLimit,
    ) -> Result<Vec<QueueChangeRecord>, StorageError> {
        let mut query = queue_audit::Entity::find()
            .filter(queue_audit::Column::Queue.eq(name))
            .order_by_desc(queue_audit::Column::Version)
            .limit(u64::try_from(limit.rows()).unwrap_or(u64::MAX));
        if let Some(before) = before {
            query = query.filter(queue_audit::Column::Version.lt(before));
        }
        let rows = under(query, &self.prefix.queue_audit())
            .all(&self.readers)
            .await
            .map_err(|error| database_error("read the changes of a queue", error))?;
        let changes: Result<_, _> = rows.into_iter().map(record::queue_change).collect();
        Ok(changes?)
    }
}
