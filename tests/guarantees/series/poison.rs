//! Series that can't be read, and that they harm nobody else.

use evertask::storage::{Answer, Write};
use evertask::task::SeriesDefinition;
use evertask::time::Timestamp;
use evertask::{FailureKind, Status, TaskRecord, WaitReason};

use super::assert_over;
use crate::one_shot::home::{Home, becomes};
use crate::one_shot::player::{Diary, Player};
use crate::one_shot::row::{id_of, waiting};
use crate::one_shot::session::Fault;
use crate::stage::Numbered;

on_every_storage_and_server! {
    a_series_that_can_not_be_read_is_poisoned_once_and_for_ever,
    a_poison_that_can_not_be_stored_does_not_stop_the_others,
    a_series_whose_payload_can_not_be_read_fails_in_the_fifth_start,
    rows_that_can_not_run_harm_no_other,
}

const T0: Timestamp = Timestamp::UNIX_EPOCH;

fn series(number: u32, schedule: &str) -> TaskRecord {
    let mut row = waiting(number, T0);
    row.definition.series = Some(SeriesDefinition {
        schedule: schedule.to_owned(),
        anchor: T0,
        max_runs: None,
        run_until: None,
        ..SeriesDefinition::default()
    });
    row.state.next_run_at = Some(T0);
    row
}

fn waits_for(reason: WaitReason) -> impl Fn(&Write, &Answer) -> bool {
    move |write, _| matches!(write, Write::Change(change) if change.state.wait_reason == Some(reason))
}

async fn errors(home: &Home, number: u32) -> usize {
    let audit = home.audit(id_of(number)).await;
    let errors = audit.iter().filter(|entry| entry.failure.is_some());
    errors.count()
}

/// Storage edge cases 19 and 20: failed and without a next run in one write, at the first start;
/// never run as if it had no schedule.
async fn a_series_that_can_not_be_read_is_poisoned_once_and_for_ever(home: Home) {
    let unreadable = [
        "99 99 * * *",
        "",
        "null",
        r#"{"every":1}"#,
        r#"{"every":0,"unit":"seconds"}"#,
        r#"{"every":1,"unit":"months","on_days":[99]}"#,
    ];
    let rows = (0..).zip(unreadable);
    let rows: Vec<_> = rows.map(|(number, text)| series(number, text)).collect();
    home.seed(|_| rows).await;
    let diary = Diary::default();
    let player = Player::idle(&diary);
    let mut poisoned = Vec::new();
    for start in 1..=4 {
        let evertask = player.at(&home).start().await.unwrap();
        home.commits(unreadable.len(), becomes(Status::Failed))
            .await;
        evertask.dispatch(Numbered(90 + start)).await.unwrap();
        diary.says(&format!("completed {}", 90 + start)).await;
        home.shut_down(evertask).await;
        let mut rows = Vec::new();
        for (number, text) in (0..).zip(unreadable) {
            let row = home.row(id_of(number)).await;
            assert_over(&row);
            assert_eq!(row.state.status, Status::Failed, "{text}");
            let failure = row.state.failure.as_ref().unwrap();
            assert_eq!(failure.kind, FailureKind::Undecodable);
            assert!(failure.text.contains("schedule"), "{failure}");
            assert_eq!(errors(&home, number).await, 1, "{text}");
            assert_eq!(home.runs(id_of(number)).await, []);
            rows.push(row);
        }
        if start > 1 {
            assert_eq!(rows, poisoned, "start {start}");
        }
        poisoned = rows;
    }
    assert_eq!(diary.count("handle"), 4);
}

/// Storage edge case 21.
async fn a_poison_that_can_not_be_stored_does_not_stop_the_others(home: Home) {
    let poisons = |write: &Write| matches!(write, Write::Change(change) if change.state.status == Status::Failed);
    home.seed(|_| vec![series(0, "never"), waiting(1, T0), waiting(2, T0)])
        .await;
    home.fail(3, Fault::Rejected, poisons);
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    diary.says("completed 1").await;
    diary.says("completed 2").await;
    home.commits(1, becomes(Status::Failed)).await;
    home.shut_down(evertask).await;
    assert_over(&home.row(id_of(0)).await);
    assert_eq!(errors(&home, 0).await, 1);
}

/// Storage specification 6 and edge case 17, for a series: counted at most once per start, and the
/// series is over with the fifth.
async fn a_series_whose_payload_can_not_be_read_fails_in_the_fifth_start(home: Home) {
    let hourly = r#"{"every":876000,"unit":"hours"}"#;
    let mut row = series(0, hourly);
    "{".clone_into(&mut row.definition.payload);
    home.seed(|_| vec![row]).await;
    let diary = Diary::default();
    let player = Player::idle(&diary);
    for start in 1..=4_u32 {
        let evertask = player.at(&home).start().await.unwrap();
        home.commits(start as usize, waits_for(WaitReason::Undecodable))
            .await;
        home.shut_down(evertask).await;
        let state = home.row(id_of(0)).await.state;
        assert_eq!((state.recovery_failures, state.run_count), (start, 0));
        assert_eq!(state.next_run_at, Some(T0), "the occurrence is not lost");
    }
    let evertask = player.at(&home).start().await.unwrap();
    home.commits(1, becomes(Status::Failed)).await;
    home.shut_down(evertask).await;
    assert_over(&home.row(id_of(0)).await);
    assert_eq!(diary.entries(), [""; 0]);
}

/// Storage scenario S10; the unknown task waits, as the decisions say.
async fn rows_that_can_not_run_harm_no_other(home: Home) {
    const UNKNOWN: u32 = 100;
    const BROKEN: u32 = 101;
    const SERIES: [u32; 2] = [102, 103];
    let mut rows: Vec<_> = (0..=BROKEN).map(|number| waiting(number, T0)).collect();
    "test.unknown".clone_into(&mut rows[UNKNOWN as usize].definition.task);
    "{\"half\":".clone_into(&mut rows[BROKEN as usize].definition.payload);
    rows.push(series(SERIES[0], "99 99 * * *"));
    rows.push(series(SERIES[1], r#"{"kind":"on_days","days":[99]}"#));
    home.seed(|_| rows).await;
    let diary = Diary::default();
    let player = Player::idle(&diary);
    for start in 1..=5_u32 {
        let evertask = player.at(&home).start().await.unwrap();
        let failed = SERIES.len() + usize::from(start == 5);
        home.commits(failed, becomes(Status::Failed)).await;
        let undecodable = start.min(4) as usize;
        home.commits(undecodable, waits_for(WaitReason::Undecodable))
            .await;
        home.commits(1, waits_for(WaitReason::NoHandler)).await;
        diary.counts(100, "completed").await;
        home.shut_down(evertask).await;

        let unknown = home.row(id_of(UNKNOWN)).await.state;
        assert_eq!(unknown.status, Status::WaitingQueue);
        assert_eq!(unknown.wait_reason, Some(WaitReason::NoHandler));
        let broken = home.row(id_of(BROKEN)).await.state;
        assert_eq!(broken.recovery_failures, start);
        assert_eq!(broken.is_over(), start == 5);
        for number in SERIES {
            assert_over(&home.row(id_of(number)).await);
            assert_eq!(errors(&home, number).await, 1);
        }
    }
    assert_eq!(diary.count("handle"), 100, "each ran once");
    assert_eq!(home.status(id_of(BROKEN)).await, Status::Failed);
    assert_eq!(errors(&home, BROKEN).await, 1);
}
