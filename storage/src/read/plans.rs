//! Which way `SQLite` takes to a page; a plan that changes makes a page slow before anybody notices.

use evertask_core::storage::query::{
    PageLimit, SortDirection, SortKey, SortValue, TaskCursor, TaskFilter, TaskSearch, TaskSort,
};
use evertask_core::storage::{ProcessStart, StorageBackend};
use evertask_core::task::{ProcessId, Status, TaskId};
use evertask_core::time::Timestamp;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, QueryTrait, Statement};
use uuid::Uuid;

use super::list::List;
use super::wording::Wording;
use crate::SqlStorage;

/// A database with the tables of this version.
struct World {
    database: DatabaseConnection,
    _directory: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("jobs.db");
        let start = ProcessStart {
            id: ProcessId(Uuid::from_u128(1)),
            at: Timestamp::UNIX_EPOCH,
        };
        SqlStorage::sqlite(&path).open(start).await.unwrap();
        let url = format!("sqlite://{}", path.display());
        Self {
            database: Database::connect(url).await.unwrap(),
            _directory: directory,
        }
    }

    async fn plan(&self, statement: Statement) -> Vec<String> {
        let explain = Statement {
            sql: format!("EXPLAIN QUERY PLAN {}", statement.sql),
            ..statement
        };
        let rows = self.database.query_all_raw(explain).await.unwrap();
        rows.iter()
            .map(|row| row.try_get("", "detail").unwrap())
            .collect()
    }

    /// The plans of the queries that read a page after the first one.
    async fn plans(&self, filter: TaskFilter, sort: TaskSort) -> Vec<Vec<String>> {
        let at = SortValue::Instant(Timestamp::UNIX_EPOCH);
        let cursor = TaskCursor::at(sort, Some(at), TaskId(Uuid::from_u128(1)));
        let search = TaskSearch::new(filter, sort, PageLimit::default());
        let list = List {
            search: &search.after(cursor).unwrap(),
            wording: Wording::Sqlite,
            table: "evertask_tasks",
        };
        let mut plans = Vec::new();
        for query in list.with_value(21) {
            plans.push(self.plan(query.build(DbBackend::Sqlite)).await);
        }
        plans
    }
}

fn by(key: SortKey) -> [TaskSort; 2] {
    [SortDirection::Ascending, SortDirection::Descending]
        .map(|direction| TaskSort { key, direction })
}

fn with(statuses: &[Status]) -> TaskFilter {
    TaskFilter {
        statuses: statuses.to_vec(),
        queue: Some("mail".to_owned()),
        text: Some("a".to_owned()),
        ..TaskFilter::default()
    }
}

/// One range of an index that is in the order of the list, and nothing to sort.
#[track_caller]
fn assert_reads(plan: &[String], index: &str) {
    let [read] = plan else {
        panic!("{plan:#?}");
    };
    let expected = format!("SEARCH evertask_tasks USING INDEX evertask_tasks_{index}");
    assert!(read.starts_with(&expected), "{read}");
    assert!(
        read.contains("id)>(?,?)") || read.contains("id)<(?,?)"),
        "{read}"
    );
}

#[tokio::test]
async fn a_list_by_creation_begins_where_the_page_before_ended() {
    let world = World::new().await;
    for sort in by(SortKey::CreatedAt) {
        for plan in world.plans(with(&[]), sort).await {
            assert_reads(&plan, "created ((created_at,id)");
        }
    }
}

#[tokio::test]
async fn a_list_of_statuses_is_one_range_for_each() {
    let world = World::new().await;
    for sort in by(SortKey::CreatedAt) {
        let plans = world
            .plans(with(&[Status::Failed, Status::Completed]), sort)
            .await;
        assert_eq!(plans.len(), 2);
        for plan in plans {
            assert_reads(&plan, "by_status (status=? AND (created_at,id)");
        }
    }
}

#[tokio::test]
async fn a_list_by_the_next_run_reads_open_tasks_only() {
    let world = World::new().await;
    for sort in by(SortKey::AvailableAt) {
        let statuses = [Status::WaitingQueue, Status::Queued];
        let of_all_queues = |statuses| TaskFilter {
            queue: None,
            ..with(statuses)
        };
        for filter in [with(&[]), with(&statuses), of_all_queues(&statuses[..1])] {
            for plan in world.plans(filter, sort).await {
                assert_reads(&plan, "upcoming (");
            }
        }
    }
}

/// Storage scenario S24.
#[tokio::test]
async fn a_list_of_one_status_in_one_queue_by_the_next_run_is_one_range() {
    let world = World::new().await;
    for sort in by(SortKey::AvailableAt) {
        for plan in world.plans(with(&[Status::Completed]), sort).await {
            assert_reads(&plan, "by_queue (status=? AND queue=? AND ");
        }
    }
}
