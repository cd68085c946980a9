//! Lives that somebody or something cuts short.

use std::time::Duration;

use evertask::task::SeriesDefinition;
use evertask::time::Timestamp;
use evertask::{AuditLevel, Cancel, Status};

use super::{errors, kept, levels, lines_of};
use crate::one_shot::home::{Home, becomes};
use crate::one_shot::player::{Diary, Player};
use crate::one_shot::row::{id_of, waiting};
use crate::stage::Numbered;

on_every_storage_and_server! {
    a_task_that_a_shutdown_interrupts_leaves_six_lines_at_most,
    a_poisoned_series_leaves_one_error_unless_nothing_is_kept,
    a_cancel_is_kept_with_who_and_why_at_every_level,
}

/// Storage specification 3.4, storage edge case 67.
async fn a_task_that_a_shutdown_interrupts_leaves_six_lines_at_most(home: Home) {
    let diary = Diary::default();
    for (number, level) in levels() {
        let cooperative = Player::cooperative(&diary).at(&home).drain(Duration::ZERO);
        let evertask = cooperative.start().await.unwrap();
        let id = evertask.dispatch(Numbered(number)).audit(level);
        let id = id.await.unwrap().id;
        diary.says(&format!("handle {number}.1")).await;
        home.shut_down(evertask).await;
        let stopped = home.row(id).await.state;
        assert_eq!(stopped.status, Status::ServiceStopped);
        let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
        diary.says(&format!("completed {number}")).await;
        home.shut_down(evertask).await;
        let audited = home.audited(id).await;
        if level == AuditLevel::Full {
            let once = [Status::Queued, Status::InProgress];
            let expected = [
                &once[..],
                &[Status::ServiceStopped],
                &once[..],
                &[Status::Completed],
            ];
            assert_eq!(audited, expected.concat());
        } else {
            assert_eq!(audited, [], "{level}");
        }
    }
}

/// Storage specification 3.4; at the full level its way to the window is told, too.
async fn a_poisoned_series_leaves_one_error_unless_nothing_is_kept(home: Home) {
    let start = Timestamp::UNIX_EPOCH;
    let rows = levels().map(|(number, level)| {
        let mut row = waiting(number, start);
        row.definition.audit_level = level;
        row.definition.series = Some(SeriesDefinition {
            schedule: "99 99 * * *".to_owned(),
            anchor: start,
            max_runs: None,
            run_until: None,
            ..SeriesDefinition::default()
        });
        row.state.next_run_at = Some(start);
        row
    });
    let rows: Vec<_> = rows.collect();
    home.seed(|_| rows).await;
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    home.commits(4, becomes(Status::Failed)).await;
    home.shut_down(evertask).await;
    for (number, level) in levels() {
        let id = id_of(number);
        let expected = usize::from(level != AuditLevel::None);
        assert_eq!(errors(&home, id).await, expected, "{level}");
        let queued = usize::from(level == AuditLevel::Full);
        assert_eq!(kept(&home, id).await, (expected + queued, 0, 0), "{level}");
        assert_eq!(home.status(id).await, Status::Failed);
    }
}

/// Storage edge case 55, storage scenario S21: while it waits and while it runs.
async fn a_cancel_is_kept_with_who_and_why_at_every_level(home: Home) {
    let diary = Diary::default();
    let evertask = Player::cooperative(&diary).at(&home).start().await.unwrap();
    for (number, level) in levels() {
        let running = evertask.dispatch(Numbered(number)).audit(level);
        let running = running.await.unwrap().id;
        diary.says(&format!("handle {number}.1")).await;
        let hour = Duration::from_hours(1);
        let waiting = evertask.dispatch(Numbered(number)).after(hour).audit(level);
        let waiting = waiting.await.unwrap().id;
        let series = evertask.dispatch(Numbered(number)).after(hour).every(hour);
        let series = series.audit(level).await.unwrap().id;
        for id in [running, waiting, series] {
            let cancel = Cancel::new(id).by("ada").because("not needed");
            evertask.send_cancel(cancel).await.unwrap();
        }
        diary.counts(number as usize + 1, "error").await;
        for id in [running, waiting, series] {
            assert_eq!(home.status(id).await, Status::Cancelled);
            assert_eq!(lines_of(&home, id, Status::Cancelled).await, 1, "{level}");
            let audit = home.audit(id).await;
            let line = audit.last().unwrap();
            assert_eq!(line.status, Status::Cancelled);
            assert_eq!(line.actor.as_deref(), Some("ada"));
            assert_eq!(line.reason.as_deref(), Some("not needed"));
        }
    }
    home.shut_down(evertask).await;
}
