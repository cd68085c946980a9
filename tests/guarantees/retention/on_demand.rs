//! A cycle when somebody asks for it, and what it would do.

use evertask::{
    EndedTasks, PreviewRetention, RetentionPolicy, RetentionReport, RetentionRules, RunRetention,
    Window,
};

use super::world::{World, a_week, error, success};
use crate::ground::Step;
use crate::stage::soon;

on_every_storage! {
    a_cycle_can_be_asked_for,
    a_preview_says_what_a_cycle_would_delete_and_deletes_nothing,
    both_can_be_asked_for_by_a_message,
    a_thousand_successes_go_and_errors_stay_for_their_own_window,
    a_knob_below_zero_deletes_nothing_and_is_warned_about_once,
    the_policy_set_last_is_the_one_used,
    a_shutdown_ends_a_cycle_between_two_batches,
}

fn counts(report: &RetentionReport) -> [u64; 4] {
    [
        report.status_audit(),
        report.runs(),
        report.logs(),
        report.tasks(),
    ]
}

async fn a_cycle_can_be_asked_for(world: World) {
    let line = success(world.days_ago(8));
    let old = world.completed(8, vec![line.clone(), line]).await;
    let evertask = world.start(a_week()).await;
    let report = soon(evertask.run_retention()).await.unwrap();
    assert_eq!(counts(&report), [2, 0, 0, 1]);
    let done: Vec<_> = report
        .steps
        .iter()
        .map(|done| (done.step.to_string(), done.rows, done.batches))
        .collect();
    let expected = [
        ("status_audit of all tasks", 2, 1),
        ("runs of all tasks", 0, 0),
        ("attempts of all tasks", 0, 0),
        ("completed_tasks of all tasks", 1, 1),
    ];
    assert_eq!(
        done,
        expected.map(|(step, rows, batches)| (step.to_owned(), rows, batches))
    );
    assert!(!report.interrupted);
    assert!(!world.exists(old).await);
    soon(evertask.shutdown()).await.unwrap();
}

/// Storage specification 4.5. The task still has its lines when it is counted, and yet it counts.
async fn a_preview_says_what_a_cycle_would_delete_and_deletes_nothing(world: World) {
    let lines = vec![success(world.days_ago(8)); 3];
    let old = world.completed(8, lines).await;
    let evertask = world.start(a_week()).await;
    for _ in 0..2 {
        let preview = soon(evertask.preview_retention()).await.unwrap();
        assert_eq!(counts(&preview), [3, 0, 0, 1]);
    }
    assert_eq!(world.lines(old).await, 3);
    let report = soon(evertask.run_retention()).await.unwrap();
    assert_eq!(counts(&report), [3, 0, 0, 1]);
    soon(evertask.shutdown()).await.unwrap();
}

async fn both_can_be_asked_for_by_a_message(world: World) {
    let old = world.completed(8, vec![]).await;
    let evertask = world.start(a_week()).await;
    let supervisor = evertask.supervisor();
    let preview = soon(supervisor.send(PreviewRetention)).await.unwrap();
    assert_eq!(preview.unwrap().tasks(), 1);
    assert!(world.exists(old).await);
    let report = soon(supervisor.send(RunRetention)).await.unwrap();
    assert_eq!(report.unwrap().tasks(), 1);
    assert!(!world.exists(old).await);
    soon(evertask.shutdown()).await.unwrap();
}

/// Storage scenario S14, without its load; see `live_writes` for that.
async fn a_thousand_successes_go_and_errors_stay_for_their_own_window(world: World) {
    let at = world.days_ago(10);
    let lines = [vec![success(at); 1_000], vec![error(at); 250]].concat();
    let id = world.completed(10, lines).await;
    let rules = RetentionRules::new()
        .status_audit(Window::days(7))
        .errors(Window::days(30));
    let evertask = world.start(RetentionPolicy::new(rules)).await;
    let report = soon(evertask.run_retention()).await.unwrap();
    assert_eq!(counts(&report), [1_000, 0, 0, 0]);
    assert!(report.steps[0].batches >= 10, "{report:?}");
    assert_eq!(world.lines(id).await, 250);
    soon(evertask.shutdown()).await.unwrap();
}

/// Storage edge case 81, storage scenario S14.
async fn a_knob_below_zero_deletes_nothing_and_is_warned_about_once(world: World) {
    let id = world
        .completed(10, vec![success(world.days_ago(10)); 5])
        .await;
    let rules = RetentionRules::new().status_audit(Window::days(-1));
    let evertask = world.start(RetentionPolicy::new(rules)).await;
    for _ in 0..2 {
        let report = soon(evertask.run_retention()).await.unwrap();
        assert_eq!(counts(&report), [0; 4]);
        let warnings: Vec<_> = report.warnings.iter().map(ToString::to_string).collect();
        let expected = "`status_audit` for all tasks does nothing: it is not longer than zero";
        assert_eq!(warnings, [expected]);
    }
    assert_eq!(world.lines(id).await, 5);
    soon(evertask.shutdown()).await.unwrap();
}

/// Storage edge case 87.
async fn the_policy_set_last_is_the_one_used(world: World) {
    let old = world.completed(8, vec![]).await;
    let first = RetentionRules::uniform(Window::days(30)).purge(EndedTasks::Completed);
    let builder = world.builder().retention(RetentionPolicy::new(first));
    let evertask = soon(builder.retention(a_week()).start()).await.unwrap();
    let report = soon(evertask.run_retention()).await.unwrap();
    assert_eq!(report.tasks(), 1);
    assert!(!world.exists(old).await);
    soon(evertask.shutdown()).await.unwrap();
}

/// Storage specification 4.2.
async fn a_shutdown_ends_a_cycle_between_two_batches(world: World) {
    let id = world
        .completed(8, vec![success(world.days_ago(8)); 250])
        .await;
    let mut held = world.ground.hold(|step| matches!(step, Step::Retention));
    let evertask = world.start(a_week()).await;
    let client = evertask.client().clone();
    let cycle = actix::spawn(async move { client.run_retention().await });
    held.reached().await;
    let mut shutdown = Box::pin(evertask.shutdown());
    assert!(futures::poll!(&mut shutdown).is_pending());
    // Answered after the order to shut down was taken; the batch is still held.
    soon(evertask.task(id)).await.unwrap();
    held.go();
    soon(shutdown).await.unwrap();
    let report = soon(cycle).await.unwrap().unwrap();
    assert!(report.interrupted);
    assert_eq!(counts(&report), [100, 0, 0, 0]);
    assert_eq!(world.lines(id).await, 150);
}
