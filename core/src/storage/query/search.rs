use super::{InvalidQuery, PageLimit, TaskCursor, TaskFilter, TaskSort, TaskSummary};

/// A page of tasks to read.
#[derive(Clone, Debug, Default)]
pub struct TaskSearch {
    filter: TaskFilter,
    sort: TaskSort,
    limit: PageLimit,
    after: Option<TaskCursor>,
}

impl TaskSearch {
    /// Asks for the first page.
    pub fn new(filter: TaskFilter, sort: TaskSort, limit: PageLimit) -> Self {
        Self {
            filter,
            sort,
            limit,
            after: None,
        }
    }

    /// Asks for the page after the one that answered this cursor.
    ///
    /// # Errors
    ///
    /// A cursor of another order is refused.
    pub fn after(mut self, cursor: TaskCursor) -> Result<Self, InvalidQuery> {
        if cursor.sort() != self.sort {
            return Err(InvalidQuery::CursorOfAnotherList);
        }
        self.after = Some(cursor);
        Ok(self)
    }

    /// Which tasks.
    pub fn filter(&self) -> &TaskFilter {
        &self.filter
    }

    /// In what order.
    pub fn sort(&self) -> TaskSort {
        self.sort
    }

    /// How many at most.
    pub fn limit(&self) -> PageLimit {
        self.limit
    }

    /// Where the page before ended; `None` asks for the first one.
    pub fn cursor(&self) -> Option<&TaskCursor> {
        self.after.as_ref()
    }
}

/// A page of tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskPage {
    /// The tasks, in the order asked for.
    pub tasks: Vec<TaskSummary>,
    /// Where the next page begins; `None` if this is the last one.
    pub next: Option<TaskCursor>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::query::{SortDirection, SortKey};
    use crate::task::TaskId;

    #[test]
    fn a_cursor_of_another_order_is_refused() {
        let order = |key, direction| TaskSort { key, direction };
        let sort = order(SortKey::AvailableAt, SortDirection::Ascending);
        let search = || TaskSearch::new(TaskFilter::default(), sort, PageLimit::default());
        let cursor = |sort| TaskCursor::at(sort, None, TaskId(uuid::Uuid::nil()));
        assert!(search().after(cursor(sort)).is_ok());
        for other in [
            order(SortKey::AvailableAt, SortDirection::Descending),
            order(SortKey::ScheduledAt, SortDirection::Ascending),
        ] {
            let refused = search().after(cursor(other)).unwrap_err();
            assert_eq!(refused, InvalidQuery::CursorOfAnotherList);
        }
    }
}
