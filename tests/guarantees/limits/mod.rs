//! Rate limits: who waits, who doesn't, and that nothing is lost or run too often (issue 6).

mod asked_elsewhere;
mod bounds;
mod changes;
mod deferral;
mod managed;
mod refusals;
mod restart;
mod retries;
mod scopes;
mod series;
mod statements;
mod stored;
mod view;

use std::time::Duration;

use evertask::limit::{Overflow, RateLimit};
use evertask::storage::Write;
use evertask::time::{Clock, Timestamp};
use evertask::{
    Builder, EverTask, Failure, InMemory, Queue, Task, TaskContext, TaskHandler, TaskId,
    TaskOptions, TaskResult,
};
use serde::{Deserialize, Serialize};

use crate::one_shot::clock::StagedClock;
use crate::one_shot::home::Home;
use crate::one_shot::player::{Diary, Player, settle};
use crate::stage::{Numbered, soon};

/// How long the budget of a call takes to come back.
const REFILL: Duration = Duration::from_mins(1);

/// Shows that other tasks run.
const FENCE: u32 = 99;

/// A call for a tenant whose plan is the first word of its name.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Call {
    number: u32,
    tenant: String,
}

impl Task for Call {
    const NAME: &'static str = "test.call";

    fn options() -> TaskOptions {
        TaskOptions::new().rate_limit_by(plan)
    }

    fn limit_key(&self) -> Option<String> {
        Some(self.tenant.clone())
    }
}

fn plan(tenant: &str) -> Option<RateLimit> {
    let slow = RateLimit::per_minute(1);
    Some(match tenant.split(' ').next()? {
        "slow" => slow,
        "ten" => RateLimit::per_minute(10),
        "two" => RateLimit::new(2, 2 * REFILL),
        "hasty" => slow.horizon(Duration::from_secs(10)),
        "curt" => slow.overflow(Overflow::Discard),
        "lenient" => slow.throttle_retries(false),
        "empty" => RateLimit::new(2, 2 * REFILL).start_empty(true),
        _ => return None,
    })
}

/// Plays the body of a test for calls, too.
struct Caller(Player);

impl TaskHandler<Call> for Caller {
    async fn handle(&self, task: &Call, context: &TaskContext) -> TaskResult {
        let note = format!("handle {}.{}", task.number, context.attempt());
        self.0.diary.note(note);
        (self.0.body)(task.number, context.clone()).await
    }

    async fn on_started(&self, task: &Call, _: &TaskContext) -> TaskResult {
        self.0.diary.note(format!("started {}", task.number));
        Ok(())
    }

    async fn on_completed(&self, task: &Call, _: &TaskContext) -> TaskResult {
        self.0.diary.note(format!("completed {}", task.number));
        Ok(())
    }

    async fn on_error(&self, task: &Call, _: &TaskContext, failure: &Failure) -> TaskResult {
        self.0
            .diary
            .note(format!("error {}: {failure}", task.number));
        Ok(())
    }
}

/// A runtime with one worker, on a clock that stands still.
struct Stage {
    home: Home,
    clock: StagedClock,
    begun: Timestamp,
    diary: Diary,
    player: Player,
}

impl Stage {
    fn new(home: Home) -> Self {
        let diary = Diary::default();
        let player = Player::idle(&diary);
        Self::playing(home, diary, player)
    }

    fn playing(home: Home, diary: Diary, player: Player) -> Self {
        let clock = StagedClock::new();
        Self {
            home,
            begun: clock.now(),
            clock,
            diary,
            player,
        }
    }

    async fn start(&self) -> EverTask {
        self.started(self.builder()).await
    }

    /// Starts a runtime and waits until it has looked for what is stored: what is dispatched from then on
    /// is not stored behind anything.
    async fn started(&self, builder: Builder) -> EverTask {
        let evertask = builder.start().await.unwrap();
        self.fence(&evertask).await;
        settle(&evertask).await;
        evertask
    }

    fn builder(&self) -> Builder {
        self.builder_with(Queue::new(Queue::DEFAULT).capacity(50))
    }

    fn builder_with(&self, queue: Queue) -> Builder {
        EverTask::builder()
            .storage(self.home.clone())
            .queue(queue.parallelism(1))
            .queue(Queue::new(Queue::RECURRING).parallelism(1))
            .handler(Caller(self.player.clone()))
            .handler(self.player.clone())
            .clock(self.clock.clone())
            .horizon(Duration::ZERO)
    }

    /// Dispatches a call for a tenant.
    async fn call(&self, evertask: &EverTask, number: u32, tenant: &str) -> TaskId {
        let dispatched = evertask.dispatch(call(number, tenant)).await;
        dispatched.unwrap().id
    }

    /// Spends the budget of a tenant that has one call a minute, and has another one wait.
    async fn throttled(&self, evertask: &EverTask, tenant: &str) -> TaskId {
        self.call(evertask, 1, tenant).await;
        self.diary.says("completed 1").await;
        let id = self.call(evertask, 2, tenant).await;
        self.waiting(evertask, 1).await;
        id
    }

    /// Waits until so many tasks wait for their slots.
    async fn waiting(&self, evertask: &EverTask, count: usize) {
        let parked = async {
            while evertask.in_memory().throttled != count {
                tokio::task::yield_now().await;
            }
        };
        soon(parked).await;
        settle(evertask).await;
    }

    /// Gives whatever is due the time to run, and shows that other tasks do.
    async fn fence(&self, evertask: &EverTask) {
        settle(evertask).await;
        let before = self.diary.count("completed 99");
        evertask.dispatch(Numbered(FENCE)).await.unwrap();
        self.diary.counts(before + 1, "completed 99").await;
    }

    /// The numbers of the calls that ran, in order.
    fn order(&self) -> Vec<String> {
        let entries = self.diary.entries();
        let ran = entries
            .iter()
            .filter_map(|entry| entry.strip_prefix("completed "));
        ran.filter(|number| *number != "99")
            .map(str::to_owned)
            .collect()
    }

    /// How many changes of a row were committed after its insert.
    fn changes_of(&self, id: TaskId) -> usize {
        let committed = self.home.committed();
        let changes = committed
            .iter()
            .filter(|(write, _)| matches!(write, Write::Change(change) if change.id == id));
        changes.count()
    }
}

fn call(number: u32, tenant: &str) -> Call {
    Call {
        number,
        tenant: tenant.to_owned(),
    }
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
