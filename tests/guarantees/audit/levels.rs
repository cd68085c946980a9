//! What each level keeps of whole lives.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use evertask::task::RowState;
use evertask::{AuditLevel, EventStream, RetryPolicy, Status, TaskError, TaskEventKind, TaskId};

use super::{kept, levels};
use crate::one_shot::clock::StagedClock;
use crate::one_shot::home::Home;
use crate::one_shot::player::{Diary, Player};
use crate::series::{STEP, ends_run};
use crate::stage::{Numbered, event};

on_every_storage_and_server! {
    each_level_keeps_the_rows_it_should,
    the_row_says_the_same_at_every_level,
    subscribers_see_the_same_at_every_level,
    a_parked_retry_knows_its_failure_at_every_level,
}

const RETRY: Duration = Duration::from_millis(500);
const RUNS: u32 = 10;

/// A task of no interest, of those that succeed.
const FENCE: u32 = 999;

/// A task that succeeds, one that fails after three retries, and a series of ten runs, of which two
/// fail, all kept at one level.
struct Lives {
    level: AuditLevel,
    succeeded: TaskId,
    failed: TaskId,
    series: TaskId,
    events: [Vec<TaskEventKind>; 3],
}

/// Lives them at every level, one after the other.
async fn lived(home: &Home) -> Vec<Lives> {
    let (diary, clock) = (Diary::default(), StagedClock::new());
    let runs = Arc::new(AtomicU32::new(0));
    let player = Player::new(&diary, move |number, context| {
        let runs = Arc::clone(&runs);
        async move {
            let attempt = context.attempt();
            match number % 3 {
                0 => Ok(()),
                1 => Err(TaskError::other(format!("reason {attempt}"))),
                _ => match runs.fetch_add(1, Ordering::Relaxed) % RUNS {
                    2 | 6 => Err(TaskError::permanent("not this time")),
                    _ => Ok(()),
                },
            }
        }
    });
    let evertask = player.at(home).clock(clock.clone()).start().await.unwrap();
    let mut events = evertask.events();
    let mut lives = Vec::new();
    for (index, level) in levels() {
        let dispatch = |kind| evertask.dispatch(Numbered(3 * index + kind)).audit(level);
        let succeeded = dispatch(0).await.unwrap().id;
        let failed = dispatch(1).await.unwrap().id;
        for _ in 0..3 {
            clock.pass(RETRY).await;
        }
        diary
            .says(&format!("error {}: other: reason 4", 3 * index + 1))
            .await;
        let series = dispatch(2).every(STEP).max_runs(RUNS).await.unwrap().id;
        for run in 1..=RUNS {
            let ended = (index * RUNS + run) as usize;
            home.commits(ended, ends_run).await;
            evertask.dispatch(Numbered(FENCE)).await.unwrap();
            diary.counts(ended, &format!("completed {FENCE}")).await;
            // Its delivery is over, too, so the next one is claimed once.
            while evertask.in_memory().deliveries > 0 {
                tokio::task::yield_now().await;
            }
            clock.advance(STEP);
        }
        let events = told(&mut events, [succeeded, failed, series]).await;
        lives.push(Lives {
            level,
            succeeded,
            failed,
            series,
            events,
        });
    }
    home.shut_down(evertask).await;
    lives
}

/// Takes the events of three tasks, up to the end of the last run of the third.
async fn told(events: &mut EventStream, ids: [TaskId; 3]) -> [Vec<TaskEventKind>; 3] {
    let mut told = <[Vec<TaskEventKind>; 3]>::default();
    let mut runs = 0;
    event(events, |event| {
        assert_eq!(event.missed, 0);
        let Some(task) = ids.iter().position(|id| *id == event.id) else {
            return false;
        };
        told[task].push(event.kind.clone());
        let ends = matches!(
            event.kind,
            TaskEventKind::Completed | TaskEventKind::Failed(_)
        );
        runs += u32::from(task == 2 && ends);
        runs == RUNS
    })
    .await;
    told
}

