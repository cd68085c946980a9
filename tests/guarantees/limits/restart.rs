//! What was spent, over a restart.

use evertask::{EverTask, limit};

use super::{REFILL, Stage};
use crate::one_shot::home::Home;

on_every_storage! {
    with_a_state_file_a_restart_gives_no_budget_back,
    with_a_state_file_everything_is_spent_after_a_crash,
    a_state_file_that_can_not_be_read_counts_as_a_crash,
    without_a_state_file_a_restart_begins_with_full_budgets,
    a_state_file_beside_a_limiter_of_the_application_is_refused,
}

/// A directory for the state file.
fn directory() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

impl Stage {
    async fn with_state(&self, directory: &tempfile::TempDir) -> EverTask {
        let path = directory.path().join("limits.json");
        self.started(self.builder().limit_state(path)).await
    }
}

async fn with_a_state_file_a_restart_gives_no_budget_back(home: Home) {
    let (stage, directory) = (Stage::new(home), directory());
    let evertask = stage.with_state(&directory).await;
    stage.call(&evertask, 1, "two a").await;
    stage.diary.says("completed 1").await;
    stage.home.shut_down(evertask).await;
    let evertask = stage.with_state(&directory).await;
    // The other one of its burst.
    stage.call(&evertask, 2, "two a").await;
    stage.diary.says("completed 2").await;
    stage.call(&evertask, 3, "two a").await;
    stage.waiting(&evertask, 1).await;
    // A key that is new has not spent anything.
    stage.call(&evertask, 4, "slow b").await;
    stage.diary.says("completed 4").await;
    stage.home.shut_down(evertask).await;
}

async fn with_a_state_file_everything_is_spent_after_a_crash(home: Home) {
    let (stage, directory) = (Stage::new(home), directory());
    let evertask = stage.with_state(&directory).await;
    for number in 1..=2 {
        stage.call(&evertask, number, "two a").await;
        stage.diary.says(&format!("completed {number}")).await;
    }
    stage.home.crash(evertask).await;
    let evertask = stage.with_state(&directory).await;
    stage.call(&evertask, 3, "two a").await;
    stage.waiting(&evertask, 1).await;
    stage.clock.advance(REFILL);
    stage.diary.says("completed 3").await;
    stage.home.shut_down(evertask).await;
}

async fn a_state_file_that_can_not_be_read_counts_as_a_crash(home: Home) {
    let (stage, directory) = (Stage::new(home), directory());
    std::fs::write(directory.path().join("limits.json"), "not JSON").unwrap();
    let evertask = stage.with_state(&directory).await;
    stage.call(&evertask, 1, "two a").await;
    stage.waiting(&evertask, 1).await;
    stage.home.shut_down(evertask).await;
}

/// Section 8.8.
async fn without_a_state_file_a_restart_begins_with_full_budgets(home: Home) {
    let stage = Stage::new(home);
    for number in 1..=2 {
        let evertask = stage.start().await;
        stage.call(&evertask, number, "slow a").await;
        stage.diary.says(&format!("completed {number}")).await;
        stage.home.shut_down(evertask).await;
    }
}

async fn a_state_file_beside_a_limiter_of_the_application_is_refused(home: Home) {
    let stage = Stage::new(home);
    let builder = stage.builder().limit_state("limits.json");
    let refused = builder
        .limiter(limit::SharedLimiter::default())
        .start()
        .await;
    assert!(refused.unwrap_err().to_string().contains("limit_state"));
}
