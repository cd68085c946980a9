//! Issue 4, build 2: a higher priority goes first, and nothing waits for ever.

use std::time::Duration;

use evertask::storage::Answer;
use evertask::task::TaskId;
use evertask::time::Clock;
use evertask::{EverTask, Task, TaskContext, TaskHandler, TaskOptions, TaskResult};
use serde::{Deserialize, Serialize};

use super::line::{Line, single};
use crate::one_shot::clock::StagedClock;
use crate::one_shot::home::Home;
use crate::one_shot::player::settle;
use crate::one_shot::row::waiting;
use crate::stage::Numbered;

on_every_storage_and_server! {
    a_higher_priority_overtakes_what_waits_in_the_window,
    a_task_that_has_waited_long_enough_goes_before_a_higher_priority,
    without_ageing_tasks_run_in_the_order_of_their_instants,
    a_task_that_becomes_due_goes_by_its_priority,
    the_priority_of_a_type_holds_unless_a_dispatch_says_otherwise,
    a_higher_priority_overtakes_a_full_window_and_the_backlog_behind_it,
    what_was_stored_before_a_crash_runs_by_priority,
}

async fn dispatch(evertask: &EverTask, number: u32, priority: i32) -> TaskId {
    let request = evertask.dispatch(Numbered(number)).priority(priority);
    request.await.unwrap().id
}

/// Lets everybody in, one after the other, and answers their order.
async fn play(home: &Home, evertask: EverTask, line: &Line, all: usize) -> Vec<u32> {
    line.release(all);
    line.completed(all).await;
    home.shut_down(evertask).await;
    line.order()
}

async fn a_higher_priority_overtakes_what_waits_in_the_window(home: Home) {
    let line = Line::new();
    let evertask = line.at(&home, single(50)).start().await.unwrap();
    dispatch(&evertask, 0, 0).await;
    line.let_in(1).await;
    for (number, priority) in [(1, 0), (2, -1), (3, 5), (4, 0), (5, 10), (6, 5)] {
        dispatch(&evertask, number, priority).await;
    }
    settle(&evertask).await;
    let order = play(&home, evertask, &line, 7).await;
    assert_eq!(order, [0, 5, 3, 6, 1, 4, 2]);
}

/// A step of priority is worth five minutes, and no more.
async fn a_task_that_has_waited_long_enough_goes_before_a_higher_priority(home: Home) {
    let clock = StagedClock::new();
    let line = Line::new();
    let runtime = line.at(&home, single(50)).clock(clock.clone());
    let evertask = runtime.start().await.unwrap();
    dispatch(&evertask, 0, 0).await;
    line.let_in(1).await;
    dispatch(&evertask, 1, 0).await;
    clock.advance(Duration::from_mins(4));
    dispatch(&evertask, 2, 1).await;
    clock.advance(Duration::from_mins(2));
    dispatch(&evertask, 3, 1).await;
    dispatch(&evertask, 4, 2).await;
    settle(&evertask).await;
    let order = play(&home, evertask, &line, 5).await;
    assert_eq!(order, [0, 4, 2, 1, 3]);
}

async fn without_ageing_tasks_run_in_the_order_of_their_instants(home: Home) {
    let clock = StagedClock::new();
    let line = Line::new();
    let queue = single(50).ageing(Duration::ZERO);
    let runtime = line.at(&home, queue).clock(clock.clone());
    let evertask = runtime.start().await.unwrap();
    dispatch(&evertask, 0, 0).await;
    line.let_in(1).await;
    for (number, priority) in [(1, -10), (2, 0), (3, 10)] {
        clock.advance(Duration::from_secs(1));
        dispatch(&evertask, number, priority).await;
    }
    settle(&evertask).await;
    let order = play(&home, evertask, &line, 4).await;
    assert_eq!(order, [0, 1, 2, 3]);
}

