//! The database of the children, as the test reads it.

use std::collections::HashMap;
use std::path::Path;

use evertask::{Status, TaskId};
use evertask_entities::{attempt, process, run, status_audit, task};
use sea_orm::{
    ColumnTrait, Database, DatabaseConnection, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
};

/// Every task there is.
pub(super) type Rows = HashMap<TaskId, task::Model>;

/// Answers the status of a row.
pub(super) fn status(row: &task::Model) -> Status {
    row.status.parse().unwrap()
}

/// Whether a row is a series.
pub(super) fn is_series(row: &task::Model) -> bool {
    row.schedule.is_some()
}

/// Whether nothing happens to a row any more: its status is final, and no occurrence is to come.
pub(super) fn is_over(row: &task::Model) -> bool {
    status(row).is_terminal() && row.next_run_at.is_none()
}

/// Reads every task, on a connection of its own that can't write: what a crash left behind is still
/// there for the next start to find.
pub(super) async fn rows(path: &Path) -> Rows {
    let connection = connect(path).await;
    let rows = task::Entity::find().all(&connection).await.unwrap();
    connection.close().await.unwrap();
    rows.into_iter().map(|row| (TaskId(row.id), row)).collect()
}

/// Reads the numbers of the attempts kept about each task, in order.
pub(super) async fn attempts(path: &Path) -> HashMap<TaskId, Vec<i64>> {
    let connection = connect(path).await;
    let query = attempt::Entity::find().order_by_asc(attempt::Column::Number);
    let mut attempts: HashMap<_, Vec<_>> = HashMap::new();
    for row in query.all(&connection).await.unwrap() {
        let of_task = attempts.entry(TaskId(row.task_id)).or_default();
        of_task.push(row.number);
    }
    connection.close().await.unwrap();
    attempts
}

/// Reads the runs kept about a series, in order.
pub(super) async fn runs(path: &Path, id: TaskId) -> Vec<run::Model> {
    let connection = connect(path).await;
    let of_series = run::Entity::find().filter(run::Column::TaskId.eq(id.0));
    let query = of_series.order_by_asc(run::Column::Number);
    let runs = query.all(&connection).await.unwrap();
    connection.close().await.unwrap();
    runs
}

/// Counts for each task how often its audit says that it came to its end.
pub(super) async fn ends(path: &Path) -> HashMap<TaskId, usize> {
    let connection = connect(path).await;
    let mut ends = HashMap::new();
    for row in status_audit::Entity::find().all(&connection).await.unwrap() {
        let is_end = row.status.parse::<Status>().unwrap().is_terminal();
        *ends.entry(TaskId(row.task_id)).or_default() += usize::from(is_end);
    }
    connection.close().await.unwrap();
    ends
}

/// Counts the processes that the database knows of.
pub(super) async fn processes(path: &Path) -> u64 {
    let connection = connect(path).await;
    let count = process::Entity::find().count(&connection).await.unwrap();
    connection.close().await.unwrap();
    count
}

async fn connect(path: &Path) -> DatabaseConnection {
    let url = format!("sqlite://{}?mode=ro", path.display());
    Database::connect(url).await.unwrap()
}
