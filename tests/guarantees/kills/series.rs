//! A series whose process is killed again and again.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use evertask::{
    EventStream, EverTask, Status, Task, TaskContext, TaskEventKind, TaskHandler, TaskId,
    TaskResult,
};
use evertask_entities::{run, task};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::child::{Orders, Voice, assignment};
use super::database::{self, rows, status};
use super::hasty::HastyClock;
use super::report::{Order, What};
use super::runs;
use super::scene::Scene;
use crate::dice::Dice;

/// The path of the entry test.
const ENTRY: &str = "kills::series::a_child_with_a_series";

const SERIES: TaskId = TaskId(Uuid::from_u128(29));
const STEP: Duration = Duration::from_secs(1);
const RUNS: u32 = 80;
const KILLS: u32 = 8;

/// How many runs a child that is going to be killed begins at most, however late the kill comes.
const BEATS: u32 = 8;

/// What a child is told to do; only the last one sees the series to its end.
const DISPATCH: u32 = 1;
const GO_ON: u32 = 2;
const SEE_TO_THE_END: u32 = 0;

#[derive(Debug, Deserialize, Serialize)]
struct Beat;

impl Task for Beat {
    const NAME: &'static str = "test.beat";
}

struct Drummer {
    voice: Voice,
    beats_left: AtomicU32,
}

impl TaskHandler<Beat> for Drummer {
    async fn handle(&self, _: &Beat, context: &TaskContext) -> TaskResult {
        self.voice.say(What::InProgress(context.id()));
        let left = self.beats_left.fetch_sub(1, Ordering::Relaxed);
        if left == 1 {
            context.cancelled().await;
        }
        Ok(())
    }
}

/// Does nothing unless a test starts it as a child.
#[actix::test]
async fn a_child_with_a_series() {
    let Some(assignment) = assignment() else {
        return;
    };
    let (voice, orders) = (assignment.voice(), Orders::listen());
    let evertask = EverTask::builder()
        .clock(HastyClock::new())
        .storage(assignment.storage());
    let is_last = assignment.tasks == SEE_TO_THE_END;
    let drummer = Drummer {
        voice,
        beats_left: AtomicU32::new(if is_last { u32::MAX } else { BEATS }),
    };
    let evertask = evertask.handler(drummer).start().await.unwrap();
    let told = actix::spawn(tell_the_end(evertask.clone(), evertask.events(), voice));
    if assignment.tasks == DISPATCH {
        let series = evertask.dispatch(Beat).id(SERIES);
        series.every(STEP).max_runs(RUNS).await.unwrap();
    }
    orders.given(Order::Stop).await;
    evertask.shutdown().await.unwrap();
    told.abort();
    voice.say(What::Closed);
}

/// Reports when the series is over.
async fn tell_the_end(evertask: EverTask, mut events: EventStream, voice: Voice) {
    while let Some(event) = events.next().await {
        if event.kind != TaskEventKind::Completed {
            continue;
        }
        let view = evertask.task(event.id).await.unwrap().unwrap();
        if view.record.state.is_over() {
            voice.say(What::Over(event.id));
            return;
        }
    }
}

/// Storage edge case 29: whenever the process dies, each run that is stored has moved the series on,
/// and no occurrence has two. Storage edge case 31: the counter is the number of runs.
#[actix::test]
async fn a_run_is_completed_and_advanced_in_one_commit_whenever_the_process_dies() {
    let mut scene = Scene::new();
    let mut dice = Dice::new(29);
    let mut counts = Vec::new();
    for kill in 0..KILLS {
        let child = scene.start(ENTRY, if kill == 0 { DISPATCH } else { GO_ON });
        for _ in 0..=dice.throw(6) {
            scene.until(|report| matches!(report.what, What::InProgress(_)));
        }
        scene.kill(child);
        counts.push(look(&scene).await.len());
    }
    assert!(counts.is_sorted() && counts[0] < counts[counts.len() - 1]);
    assert!(
        *counts.last().unwrap() < RUNS as usize,
        "it was over before the last kill"
    );

    let last = scene.start(ENTRY, SEE_TO_THE_END);
    scene.until_told(&last, What::Over(SERIES));
    scene.stop(last);
    assert_eq!(look(&scene).await.len(), RUNS as usize);
    let row = row(&scene).await;
    assert_eq!(status(&row), Status::Completed);
    assert_eq!(
        (row.next_run_at, row.available_at, row.owner),
        (None, None, None)
    );
}

async fn row(scene: &Scene) -> task::Model {
    let mut rows = rows(&scene.database()).await;
    rows.remove(&SERIES).unwrap()
}

/// Holds the row against the runs that are stored.
async fn look(scene: &Scene) -> Vec<run::Model> {
    let runs = database::runs(&scene.database(), SERIES).await;
    let mut lives = runs::hold(&row(scene).await, runs);
    assert_eq!(lives.len(), 1, "nobody revives it");
    lives.remove(0)
}
