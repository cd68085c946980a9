use evertask_core::storage::query::{SortKey, TaskFilter};
use evertask_core::task::WaitReason;
use evertask_entities::task::Column;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, Condition};
use uuid::Uuid;

use super::wording::Wording;

/// Says a filter in SQL, for a list in the order of `key` or for none; the caller has dealt with
/// filters that match nothing.
pub(super) fn condition(filter: &TaskFilter, key: Option<SortKey>, wording: Wording) -> Condition {
    // What runs next is read in its order, and statuses are looked at on the way; only one status in
    // one queue has an index in that order.
    let is_one_stretch = filter.statuses.len() == 1 && filter.queue.is_some();
    let column = if key == Some(SortKey::AvailableAt) && !is_one_stretch {
        wording.without_index(Column::Status.into_expr())
    } else {
        Column::Status.into_expr()
    };
    Condition::all()
        .add_option(status(filter, column))
        .add_option(equals(Column::Queue, filter.queue.as_deref()))
        .add_option(equals(Column::ParentId, filter.parent_id.map(|id| id.0)))
        .add_option(equals(Column::SeriesId, filter.series_id.map(|id| id.0)))
        .add_option(equals(Column::DeclaredIn, filter.declared_in.as_deref()))
        .add_option(filter.is_recurring.map(recurring))
        .add_option(created(filter, wording))
        .add_option(reference(filter))
        .add_option(words(filter, wording))
}

/// One status is an equality: with it, an index that goes on with the order of the list serves both.
fn status(filter: &TaskFilter, column: Expr) -> Option<Expr> {
    let statuses = filter.statuses.iter().map(|status| status.as_str());
    match filter.statuses.as_slice() {
        [] => None,
        [status] => Some(column.eq(status.as_str())),
        _ => Some(column.is_in(statuses)),
    }
}

fn recurring(is_recurring: bool) -> Expr {
    if is_recurring {
        Column::Schedule.is_not_null()
    } else {
        Column::Schedule.is_null()
    }
}

fn created(filter: &TaskFilter, wording: Wording) -> Option<Condition> {
    let at = Column::CreatedAt.into_expr();
    let from = filter.created_from.map(|from| wording.instant(from));
    let to = filter.created_to.map(|to| wording.instant(to));
    (from.is_some() || to.is_some()).then(|| {
        Condition::all()
            .add_option(from.map(|from| at.clone().gte(from)))
            .add_option(to.map(|to| at.lte(to)))
    })
}

/// What is compared as a whole and set by the application or a failure.
fn reference(filter: &TaskFilter) -> Option<Condition> {
    let correlation_id = filter.correlation_id.as_deref();
    let fingerprint = filter.error_fingerprint.as_deref();
    let reason = filter.wait_reason.map(WaitReason::as_str);
    let condition = Condition::all()
        .add_option(equals(Column::CorrelationId, correlation_id))
        .add_option(equals(Column::ErrorFingerprint, fingerprint))
        .add_option(equals(Column::WaitReason, reason));
    (!condition.is_empty()).then_some(condition)
}

fn words(filter: &TaskFilter, wording: Wording) -> Option<Condition> {
    let contains = |column: Column, part: &str| wording.contains(column.into_expr(), part);
    let names_it = |text: &str| {
        Condition::any()
            .add(contains(Column::Task, text))
            .add(contains(Column::TaskKey, text))
            .add_option(equals(Column::Id, text.parse::<Uuid>().ok()))
    };
    let has_tag = |tag: &str| wording.has_element(Column::Tags.into_expr(), tag);
    let task = filter.task.as_deref();
    let condition = Condition::all()
        .add_option(task.map(|part| contains(Column::Task, part)))
        .add_option(filter.tag.as_deref().map(has_tag))
        .add_option(filter.text.as_deref().map(names_it));
    (!condition.is_empty()).then_some(condition)
}

fn equals<T: Into<sea_orm::Value>>(column: Column, value: Option<T>) -> Option<Expr> {
    value.map(|value| column.eq(value))
}
