//! What is done with all tasks that a filter means.

use std::time::Duration;

use evertask::storage::query::TaskFilter;
use evertask::{Dispatch, EverTask, ManageAll, ManageReport, Status, TaskError};

use super::clock::StagedClock;
use super::home::{Home, becomes};
use super::player::{Diary, Player};
use crate::stage::Numbered;

on_every_storage_and_server! {
    what_failed_runs_again_page_by_page,
    what_it_can_not_be_done_with_is_left_alone,
    what_is_over_is_deleted_by_a_filter,
}

const HOUR: Duration = Duration::from_hours(1);

/// More than a page has.
const MANY: u32 = 250;

fn of_status(status: Status) -> TaskFilter {
    TaskFilter {
        statuses: vec![status],
        ..TaskFilter::default()
    }
}

fn counts(report: ManageReport) -> [u64; 3] {
    [report.done, report.refused, report.unknown]
}

async fn dispatch(evertask: &EverTask, numbers: std::ops::Range<u32>, tag: &str, after: Duration) {
    let task = |number| Dispatch::new(Numbered(number)).tag(tag).after(after);
    let tasks: Vec<_> = numbers.map(task).collect();
    for answer in evertask.dispatch_all(tasks).await.unwrap() {
        answer.unwrap();
    }
}

async fn what_failed_runs_again_page_by_page(home: Home) {
    let diary = Diary::default();
    let failing = Player::new(&diary, |_, _| async { Err(TaskError::permanent("no")) });
    let evertask = failing.at(&home).start().await.unwrap();
    dispatch(&evertask, 0..MANY, "import", Duration::ZERO).await;
    home.commits(MANY as usize, becomes(Status::Failed)).await;
    home.shut_down(evertask).await;
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    let retry = ManageAll::retry(of_status(Status::Failed)).by("ada");
    let report = evertask.manage_all(retry).await.unwrap();
    assert_eq!(counts(report), [u64::from(MANY), 0, 0]);
    home.commits(MANY as usize, becomes(Status::Completed))
        .await;
    home.shut_down(evertask).await;
    assert_eq!(diary.count("completed"), MANY as usize);
}

async fn what_it_can_not_be_done_with_is_left_alone(home: Home) {
    let (diary, clock) = (Diary::default(), StagedClock::new());
    let player = Player::idle(&diary).at(&home).clock(clock.clone());
    let evertask = player.start().await.unwrap();
    dispatch(&evertask, 0..2, "meant", Duration::ZERO).await;
    home.commits(2, becomes(Status::Completed)).await;
    dispatch(&evertask, 2..5, "meant", HOUR).await;
    dispatch(&evertask, 5..6, "other", HOUR).await;
    let meant = || TaskFilter {
        tag: Some("meant".to_owned()),
        ..TaskFilter::default()
    };
    let pause = ManageAll::pause(meant()).by("ada");
    let report = evertask.manage_all(pause).await.unwrap();
    assert_eq!(counts(report), [3, 2, 0]);
    clock.advance(HOUR);
    diary.says("completed 5").await;
    let report = evertask.manage_all(ManageAll::run_now(meant())).await;
    assert_eq!(counts(report.unwrap()), [0, 5, 0]);
    let report = evertask.manage_all(ManageAll::resume(meant())).await;
    assert_eq!(counts(report.unwrap()), [3, 2, 0]);
    home.commits(6, becomes(Status::Completed)).await;
    home.shut_down(evertask).await;
}

async fn what_is_over_is_deleted_by_a_filter(home: Home) {
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    dispatch(&evertask, 0..MANY, "import", Duration::ZERO).await;
    home.commits(MANY as usize, becomes(Status::Completed))
        .await;
    dispatch(&evertask, MANY..MANY + 1, "import", HOUR).await;
    let delete = ManageAll::delete(TaskFilter::default());
    let report = evertask.manage_all(delete.because("it is over")).await;
    assert_eq!(counts(report.unwrap()), [u64::from(MANY), 1, 0]);
    let left = evertask.manage_all(ManageAll::delete(TaskFilter::default()));
    assert_eq!(counts(left.await.unwrap()), [0, 1, 0]);
    home.shut_down(evertask).await;
}
