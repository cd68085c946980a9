//! Programs change, rows stay: tasks that were stored by an earlier version of the program.

mod names;
mod payloads;

use std::error::Error;
use std::time::Duration;

use evertask::storage::{Answer, Write};
use evertask::time::{ManualClock, Timestamp};
use evertask::{
    Builder, CatalogError, EverTask, StartError, Task, TaskContext, TaskHandler, TaskId,
    TaskResult, WaitReason,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::one_shot::home::Home;
use crate::one_shot::player::Diary;

/// The task as the first program knew it.
#[derive(Debug, Deserialize, Serialize)]
struct Greet {
    a: u32,
}

impl Task for Greet {
    const NAME: &'static str = "test.greet";
}

/// The task under its later name, with one field more.
#[derive(Debug, Deserialize, Serialize)]
struct Welcome {
    a: u32,
    #[serde(default)]
    b: Option<String>,
}

impl Task for Welcome {
    const NAME: &'static str = "test.welcome";
    const ALIASES: &'static [&'static str] = &["test.greet", "test.hello"];
}

/// The task in its third shape: what was a number is a list, and then got a name.
#[derive(Debug, Deserialize, Serialize)]
struct WelcomeAll {
    guests: Vec<u32>,
    #[serde(default)]
    b: Option<String>,
}

impl Task for WelcomeAll {
    const NAME: &'static str = "test.welcome_all";
    const ALIASES: &'static [&'static str] = &["test.welcome", "test.greet"];
    const VERSION: u32 = 3;

    fn upcast(version: u32, mut payload: Value) -> Result<Value, Box<dyn Error + Send + Sync>> {
        match version {
            1 => {
                let guest = payload.get("a").and_then(Value::as_u64);
                payload["a"] = json!([guest.ok_or("it names nobody")?]);
            }
            2 => payload["guests"] = payload["a"].take(),
            other => panic!("there was no version {other}"),
        }
        Ok(payload)
    }
}

/// Notes what it is given.
struct Host(Diary);

impl<T: Task + std::fmt::Debug> TaskHandler<T> for Host {
    async fn handle(&self, task: &T, _: &TaskContext) -> TaskResult {
        self.0.note(format!("{task:?}"));
        Ok(())
    }
}

/// A program that knows that kind of task.
fn program<T: Task + std::fmt::Debug>(home: &Home, diary: &Diary) -> Builder {
    EverTask::builder()
        .storage(home.clone())
        .drain(Duration::ZERO)
        .handler_for::<T, _>(Host(diary.clone()))
}

/// The first program stores tasks, on a clock that never gets to when they are due, and ends.
async fn left_behind(home: &Home, tasks: impl IntoIterator<Item = u32>) -> Vec<TaskId> {
    let long_ago = ManualClock::starting_at(Timestamp::UNIX_EPOCH);
    let evertask = program::<Greet>(home, &Diary::default()).clock(long_ago);
    let evertask = evertask.start().await.unwrap();
    let mut ids = Vec::new();
    for a in tasks {
        let hour = Duration::from_hours(1);
        let stored = evertask.dispatch(Greet { a }).after(hour).await;
        ids.push(stored.unwrap().id);
    }
    home.shut_down(evertask).await;
    ids
}

fn waits_for(reason: WaitReason) -> impl Fn(&Write, &Answer) -> bool {
    move |write, _| matches!(write, Write::Change(change) if change.state.wait_reason == Some(reason))
}

/// Why a program can't be started.
async fn refusal(builder: Builder) -> CatalogError {
    match builder.start().await.unwrap_err() {
        StartError::Catalog(error) => error,
        other => panic!("another error: {other}"),
    }
}