async fn a_task_that_becomes_due_goes_by_its_priority(home: Home) {
    let clock = StagedClock::new();
    let line = Line::new();
    let runtime = line.at(&home, single(50)).clock(clock.clone());
    let evertask = runtime.start().await.unwrap();
    dispatch(&evertask, 0, 0).await;
    line.let_in(1).await;
    let delay = Duration::from_mins(1);
    for (number, priority) in [(1, -1), (2, 3)] {
        let later = evertask.dispatch(Numbered(number)).priority(priority);
        later.after(delay).await.unwrap();
    }
    dispatch(&evertask, 3, 0).await;
    clock.advance(delay);
    let claimed = |answer: &Answer| match answer {
        Answer::Claim(claimed) => claimed.tasks.len() == 2,
        _ => false,
    };
    home.commits(1, |_, answer| claimed(answer)).await;
    settle(&evertask).await;
    let order = play(&home, evertask, &line, 4).await;
    assert_eq!(order, [0, 2, 3, 1]);
}

/// It waits for a claim and a slot, and not until half of the window is free.
async fn a_higher_priority_overtakes_a_full_window_and_the_backlog_behind_it(home: Home) {
    let line = Line::new();
    let evertask = line.at(&home, single(4)).start().await.unwrap();
    dispatch(&evertask, 0, 0).await;
    line.let_in(1).await;
    for number in 1..10 {
        dispatch(&evertask, number, 0).await;
    }
    let urgent = dispatch(&evertask, 10, 1).await;
    home.commits(1, |_, answer| brings(answer, urgent)).await;
    settle(&evertask).await;
    let order = play(&home, evertask, &line, 11).await;
    assert_eq!(order, [0, 10, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
}

fn brings(answer: &Answer, id: TaskId) -> bool {
    let Answer::Claim(claimed) = answer else {
        return false;
    };
    let mut tasks = claimed.tasks.iter();
    tasks.any(|task| task.record.definition.id == id)
}

async fn what_was_stored_before_a_crash_runs_by_priority(home: Home) {
    let clock = StagedClock::new();
    let now = clock.now();
    home.seed(|_| {
        let rows = [(1, 0, 600), (2, 1, 0), (3, 3, 0), (4, 1, 301), (5, -2, 0)];
        let row = |(number, priority, waited): (u32, i32, u64)| {
            let mut record = waiting(number, now - Duration::from_secs(waited));
            record.definition.priority = priority;
            record
        };
        rows.map(row).to_vec()
    })
    .await;
    let line = Line::new();
    // The window is smaller than the backlog, so one claim is not enough.
    let runtime = line.at(&home, single(1)).clock(clock.clone());
    let evertask = runtime.start().await.unwrap();
    let order = play(&home, evertask, &line, 5).await;
    assert_eq!(order, [3, 4, 1, 2, 5]);
}

#[derive(Debug, Serialize, Deserialize)]
struct Alarm;

impl Task for Alarm {
    const NAME: &'static str = "test.alarm";

    fn options() -> TaskOptions {
        TaskOptions::new().priority(7)
    }
}

struct Deaf;

impl TaskHandler<Alarm> for Deaf {
    async fn handle(&self, _: &Alarm, _: &TaskContext) -> TaskResult {
        Ok(())
    }
}

async fn the_priority_of_a_type_holds_unless_a_dispatch_says_otherwise(home: Home) {
    let line = Line::new();
    let runtime = line.at(&home, single(50)).handler(Deaf);
    let evertask = runtime.start().await.unwrap();
    let loud = evertask.dispatch(Alarm).await.unwrap().id;
    let quiet = evertask.dispatch(Alarm).priority(0).await.unwrap().id;
    let plain = evertask.dispatch(Numbered(0)).await.unwrap().id;
    for (id, priority) in [(loud, 7), (quiet, 0), (plain, 0)] {
        assert_eq!(home.row(id).await.definition.priority, priority);
    }
    line.release(1);
    home.shut_down(evertask).await;
}
