use std::collections::{BTreeSet, HashSet};

use evertask_core::storage::{AppendLogs, AppendLogsAnswer, StorageError};
use uuid::Uuid;

use super::Group;
use crate::rows;

impl Group<'_> {
    /// Keeps the lines of the tasks that exist.
    pub(super) async fn append_logs(
        &mut self,
        appends: &[&AppendLogs],
    ) -> Result<Vec<AppendLogsAnswer>, StorageError> {
        if appends.is_empty() {
            return Ok(Vec::new());
        }
        let existing = self.existing(appends).await?;
        let exists = |append: &AppendLogs| existing.contains(&append.id.0);
        let stored = appends.iter().filter(|append| exists(append));
        let rows: Vec<_> = stored
            .flat_map(|append| append.lines.iter().map(|line| rows::log(append.id, line)))
            .collect();
        if !rows.is_empty() {
            let dialect = &self.setting.dialect;
            dialect.insert_logs(self.transaction, &rows).await?;
            self.has_written = true;
        }
        let answer = |append: &&AppendLogs| {
            if exists(append) {
                AppendLogsAnswer::Stored
            } else {
                AppendLogsAnswer::Missing
            }
        };
        Ok(appends.iter().map(answer).collect())
    }

    async fn existing(&self, appends: &[&AppendLogs]) -> Result<HashSet<Uuid>, StorageError> {
        let ids: BTreeSet<_> = appends.iter().map(|append| append.id.0).collect();
        let ids: Vec<_> = ids.into_iter().collect();
        let dialect = &self.setting.dialect;
        let found = dialect.existing_tasks(self.transaction, &ids).await?;
        Ok(found.into_iter().collect())
    }
}
