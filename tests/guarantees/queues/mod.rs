//! Queues: what happens when they are full, what is decided about them at run time, and that none holds
//! up another (core 6 and 7).

mod deciding;
mod fallback;
mod full;
mod isolation;
mod parallelism;
mod pausing;
mod recurring;
mod waiting;

use std::sync::Arc;

use evertask::storage::{Answer, InsertAnswer, QueueSelector, Write};
use evertask::{Builder, EverTask, Queue, QueueStatus};
use tokio::sync::Semaphore;

use crate::one_shot::home::Home;
use crate::one_shot::player::{Diary, Player, settle};
use crate::one_shot::row::id_of;
use crate::stage::{Numbered, soon};

/// The queue that a test is about.
const Q: &str = "q";

/// Tasks of this number or a higher one run through; the others wait at the gate.
const FREE: u32 = 100;

/// A home whose tasks wait at a gate until the test opens it.
struct Scene {
    home: Home,
    diary: Diary,
    player: Player,
    gate: Arc<Semaphore>,
}

impl Scene {
    fn new(home: Home) -> Self {
        let diary = Diary::default();
        let gate = Arc::new(Semaphore::new(0));
        let passing = Arc::clone(&gate);
        let player = Player::new(&diary, move |number, context| {
            let passing = Arc::clone(&passing);
            async move {
                if number >= FREE {
                    return Ok(());
                }
                tokio::select! {
                    permit = passing.acquire_owned() => permit?.forget(),
                    () = context.cancelled() => {
                        return Err(evertask::TaskError::other("told to stop"));
                    }
                }
                Ok(())
            }
        });
        Self {
            home,
            diary,
            player,
            gate,
        }
    }

    /// A runtime with these queues.
    fn builder(&self, queues: impl IntoIterator<Item = Queue>) -> Builder {
        let builder = EverTask::builder()
            .storage(self.home.clone())
            .handler(self.player.clone())
            .drain(std::time::Duration::ZERO);
        queues.into_iter().fold(builder, Builder::queue)
    }

    /// Lets that many tasks pass the gate.
    fn release(&self, tasks: usize) {
        self.gate.add_permits(tasks);
    }

    /// Waits until the stored rows of a queue were looked at, so that there are places to take.
    async fn opened(&self, evertask: &EverTask, queue: &str) {
        let of_queue = QueueSelector::Only(queue.to_owned());
        let is_claim = |write: &Write, _: &Answer| match write {
            Write::Claim(claim) if queue == Queue::DEFAULT => {
                matches!(claim.queues, QueueSelector::AllExcept(_))
            }
            Write::Claim(claim) => claim.queues == of_queue,
            _ => false,
        };
        self.home.commits(1, is_claim).await;
        settle(evertask).await;
    }

    /// A runtime whose queue [`Q`] has one task that runs, number 0, and one in its window, number 1.
    async fn saturated(&self, queue: Queue) -> EverTask {
        let evertask = self.builder([queue]).start().await.unwrap();
        self.saturate(&evertask, Q).await;
        evertask
    }

    async fn saturate(&self, evertask: &EverTask, queue: &str) {
        self.opened(evertask, queue).await;
        for number in 0..2 {
            dispatch(evertask, number).queue(queue).await.unwrap();
            self.diary.says("handle 0.1").await;
        }
        settle(evertask).await;
    }

    /// Waits until the row of a task is stored.
    async fn stored(&self, number: u32) {
        let is_it = |write: &Write, answer: &Answer| match (write, answer) {
            (Write::Insert(new), Answer::Insert(InsertAnswer::Stored)) => {
                new.record.definition.id == id_of(number)
            }
            _ => false,
        };
        self.home.commits(1, is_it).await;
    }

    /// The numbers in the order in which their handlers were entered.
    fn order(&self) -> Vec<String> {
        let entries = self.diary.entries().into_iter();
        let entered = entries.filter_map(|entry| entry.strip_prefix("handle ").map(str::to_owned));
        entered
            .map(|entry| entry.split('.').next().unwrap_or_default().to_owned())
            .collect()
    }
}

fn queue() -> Queue {
    Queue::new(Q).parallelism(1).capacity(1)
}

fn dispatch(evertask: &EverTask, number: u32) -> evertask::DispatchRequest<'_> {
    evertask.dispatch(Numbered(number)).id(id_of(number))
}

async fn status(evertask: &EverTask, queue: &str) -> QueueStatus {
    soon(evertask.queue(queue).status()).await.unwrap()
}

/// Waits until no handler of a queue runs: its slot is given back a moment after its outcome is stored.
async fn idle(evertask: &EverTask, queue: &str) -> QueueStatus {
    let idle = async {
        loop {
            let status = evertask.queue(queue).status().await.unwrap();
            if status.running == 0 {
                return status;
            }
            tokio::task::yield_now().await;
        }
    };
    soon(idle).await
}

/// A dispatch on its way, in a task of its own.
fn on_its_way(
    evertask: &EverTask,
    number: u32,
) -> tokio::task::JoinHandle<Result<evertask::Dispatched, evertask::DispatchError>> {
    let client = evertask.client().clone();
    tokio::spawn(async move {
        let dispatch = client.dispatch(Numbered(number)).id(id_of(number));
        dispatch.queue(Q).await
    })
}
