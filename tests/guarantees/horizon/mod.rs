//! What is due within the horizon waits in memory and is handed over at its very instant; what is due
//! later costs no memory (issue 5, build 6).

mod disturbed;
mod instants;
mod managed;
mod places;

use std::time::Duration;

use evertask::storage::{Answer, Write};
use evertask::time::{Clock, Timestamp};
use evertask::{Builder, EverTask, InMemory, Queue, Status, TaskId};

use crate::one_shot::clock::StagedClock;
use crate::one_shot::home::Home;
use crate::one_shot::player::{Diary, Player, settle};
use crate::stage::{Numbered, soon};

const HORIZON: Duration = Duration::from_mins(1);

/// Shows that other tasks run.
const FENCE: u32 = 99;

/// A runtime with a horizon, on a clock that stands still.
struct Stage {
    home: Home,
    clock: StagedClock,
    begun: Timestamp,
    diary: Diary,
    player: Player,
}

impl Stage {
    fn new(home: Home) -> Self {
        let (clock, diary) = (StagedClock::new(), Diary::default());
        Self {
            home,
            begun: clock.now(),
            player: Player::idle(&diary),
            clock,
            diary,
        }
    }

    async fn start(&self) -> EverTask {
        self.builder().start().await.unwrap()
    }

    fn builder(&self) -> Builder {
        self.builder_with(50)
    }

    /// A runtime with one slot and that many places for what waits.
    fn builder_with(&self, capacity: usize) -> Builder {
        EverTask::builder()
            .storage(self.home.clone())
            .queue(Queue::new(Queue::DEFAULT).parallelism(1).capacity(capacity))
            .handler(self.player.clone())
            .clock(self.clock.clone())
            .horizon(HORIZON)
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

    async fn dispatch(&self, evertask: &EverTask, number: u32, due: u64) -> TaskId {
        let request = evertask.dispatch(Numbered(number)).at(self.at(due));
        request.await.unwrap().id
    }

    /// Stores a task that is due later than the horizon and waits until it is taken into memory.
    async fn held(&self, evertask: &EverTask) -> TaskId {
        let id = self.dispatch(evertask, 1, 600).await;
        // Half of the horizon before.
        self.advance_to(570);
        let taken = async {
            while evertask.in_memory().ahead == 0 {
                tokio::task::yield_now().await;
            }
        };
        soon(taken).await;
        settle(evertask).await;
        self.is_held(id).await;
        id
    }

    async fn is_held(&self, id: TaskId) {
        let state = self.home.row(id).await.state;
        assert_eq!(state.status, Status::Queued);
        assert!(state.owner.is_some());
    }

    /// Gives whatever is due the time to run, and shows that other tasks do.
    async fn fence(&self, evertask: &EverTask) {
        settle(evertask).await;
        let before = self.diary.count("completed 99");
        evertask.dispatch(Numbered(FENCE)).await.unwrap();
        self.diary.counts(before + 1, "completed 99").await;
    }

    /// The numbers of the tasks that ran, in order.
    fn order(&self) -> Vec<String> {
        let entries = self.diary.entries();
        let ran = entries
            .iter()
            .filter_map(|entry| entry.strip_prefix("completed "));
        ran.filter(|number| *number != "99")
            .map(str::to_owned)
            .collect()
    }
}

/// Picks the claims that took something.
fn claims(_: &Write, answer: &Answer) -> bool {
    matches!(answer, Answer::Claim(claim) if !claim.tasks.is_empty())
}

/// How many claims took something.
fn claims_made(home: &Home) -> usize {
    let committed = home.committed();
    let took = committed
        .iter()
        .filter(|(write, answer)| claims(write, answer));
    took.count()
}

/// Waits until nothing is kept of tasks in memory.
async fn nothing_in_memory(evertask: &EverTask) {
    let empty = async {
        while evertask.in_memory() != InMemory::default() {
            tokio::task::yield_now().await;
        }
    };
    soon(empty).await;
}
