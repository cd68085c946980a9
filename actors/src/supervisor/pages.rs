use std::sync::Arc;

use evertask_core::storage::TaskStorage;
use evertask_core::storage::query::{PageLimit, TaskFilter, TaskSearch, TaskSort};
use evertask_core::task::TaskId;

use super::actor::SupervisorDeps;
use super::messages::RequestError;

/// What a filter means, page by page. A task keeps its place in the list, whatever is done with it.
pub(super) struct Pages {
    storage: Arc<dyn TaskStorage>,
    first: TaskSearch,
    /// The search for the page to come; `None` once the last one was read.
    next: Option<TaskSearch>,
}

impl Pages {
    /// Of the tasks that are stored already: those that come meanwhile would never end.
    pub(super) fn until_now(deps: &SupervisorDeps, mut filter: TaskFilter) -> Self {
        let now = deps.admission.clock.now();
        let until = filter.created_to.map_or(now, |to| to.min(now));
        filter.created_to = Some(until);
        let limit = PageLimit::new(PageLimit::MAX).unwrap_or_default();
        let first = TaskSearch::new(filter, TaskSort::default(), limit);
        Self {
            storage: Arc::clone(&deps.storage),
            next: Some(first.clone()),
            first,
        }
    }

    /// The tasks of the next page; `None` after the last one.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<TaskId>>, RequestError> {
        let Some(search) = self.next.take() else {
            return Ok(None);
        };
        let page = self.storage.queries().search(&search).await?;
        if let Some(next) = page.next {
            let next = self.first.clone().after(next);
            let next = next.map_err(|error| RequestError::Storage(error.to_string()))?;
            self.next = Some(next);
        }
        Ok(Some(page.tasks.iter().map(|task| task.id).collect()))
    }
}
