//! What a deferral costs the database: nothing.

use std::time::Duration;

use evertask::{EverTask, Queue, Scope, SqlStorage};

use super::{Caller, REFILL, Stage};
use crate::one_shot::home::Home;
use crate::stage::soon;

/// How many calls wait for budget.
const WAITING: u32 = 30;

/// Issue must-show 3: "zero statements for deferrals below the cap".
#[actix::test]
async fn a_deferral_sends_no_statement() {
    let stage = Stage::new(Home::memory());
    let directory = tempfile::tempdir().unwrap();
    let storage = SqlStorage::sqlite(directory.path().join("tasks.db"));
    let statements = storage.statement_counter();
    let builder = EverTask::builder()
        .storage(storage)
        .queue(Queue::new(Queue::DEFAULT).parallelism(1).capacity(50))
        .handler(Caller(stage.player.clone()))
        .handler(stage.player.clone())
        .clock(stage.clock.clone());
    let evertask = stage.started(builder).await;
    let mut ids = Vec::new();
    for number in 0..=WAITING {
        ids.push(stage.call(&evertask, number, "slow a").await);
    }
    stage.waiting(&evertask, ids.len() - 1).await;
    let tenant = Scope::key("test.call", "slow a").unwrap().unwrap();
    let limits = evertask.limits();
    let pause = Duration::from_hours(10);
    limits.pause(tenant, pause).await.unwrap();
    let before = statements.count();
    // Each comes for its slot and is told another one.
    for id in &ids[1..] {
        stage.clock.advance(REFILL);
        let deferred = async {
            while limits.throttled_until(*id) < Some(stage.begun + pause) {
                tokio::task::yield_now().await;
            }
        };
        soon(deferred).await;
    }
    assert_eq!(statements.count(), before);
    assert_eq!(evertask.in_memory().throttled, ids.len() - 1);
    assert_eq!(stage.order(), ["0"]);
    evertask.shutdown().await.unwrap();
}
