//! Tasks that run again and again: which occurrences run, what is counted, and when it is over.

mod counting;
mod ending;
mod interruption;
mod keys;
mod manage;
mod poison;
mod policies;
mod registration;
mod rhythm;
mod schedules;
mod ten_years;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use evertask::storage::{Answer, ChangeAnswer, Write};
use evertask::time::{Clock, Timestamp};
use evertask::{Builder, EverTask, Queue, RunRecord, TaskContext, TaskId, TaskRecord, TaskResult};

use crate::one_shot::clock::StagedClock;
use crate::one_shot::home::Home;
use crate::one_shot::player::{Diary, Player, settle};
use crate::stage::Numbered;

/// How far the occurrences are apart here, if a test does not say otherwise.
pub(crate) const STEP: Duration = Duration::from_mins(1);

/// The task of the series; [`FENCE`] shows that something else was done meanwhile.
const SERIES: Numbered = Numbered(0);

const FENCE: u32 = 99;

/// A series on a clock that stands still, across restarts.
struct Stage {
    home: Home,
    clock: StagedClock,
    begun: Timestamp,
    diary: Diary,
    player: Player,
}

impl Stage {
    /// A stage whose player is told which time it is asked to handle the series, from 1.
    fn new<F>(home: Home, body: impl Fn(u32, TaskContext) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = TaskResult> + Send + 'static,
    {
        Self::with_clock(home, StagedClock::new(), body)
    }

    fn with_clock<F>(
        home: Home,
        clock: StagedClock,
        body: impl Fn(u32, TaskContext) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = TaskResult> + Send + 'static,
    {
        let diary = Diary::default();
        let entered = AtomicU32::new(0);
        let body = Arc::new(body);
        let player = Player::new(&diary, move |number, context| {
            let body = Arc::clone(&body);
            let time = match number {
                FENCE => None,
                _ => Some(entered.fetch_add(1, Ordering::Relaxed) + 1),
            };
            async move {
                match time {
                    Some(time) => body(time, context).await,
                    None => Ok(()),
                }
            }
        });
        Self {
            begun: clock.now(),
            home,
            clock,
            diary,
            player,
        }
    }

    /// A stage whose runs all succeed at once.
    fn idle(home: Home) -> Self {
        Self::new(home, |_, _| async { Ok(()) })
    }

    async fn start(&self) -> EverTask {
        self.builder().start().await.unwrap()
    }

    /// Starts with slots for several runs at the same time.
    async fn start_wide(&self) -> EverTask {
        let queue = Queue::new(Queue::RECURRING).parallelism(4).capacity(50);
        self.builder().queue(queue).start().await.unwrap()
    }

    fn builder(&self) -> Builder {
        // What runs is told to stop as soon as a shutdown begins.
        let builder = self.player.at(&self.home).clock(self.clock.clone());
        builder.drain(Duration::ZERO)
    }

    /// An instant that many seconds after the beginning.
    fn at(&self, seconds: u64) -> Timestamp {
        self.begun + Duration::from_secs(seconds)
    }

    /// Lets it be that many seconds after the beginning.
    fn advance_to(&self, seconds: u64) {
        let ahead = self.at(seconds) - self.clock.now();
        self.clock.advance(ahead.to_std().unwrap());
    }

    /// Waits until that many runs have ended since the home exists.
    async fn runs_ended(&self, runs: usize) {
        self.home.commits(runs, ends_run).await;
    }

    /// Gives whatever is due the time to run, and shows that other tasks do.
    async fn fence(&self, evertask: &EverTask) {
        settle(evertask).await;
        let before = self.diary.count("completed 99");
        evertask.dispatch(Numbered(FENCE)).await.unwrap();
        self.diary.counts(before + 1, "completed 99").await;
    }

    /// The occurrences that ran, in seconds after the beginning.
    async fn occurrences(&self, id: TaskId) -> Vec<i64> {
        let runs = self.home.runs(id).await;
        assert_numbered(&runs);
        let occurrence = |run: &RunRecord| run.scheduled_at.unwrap() - self.begun;
        runs.iter()
            .map(|run| occurrence(run).num_seconds())
            .collect()
    }
}

/// Picks what ends a run of a series.
pub(crate) fn ends_run(write: &Write, answer: &Answer) -> bool {
    let applied = matches!(answer, Answer::Change(ChangeAnswer::Applied));
    applied && is_end_of_run(write)
}

fn is_end_of_run(write: &Write) -> bool {
    matches!(write, Write::Change(change) if !change.runs.is_empty())
}

/// Runs are numbered without gaps.
fn assert_numbered(runs: &[RunRecord]) {
    let numbers: Vec<_> = runs.iter().map(|run| run.number).collect();
    let expected: Vec<_> = (1..).take(runs.len()).collect();
    assert_eq!(numbers, expected);
}

/// A series that is over is nobody's and never due.
fn assert_over(row: &TaskRecord) {
    let state = &row.state;
    assert!(state.is_over(), "{state:?}");
    assert_eq!(
        (state.next_run_at, state.available_at, state.owner),
        (None, None, None)
    );
}
