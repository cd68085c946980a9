//! A task that ran when its process died.

use evertask::Status;

use super::database::{attempts, status};
use super::report::What;
use super::scene::Scene;
use super::steady::ENTRY;

/// Core acceptance scenario 3, core edge case 42.
#[actix::test]
async fn a_task_in_progress_at_a_crash_is_executed_exactly_once_more() {
    let mut scene = Scene::new();
    let first = scene.start(ENTRY, 1);
    let report = scene.until(|report| matches!(report.what, What::InProgress(_)));
    let What::InProgress(id) = report.what else {
        unreachable!("it was waited for");
    };
    scene.kill(first);
    let rows = scene.look().await;
    assert_eq!(status(&rows[&id]), Status::InProgress);

    let second = scene.start(ENTRY, 0);
    scene.until(|report| matches!(report.what, What::Entered(run) if run.id == id));
    let rows = scene.finish(vec![second]).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(status(&rows[&id]), Status::Completed);
    assert_eq!(scene.ledger.started_again(1), 1);
    assert_eq!(attempts(&scene.database()).await[&id], [1]);
}
