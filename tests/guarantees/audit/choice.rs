//! Which level a task has: whoever is nearest to it says, and that is never forgotten.

use std::time::Duration;

use evertask::{
    AuditLevel, Builder, EverTask, Status, Task, TaskContext, TaskHandler, TaskOptions, TaskResult,
};
use serde::{Deserialize, Serialize};

use super::{kept, levels};
use crate::one_shot::clock::StagedClock;
use crate::one_shot::home::{Home, becomes};
use crate::one_shot::player::{Diary, Player};
use crate::stage::Numbered;

on_every_storage_and_server! {
    the_dispatch_says_before_the_type_and_the_type_before_the_runtime,
    a_level_survives_a_restart_with_another_default,
    a_level_survives_a_crash,
}

/// A kind of task that keeps runs and errors.
#[derive(Serialize, Deserialize)]
struct Discreet;

impl Task for Discreet {
    const NAME: &'static str = "test.discreet";

    fn options() -> TaskOptions {
        TaskOptions::new().audit(AuditLevel::Minimal)
    }
}

struct Anything;

impl<T: Task> TaskHandler<T> for Anything {
    async fn handle(&self, _: &T, _: &TaskContext) -> TaskResult {
        Ok(())
    }
}

fn builder(home: &Home) -> Builder {
    EverTask::builder()
        .storage(home.clone())
        .handler_for::<Discreet, _>(Anything)
        .handler_for::<Numbered, _>(Anything)
}

/// Storage specification 3.5; the level of a type is ours.
async fn the_dispatch_says_before_the_type_and_the_type_before_the_runtime(home: Home) {
    let quiet = builder(&home).audit_level(AuditLevel::ErrorsOnly);
    for (builder, default) in [
        (builder(&home), AuditLevel::Full),
        (quiet, AuditLevel::ErrorsOnly),
    ] {
        let evertask = builder.start().await.unwrap();
        let later = Duration::from_hours(1);
        let untold = evertask
            .dispatch(Numbered(0))
            .after(later)
            .await
            .unwrap()
            .id;
        let typed = evertask.dispatch(Discreet).after(later).await.unwrap().id;
        let mut told = Vec::new();
        for level in AuditLevel::ALL {
            let task = evertask.dispatch(Discreet).after(later).audit(level);
            told.push((task.await.unwrap().id, level));
        }
        home.shut_down(evertask).await;
        told.extend([(untold, default), (typed, AuditLevel::Minimal)]);
        for (id, level) in told {
            assert_eq!(home.row(id).await.definition.audit_level, level);
        }
    }
}

/// Storage edge case 14.
async fn a_level_survives_a_restart_with_another_default(home: Home) {
    let (diary, clock) = (Diary::default(), StagedClock::new());
    let player = Player::idle(&diary);
    let hour = Duration::from_hours(1);
    let evertask = player.at(&home).clock(clock.clone()).start().await.unwrap();
    let mut ids = Vec::new();
    for (number, level) in levels() {
        let task = evertask.dispatch(Numbered(number)).after(hour).audit(level);
        ids.push(task.await.unwrap().id);
    }
    home.shut_down(evertask).await;
    clock.advance(hour);
    let evertask = player.at(&home).clock(clock.clone());
    let evertask = evertask
        .audit_level(AuditLevel::None)
        .start()
        .await
        .unwrap();
    diary.counts(ids.len(), "completed").await;
    home.shut_down(evertask).await;
    let expected = [(3, 0, 1), (0, 0, 1), (0, 0, 0), (0, 0, 0)];
    for (id, expected) in ids.into_iter().zip(expected) {
        assert_eq!(kept(&home, id).await, expected);
    }
}

/// Storage edge cases 14 and 68.
async fn a_level_survives_a_crash(home: Home) {
    let diary = Diary::default();
    let evertask = Player::cooperative(&diary).at(&home).start().await.unwrap();
    let mut ids = Vec::new();
    for (number, level) in levels() {
        let task = evertask.dispatch(Numbered(number)).audit(level);
        ids.push(task.await.unwrap().id);
    }
    home.commits(1, becomes(Status::InProgress)).await;
    home.crash(evertask).await;
    let evertask = Player::idle(&diary).at(&home);
    let evertask = evertask
        .audit_level(AuditLevel::None)
        .start()
        .await
        .unwrap();
    diary.counts(ids.len(), "completed").await;
    home.shut_down(evertask).await;
    // The first one was running, and is queued and started again.
    let expected = [(5, 0, 1), (0, 0, 1), (0, 0, 0), (0, 0, 0)];
    for (id, expected) in ids.into_iter().zip(expected) {
        assert_eq!(kept(&home, id).await, expected);
    }
}
