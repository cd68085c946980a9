use std::collections::BTreeSet;

use evertask_core::storage::query::{
    SortDirection, SortKey, SortValue, TaskFilter, TaskSearch, TaskSort, TaskSummary,
};
use evertask_core::task::TaskId;
use evertask_entities::task::{Column, Entity};
use evertask_entities::under;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, Order, QueryFilter, QueryOrder, QuerySelect, Select};

use super::filter::condition;
use super::summary::select;
use super::wording::Wording;

/// Writes the queries that read a page.
#[derive(Debug)]
pub(super) struct List<'a> {
    pub(super) search: &'a TaskSearch,
    pub(super) wording: Wording,
    pub(super) table: &'a str,
}

impl List<'_> {
    /// The tasks that have a value of the sort, unless the page begins behind them; what several
    /// queries find is to be [merged](merge).
    pub(super) fn with_value(&self, limit: usize) -> Vec<Select<Entity>> {
        let sort = self.search.sort();
        let key = self.key();
        let mut query = select().order_by(key.clone(), order(sort));
        if let Some(cursor) = self.search.cursor() {
            let Some(value) = cursor.value() else {
                return Vec::new();
            };
            let last = [self.value(value), cursor.id().0.into()];
            let place = [key.clone(), Column::Id.into_expr()];
            let is_descending = sort.direction == SortDirection::Descending;
            query = query.filter(self.wording.is_after(place, last, is_descending));
        }
        if sort.key.is_optional() {
            query = query.filter(key.is_not_null());
        }
        let of = |filter: &TaskFilter| {
            let condition = condition(filter, Some(sort.key), self.wording);
            self.page(query.clone().filter(condition), limit)
        };
        lists(self.search).iter().map(of).collect()
    }

    /// The tasks that have none; their order is that of their ids.
    pub(super) fn without_value(&self, limit: usize) -> Select<Entity> {
        let mut query = select().filter(self.key().is_null());
        let behind = self.search.cursor();
        if let Some(cursor) = behind.filter(|cursor| cursor.value().is_none()) {
            let TaskId(last) = cursor.id();
            query = query.filter(match self.search.sort().direction {
                SortDirection::Ascending => Column::Id.gt(last),
                SortDirection::Descending => Column::Id.lt(last),
            });
        }
        let condition = condition(self.search.filter(), None, self.wording);
        self.page(query.filter(condition), limit)
    }

    fn page(&self, query: Select<Entity>, limit: usize) -> Select<Entity> {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let query = query.order_by(Column::Id, order(self.search.sort()));
        under(query.limit(limit), self.table)
    }

    fn key(&self) -> Expr {
        let key = self.search.sort().key;
        let column = match key {
            SortKey::CreatedAt => Column::CreatedAt,
            SortKey::LastExecutionAt => Column::LastExecutionAt,
            SortKey::ScheduledAt => Column::ScheduledAt,
            SortKey::AvailableAt => Column::AvailableAt,
            SortKey::Status => Column::Status,
            SortKey::Task => Column::Task,
            SortKey::Queue => Column::Queue,
        };
        if key.is_instant() {
            column.into_expr()
        } else {
            self.wording.by_bytes(column.into_expr())
        }
    }

    fn value(&self, value: &SortValue) -> Expr {
        match value {
            SortValue::Instant(at) => Expr::value(self.wording.instant(*at)),
            SortValue::Text(text) => Expr::value(text.as_str()),
        }
    }
}

/// Splits a list of several statuses into lists of one.
///
/// The index by status is in the order of creation within each status only: a database would sort
/// all tasks of these statuses for every page.
fn lists(search: &TaskSearch) -> Vec<TaskFilter> {
    let filter = search.filter();
    if search.sort().key != SortKey::CreatedAt || filter.statuses.len() < 2 {
        return vec![filter.clone()];
    }
    let statuses: BTreeSet<_> = filter.statuses.iter().copied().collect();
    let of_one = |status| TaskFilter {
        statuses: vec![status],
        ..filter.clone()
    };
    statuses.into_iter().map(of_one).collect()
}

/// Puts the tasks of several lists into one order.
pub(super) fn merge(tasks: &mut [TaskSummary], sort: TaskSort) {
    if sort.key != SortKey::CreatedAt {
        return;
    }
    tasks.sort_unstable_by_key(|task| (task.created_at, task.id));
    if sort.direction == SortDirection::Descending {
        tasks.reverse();
    }
}

fn order(sort: TaskSort) -> Order {
    match sort.direction {
        SortDirection::Ascending => Order::Asc,
        SortDirection::Descending => Order::Desc,
    }
}
