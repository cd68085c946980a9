//! A series goes only when it is over, and only if that is asked for (storage specification 4.5).

use super::World;
use super::cycle::{days, days_ago, ended_series, run};
use super::process::Process;
use super::sample::{id, keyed};
use crate::retention::{EndedTasks, RetentionRules};
use crate::storage::InsertAnswer;
use crate::task::Status;

const ENDS: [Status; 3] = [Status::Completed, Status::Failed, Status::Cancelled];

fn purging_series() -> RetentionRules {
    RetentionRules::uniform(days(7)).purge(EndedTasks::Series)
}

/// Storage specification 4.6: a recurring task that completed 100 days ago.
pub async fn a_finished_series_is_purged_only_if_that_is_asked_for(world: &dyn World) {
    let process = Process::start(world).await;
    for (number, status) in (1..).zip(ENDS) {
        let series = ended_series(number, status, days_ago(100));
        process.store(&[series]).await;
    }
    let others = RetentionRules::uniform(days(7))
        .purge(EndedTasks::Completed)
        .purge(EndedTasks::Failed)
        .purge(EndedTasks::Cancelled);
    assert_eq!(process.cycle(&others).await, []);
    let deleted = process.cycle(&purging_series()).await;
    assert_eq!(deleted, [("finished_series", vec![3])]);
    assert_eq!(process.existing(1..=3).await, []);
}

/// It shows how its last run ended. A cancel ends a series whatever was to come.
pub async fn a_series_between_two_runs_is_never_purged(world: &dyn World) {
    let process = Process::start(world).await;
    for (number, status) in (1..).zip(ENDS) {
        let mut series = ended_series(number, status, days_ago(100));
        series.state.next_run_at = Some(days_ago(-1));
        process.store(&[series]).await;
    }
    process.cycle(&purging_series()).await;
    assert_eq!(process.existing(1..=3).await, [1, 2]);
}

/// Its last run may have failed, and failures are kept longer.
pub async fn a_run_inside_its_window_holds_its_series(world: &dyn World) {
    let process = Process::start(world).await;
    for (number, status) in [(1, Status::Failed), (2, Status::Completed)] {
        let series = ended_series(number, status, days_ago(100));
        process.store(std::slice::from_ref(&series)).await;
        let runs = vec![run(days_ago(29), status), run(days_ago(100), status)];
        process.add_runs(&series, runs).await;
    }
    let rules = RetentionRules::error_priority(days(7), days(30)).purge(EndedTasks::Series);
    process.cycle(&rules).await;
    assert_eq!(process.existing(1..=2).await, [1]);
    assert_eq!(process.runs(id(1)).await.len(), 1);
}

pub async fn a_run_without_a_window_holds_its_series(world: &dyn World) {
    let process = Process::start(world).await;
    let series = ended_series(1, Status::Completed, days_ago(100));
    process.store(std::slice::from_ref(&series)).await;
    let runs = vec![run(days_ago(100), Status::Completed)];
    process.add_runs(&series, runs).await;
    let rules = RetentionRules::new()
        .status_audit(days(7))
        .purge(EndedTasks::Series);
    assert_eq!(process.cycle(&rules).await, []);
}

/// A series keeps its key when it is over; the key goes with it.
pub async fn the_key_of_a_purged_series_is_free_again(world: &dyn World) {
    let process = Process::start(world).await;
    let mut series = ended_series(1, Status::Completed, days_ago(100));
    series.definition.key = Some("nightly".to_owned());
    series.state.active_key = Some("nightly".to_owned());
    process.store(std::slice::from_ref(&series)).await;
    let again = keyed(2, "nightly");
    let taken = process.insert(&again).await;
    assert_eq!(taken, InsertAnswer::KeyTaken(Box::new(series)));
    process.cycle(&purging_series()).await;
    assert_eq!(process.insert(&again).await, InsertAnswer::Stored);
}
