//! A child that keeps a constant load on its database.

use std::sync::Arc;
use std::time::Duration;

use evertask::{
    DispatchRequest, EverTask, Failure, Queue, RetryPolicy, Task, TaskContext, TaskError,
    TaskHandler, TaskResult,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::child::{Orders, Voice, assignment};
use super::report::{Order, Run, What};
use crate::dice::Dice;

/// How many handlers of a child run at once.
pub(super) const PARALLELISM: usize = 8;

/// Fewer than what is open under load, so that most of it is spilled.
pub(super) const CAPACITY: usize = 12;

/// How many tasks a child holds in memory.
pub(super) const WINDOW: usize = PARALLELISM + CAPACITY;

/// How many callers dispatch at once.
const CALLERS: usize = 32;

/// The path of the entry test.
pub(super) const ENTRY: &str = "kills::load::a_child_under_load";

/// What the load consists of.
#[derive(Debug, Deserialize, Serialize)]
struct Chore {
    /// The child that dispatched it.
    by: u32,
    kind: Kind,
}

impl Task for Chore {
    const NAME: &'static str = "test.chore";
}

#[derive(Debug, Deserialize, Serialize)]
enum Kind {
    /// Ends at once.
    Quick,
    /// Lets others run many times before it ends.
    Lengthy,
    /// Fails twice and is tried again in its slot.
    Stubborn,
    /// Fails once and is parked until it is tried again.
    Patient,
    /// Fails for good.
    Hopeless,
}

impl Kind {
    fn random(dice: &mut Dice) -> Self {
        match dice.throw(10) {
            0 | 1 => Self::Lengthy,
            2 | 3 => Self::Stubborn,
            4 => Self::Patient,
            5 => Self::Hopeless,
            _ => Self::Quick,
        }
    }

    fn retry(&self) -> RetryPolicy {
        let (retries, delay) = match self {
            Self::Stubborn => (2, Duration::from_millis(5)),
            // From a second on, a task leaves its slot.
            Self::Patient => (1, Duration::from_secs(1)),
            Self::Quick | Self::Lengthy | Self::Hopeless => return RetryPolicy::None,
        };
        RetryPolicy::Linear { retries, delay }
    }

    async fn run(&self, attempt: u32) -> TaskResult {
        match self {
            Self::Lengthy => {
                for _ in 0..500 {
                    tokio::task::yield_now().await;
                }
            }
            Self::Stubborn if attempt <= 2 => return Err(TaskError::transient("not yet")),
            Self::Patient if attempt <= 1 => return Err(TaskError::transient("not yet")),
            Self::Hopeless => return Err(TaskError::permanent("never")),
            Self::Quick | Self::Stubborn | Self::Patient => {}
        }
        Ok(())
    }
}

/// Reports every step; for each task that is over another one may be dispatched.
struct Worker {
    voice: Voice,
    allowance: Arc<Semaphore>,
}

impl TaskHandler<Chore> for Worker {
    async fn handle(&self, chore: &Chore, context: &TaskContext) -> TaskResult {
        let run = Run::of(context);
        self.voice.say(What::Entered(run));
        let result = chore.kind.run(run.attempt).await;
        self.voice.say(What::Left(run));
        result
    }

    async fn on_completed(&self, chore: &Chore, context: &TaskContext) -> TaskResult {
        self.over(chore, context);
        Ok(())
    }

    async fn on_error(&self, chore: &Chore, context: &TaskContext, _: &Failure) -> TaskResult {
        self.over(chore, context);
        Ok(())
    }
}

impl Worker {
    fn over(&self, chore: &Chore, context: &TaskContext) {
        self.voice.say(What::Over(context.id()));
        if chore.by != self.voice.0 {
            self.voice.say(What::Served(chore.by));
        }
        self.allowance.add_permits(1);
    }
}

/// Does nothing unless a test starts it as a child.
#[actix::test]
async fn a_child_under_load() {
    let Some(assignment) = assignment() else {
        return;
    };
    let (voice, orders) = (assignment.voice(), Orders::listen());
    let allowance = Arc::new(Semaphore::new(assignment.tasks as usize));
    let worker = Worker {
        voice,
        allowance: Arc::clone(&allowance),
    };
    let queue = Queue::new(Queue::DEFAULT);
    let evertask = EverTask::builder()
        .storage(assignment.storage())
        .queue(queue.parallelism(PARALLELISM).capacity(CAPACITY))
        .handler(worker)
        .start()
        .await
        .unwrap();
    let seed = u64::from(assignment.number) << 32;
    let callers = (0..).map(|caller| call(&evertask, &allowance, voice, Dice::new(seed + caller)));
    let callers = futures::future::join_all(callers.take(CALLERS));
    let enough = async {
        orders.given(Order::Finish).await;
        allowance.close();
    };
    let more = orders.more(|tasks| allowance.add_permits(tasks as usize));
    tokio::join!(callers, enough, more);
    voice.say(What::Quiet);
    orders.given(Order::Stop).await;
    evertask.shutdown().await.unwrap();
    voice.say(What::Closed);
}

/// Dispatches one task after the other, for as long as there is an allowance.
async fn call(evertask: &EverTask, allowance: &Semaphore, voice: Voice, mut dice: Dice) {
    while let Ok(permit) = allowance.acquire().await {
        permit.forget();
        let (by, kind) = (voice.0, Kind::random(&mut dice));
        let retry = kind.retry();
        let request: DispatchRequest<'_> = evertask.dispatch(Chore { by, kind }).retry(retry);
        let request = match dice.throw(5) {
            0 => request.after(Duration::from_millis(u64::from(dice.throw(200)))),
            _ => request,
        };
        voice.say(What::Given(request.await.unwrap().id));
    }
}