/// Storage scenario S4, by the tables of storage specification 3.4.
async fn each_level_keeps_the_rows_it_should(home: Home) {
    for lives in lived(&home).await {
        let (succeeded, failed, series) = match lives.level {
            AuditLevel::Full => ((3, 0, 1), (3, 0, 4), (30, 10, 10)),
            AuditLevel::Minimal => ((0, 0, 1), (1, 0, 4), (2, 10, 10)),
            AuditLevel::ErrorsOnly => ((0, 0, 0), (1, 0, 4), (2, 2, 2)),
            AuditLevel::None => ((0, 0, 0), (0, 0, 0), (0, 0, 0)),
        };
        let level = lives.level;
        assert_eq!(kept(&home, lives.succeeded).await, succeeded, "{level}");
        assert_eq!(kept(&home, lives.failed).await, failed, "{level}");
        assert_eq!(kept(&home, lives.series).await, series, "{level}");
        if level == AuditLevel::Full {
            let all = [Status::Queued, Status::InProgress, Status::Completed];
            assert_eq!(home.audited(lives.succeeded).await, all);
            assert_eq!(home.audited(lives.failed).await[..2], all[..2]);
        }
        for run in home.runs(lives.series).await {
            assert_eq!(run.failure.is_some(), [3, 7].contains(&run.number));
        }
    }
}

/// Storage specification 3.4: status, failure, counter and next run do not depend on the level.
async fn the_row_says_the_same_at_every_level(home: Home) {
    let lives = lived(&home).await;
    for pick in [
        |lives: &Lives| lives.succeeded,
        |lives: &Lives| lives.failed,
        |lives: &Lives| lives.series,
    ] {
        let mut states = Vec::new();
        for lives in &lives {
            let state = home.row(pick(lives)).await.state;
            assert!(state.last_execution_at.is_some());
            // They lived at different times.
            states.push(RowState {
                last_execution_at: None,
                ..state
            });
        }
        for state in &states {
            assert_eq!(state, &states[0]);
        }
    }
    assert_eq!(home.row(lives[3].series).await.state.run_count, RUNS);
    let failure = home.row(lives[3].failed).await.state.failure.unwrap();
    assert!(
        failure
            .text
            .starts_with("all 4 attempts failed\n1. other: reason 1\n")
    );
}

/// A level is about what is stored: who listens hears everything.
async fn subscribers_see_the_same_at_every_level(home: Home) {
    let lives = lived(&home).await;
    let [succeeded, failed, series] = &lives[0].events;
    assert_eq!(
        succeeded[..],
        [
            TaskEventKind::Dispatched,
            TaskEventKind::Queued,
            TaskEventKind::Started,
            TaskEventKind::Completed
        ]
    );
    let is_failed_attempt =
        |kind: &&TaskEventKind| matches!(kind, TaskEventKind::AttemptFailed { .. });
    assert_eq!(failed.iter().filter(is_failed_attempt).count(), 3);
    let is_failed = |kind: &&TaskEventKind| matches!(kind, TaskEventKind::Failed(_));
    assert_eq!(series.iter().filter(is_failed).count(), 2);
    assert_eq!(series.len(), 1 + 3 * RUNS as usize);
    for other in &lives[1..] {
        assert_eq!(other.events, lives[0].events, "{}", other.level);
    }
}

/// Where attempts are not kept, the row says what the last one failed of.
async fn a_parked_retry_knows_its_failure_at_every_level(home: Home) {
    const DELAY: Duration = Duration::from_secs(5);
    let (diary, clock) = (Diary::default(), StagedClock::new());
    let player = Player::new(&diary, |_, context| async move {
        Err(TaskError::other(format!("reason {}", context.attempt())))
    });
    let evertask = player.at(&home).clock(clock.clone()).start().await.unwrap();
    for (number, level) in levels() {
        let policy = RetryPolicy::Linear {
            retries: 2,
            delay: DELAY,
        };
        let task = evertask.dispatch(Numbered(number)).audit(level);
        let id = task.retry(policy).await.unwrap().id;
        for attempt in 1..=2 {
            let parked = |write: &evertask::storage::Write, _: &_| {
                let evertask::storage::Write::Change(change) = write else {
                    return false;
                };
                let state = &change.state;
                change.id == id && state.attempts == attempt && state.owner.is_none()
            };
            home.commits(1, parked).await;
            clock.advance(DELAY);
            let retry = format!(
                "retry {number}.{} after 5s: other: reason {attempt}",
                attempt + 1
            );
            diary.says(&retry).await;
        }
        diary
            .says(&format!("error {number}: other: reason 3"))
            .await;
        let text = home.row(id).await.state.failure.unwrap().text;
        let expected = match level {
            AuditLevel::None => "all 3 attempts failed\n2. other: reason 2\n3. other: reason 3",
            AuditLevel::Full | AuditLevel::Minimal | AuditLevel::ErrorsOnly => {
                "all 3 attempts failed\n1. other: reason 1\n2. other: reason 2\n3. other: reason 3"
            }
        };
        assert_eq!(text, expected, "{level}");
    }
    home.shut_down(evertask).await;
}
