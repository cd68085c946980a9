use evertask_core::storage::{ReconsiderWaiting, StorageError};
use evertask_core::task::{Generation, WaitReason};
use evertask_entities::task;
use sea_orm::sea_query::{Alias, Expr, Query};
use sea_orm::{ConnectionTrait, ExprTrait};

use super::Group;
use crate::database_error::database_error;

impl Group<'_> {
    /// Lets rows that could not run be looked at again.
    pub(super) async fn reconsider(
        &mut self,
        reconsiderations: &[&ReconsiderWaiting],
    ) -> Result<(), StorageError> {
        for reconsideration in reconsiderations {
            let written = self.reconsider_once(reconsideration).await?;
            self.has_written |= written > 0;
        }
        Ok(())
    }

    async fn reconsider_once(
        &mut self,
        reconsideration: &ReconsiderWaiting,
    ) -> Result<u64, StorageError> {
        let dead = self.dead().await?.to_vec();
        let reason = |reason: WaitReason| Expr::col(task::Column::WaitReason).eq(reason.as_str());
        let has_handler_now = reason(WaitReason::NoHandler)
            .and(Expr::col(task::Column::Task).is_in(&reconsideration.known_tasks));
        let judge_is_dead =
            reason(WaitReason::Undecodable).and(Expr::col(task::Column::Owner).is_in(dead));
        let update = Query::update()
            .table(Alias::new(self.setting.prefix.tasks()))
            .value(task::Column::WaitReason, Expr::null())
            .value(task::Column::Owner, Expr::null())
            .value(
                task::Column::Generation,
                Expr::col(task::Column::Generation).add(Generation::TERM),
            )
            // Said for the planner: it then uses the index of the rows that wait.
            .and_where(Expr::col(task::Column::WaitReason).is_not_null())
            .and_where(has_handler_now.or(judge_is_dead))
            .to_owned();
        let result = self
            .transaction
            .execute(&update)
            .await
            .map_err(|error| database_error("reconsider tasks that wait", error))?;
        Ok(result.rows_affected())
    }
}
