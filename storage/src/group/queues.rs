use std::collections::BTreeMap;

use evertask_core::storage::{ChangeQueue, ChangeQueueAnswer, QueueSettings, StorageError};
use evertask_entities::{queue, queue_audit, under};
use sea_orm::sea_query::{Alias, Expr, OnConflict, Query};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect};

use super::Group;
use super::statement::insert;
use crate::database_error::database_error;
use crate::record::queue_settings;

const DOING: &str = "change a queue";

impl Group<'_> {
    /// Changes queues for all processes.
    ///
    /// Rows are locked in the order of the names, so groups that change several queues wait for each
    /// other and never in a circle.
    pub(super) async fn change_queues(
        &mut self,
        changes: &[&ChangeQueue],
    ) -> Result<Vec<ChangeQueueAnswer>, StorageError> {
        let mut places: Vec<_> = (0..changes.len()).collect();
        places.sort_by_key(|place| &changes[*place].queue);
        let mut answers = BTreeMap::new();
        for place in places {
            answers.insert(place, self.change_queue(changes[place]).await?);
        }
        Ok(answers.into_values().collect())
    }

    async fn change_queue(
        &mut self,
        change: &ChangeQueue,
    ) -> Result<ChangeQueueAnswer, StorageError> {
        let mut current = self.locked(&change.queue).await?;
        if current.is_none() {
            let Some(first) = change.applied_to(None) else {
                return Ok(ChangeQueueAnswer::Unchanged(None));
            };
            // Somebody else may do the same at this moment: who comes second finds the row.
            self.insert_untouched(&first).await?;
            current = self.locked(&change.queue).await?;
        }
        if let Some(settings) = &current
            && self.is_made(change).await?
        {
            return Ok(ChangeQueueAnswer::Changed(settings.clone()));
        }
        let Some(changed) = change.applied_to(current.as_ref()) else {
            return Ok(ChangeQueueAnswer::Unchanged(current));
        };
        self.update_queue(&changed).await?;
        self.note_change(change, changed.version).await?;
        self.has_written = true;
        Ok(ChangeQueueAnswer::Changed(changed))
    }

    async fn locked(&self, name: &str) -> Result<Option<QueueSettings>, StorageError> {
        let query = queue::Entity::find()
            .filter(queue::Column::Queue.eq(name))
            .lock_exclusive();
        let row = under(query, &self.setting.prefix.queues())
            .one(self.transaction)
            .await
            .map_err(|error| database_error(DOING, error))?;
        Ok(row.map(queue_settings).transpose()?)
    }

    async fn is_made(&self, change: &ChangeQueue) -> Result<bool, StorageError> {
        let query = queue_audit::Entity::find_by_id(change.id.0)
            .select_only()
            .column(queue_audit::Column::Version);
        let version: Option<i64> = under(query, &self.setting.prefix.queue_audit())
            .into_tuple()
            .one(self.transaction)
            .await
            .map_err(|error| database_error(DOING, error))?;
        Ok(version.is_some())
    }

    /// Makes the row of a queue about which nothing was decided, unless it is there.
    async fn insert_untouched(&self, first: &QueueSettings) -> Result<(), StorageError> {
        use queue::Column::{ChangedAt, IsPaused, Queue, Version};
        let row = [
            (Queue, Expr::value(first.queue.as_str())),
            (IsPaused, Expr::value(false)),
            (Version, Expr::value(0_i64)),
            (ChangedAt, self.instant(first.changed_at)),
        ];
        let mut insert = insert(DOING, &self.setting.prefix.queues(), row)?;
        insert.on_conflict(OnConflict::column(Queue).do_nothing_on([Queue]).to_owned());
        self.execute(DOING, &insert).await
    }

    async fn update_queue(&self, changed: &QueueSettings) -> Result<(), StorageError> {
        use queue::Column::{Actor, ChangedAt, IsPaused, Parallelism, Queue, Reason, Version};
        let update = Query::update()
            .table(Alias::new(self.setting.prefix.queues()))
            .value(IsPaused, changed.is_paused)
            .value(Parallelism, changed.parallelism.map(i64::from))
            .value(Version, changed.version)
            .value(ChangedAt, self.instant(changed.changed_at))
            .value(Actor, self.text(changed.actor.as_deref()))
            .value(Reason, self.text(changed.reason.as_deref()))
            .and_where(Expr::col(Queue).eq(changed.queue.as_str()))
            .to_owned();
        self.execute(DOING, &update).await
    }

    async fn note_change(&self, change: &ChangeQueue, version: i64) -> Result<(), StorageError> {
        use queue_audit::Column::{Actor, At, Change, Id, Parallelism, Queue, Reason, Version};
        let parallelism = change.change.parallelism();
        let row = [
            (Id, Expr::value(change.id.0)),
            (Queue, Expr::value(change.queue.as_str())),
            (Version, Expr::value(version)),
            (Change, Expr::value(change.change.as_str())),
            (Parallelism, Expr::value(parallelism.map(i64::from))),
            (At, self.instant(change.at)),
            (Actor, Expr::value(self.text(change.actor.as_deref()))),
            (Reason, Expr::value(self.text(change.reason.as_deref()))),
        ];
        let insert = insert(DOING, &self.setting.prefix.queue_audit(), row)?;
        self.execute(DOING, &insert).await
    }
}
