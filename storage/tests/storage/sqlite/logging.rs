//! Log lines as rows: whose children they are, and how they are found.

use evertask_core::log::{LogLevel, LogLine, LogSearch};
use evertask_core::storage::{AppendLogs, Write};
use evertask_core::task::DeliveryId;
use sea_orm::QueryResult;
use uuid::Uuid;

use super::world::World;
use crate::sample::{apply, at, store, task_id, waiting};

fn lines(count: u32) -> Vec<LogLine> {
    let line = |sequence| LogLine {
        delivery: DeliveryId(Uuid::from_u128(7)),
        run: 1,
        attempt: 1,
        sequence,
        at: at(0),
        level: LogLevel::Info,
        target: "app".to_owned(),
        message: format!("line {sequence}"),
        fields: None,
    };
    (0..count).map(line).collect()
}

async fn with_lines() -> World {
    let world = World::new();
    let storage = world.open(1).await;
    store(&storage, [waiting(1, 0), waiting(2, 0)]).await;
    for id in [1, 2] {
        let append = AppendLogs {
            id: task_id(id),
            lines: lines(3),
        };
        apply(&storage, [Write::AppendLogs(append)]).await.unwrap();
        let search = LogSearch::of(task_id(id));
        let page = storage.queries().logs(&search).await.unwrap();
        assert_eq!(page.lines.len(), 3);
    }
    world
}

/// C5, for lines.
#[tokio::test]
async fn the_lines_of_a_task_are_deleted_with_it() {
    let world = with_lines().await;
    let delete = "DELETE FROM evertask_tasks WHERE id = x'00000000000000000000000000000001'";
    world.execute(delete).await;
    let left = world
        .query("SELECT hex(task_id) AS id FROM evertask_logs")
        .await;
    let ids: Vec<String> = left
        .iter()
        .map(|row| row.try_get("", "id").unwrap())
        .collect();
    assert_eq!(ids, ["00000000000000000000000000000002"; 3]);
}

#[tokio::test]
async fn a_page_is_read_from_its_place_in_the_key() {
    let world = with_lines().await;
    let plan = |row: &QueryResult| row.try_get::<String>("", "detail").unwrap();
    let page = "EXPLAIN QUERY PLAN SELECT * FROM evertask_logs WHERE task_id = x'01' \
                AND (run, delivery, sequence) > (1, x'07', 3) \
                ORDER BY run, delivery, sequence LIMIT 10";
    let steps: Vec<_> = world.query(page).await.iter().map(plan).collect();
    let [step] = &steps[..] else {
        panic!("{steps:?}");
    };
    assert!(
        step.starts_with("SEARCH evertask_logs USING INDEX"),
        "{step}"
    );
    assert!(
        step.contains("(task_id=? AND (run,delivery,sequence)>(?,?,?))"),
        "{step}"
    );
}
