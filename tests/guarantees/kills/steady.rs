//! A child whose tasks run until they are told to end, and one among them that takes it down.

use std::sync::Arc;
use std::time::Duration;

use evertask::time::{Clock, Sleep, SystemClock, Timestamp};
use evertask::{
    EventStream, EverTask, Queue, Task, TaskContext, TaskEventKind, TaskHandler, TaskId, TaskResult,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::child::{Orders, Voice, assignment};
use super::report::{Order, Run, What};

/// The path of the entry test.
pub(super) const ENTRY: &str = "kills::steady::a_child_with_steady_tasks";

/// The id of the task that takes the process down: nobody could be told it in time.
pub(super) const POISON: TaskId = TaskId(Uuid::from_u128(13));

/// How long a task has to live to be found innocent; shorter than by default, to save time.
const PROBATION: Duration = Duration::from_millis(100);

/// Runs until the child is told to finish.
#[derive(Debug, Deserialize, Serialize)]
struct Steady;

impl Task for Steady {
    const NAME: &'static str = "test.steady";
}

/// Takes the process down in its first statement.
#[derive(Debug, Deserialize, Serialize)]
struct Poison;

impl Task for Poison {
    const NAME: &'static str = "test.poison";
}

struct Worker {
    voice: Voice,
    orders: Orders,
    proven: Arc<Semaphore>,
}

/// The clock of the system, except that nobody outlives probation before a steady task is entered.
#[derive(Debug)]
struct UntimedProbation {
    system: Arc<dyn Clock>,
    proven: Arc<Semaphore>,
}

impl Clock for UntimedProbation {
    fn now(&self) -> Timestamp {
        self.system.now()
    }

    fn elapsed(&self) -> Duration {
        self.system.elapsed()
    }

    fn sleep(&self, span: Duration) -> Sleep {
        if span != PROBATION {
            return self.system.sleep(span);
        }
        let proven = Arc::clone(&self.proven);
        Box::pin(async move { proven.acquire().await.unwrap().forget() })
    }

    fn sleep_until(&self, instant: Timestamp) -> Sleep {
        self.system.sleep_until(instant)
    }
}

impl Worker {
    fn enter(&self, context: &TaskContext) {
        self.voice.say(What::Entered(Run::of(context)));
    }
}

impl TaskHandler<Steady> for Worker {
    async fn handle(&self, _: &Steady, context: &TaskContext) -> TaskResult {
        self.enter(context);
        self.proven.add_permits(1);
        self.orders.given(Order::Finish).await;
        Ok(())
    }
}

impl TaskHandler<Poison> for Worker {
    async fn handle(&self, _: &Poison, _: &TaskContext) -> TaskResult {
        std::process::abort()
    }

    async fn on_started(&self, _: &Poison, context: &TaskContext) -> TaskResult {
        self.enter(context);
        Ok(())
    }
}

/// Does nothing unless a test starts it as a child.
#[actix::test]
async fn a_child_with_steady_tasks() {
    let Some(assignment) = assignment() else {
        return;
    };
    let (voice, orders) = (assignment.voice(), Orders::listen());
    let proven = Arc::new(Semaphore::new(0));
    let worker = Arc::new(Worker {
        voice,
        orders: orders.clone(),
        proven: Arc::clone(&proven),
    });
    let mut builder = EverTask::builder()
        .storage(assignment.storage())
        .queue(Queue::new(Queue::DEFAULT).parallelism(8).capacity(8))
        .handler_for::<Steady, _>(Arc::clone(&worker))
        .handler_for::<Poison, _>(worker)
        .probation(PROBATION);
    if let Some(crashes) = assignment.quarantine_after {
        builder = builder.quarantine_after(crashes);
    }
    if assignment.untimed_probation {
        let system = SystemClock::shared();
        builder = builder.clock(UntimedProbation { system, proven });
    }
    let evertask = builder.start().await.unwrap();
    actix::spawn(forward(evertask.events(), voice));
    for _ in 0..assignment.tasks {
        voice.say(What::Given(evertask.dispatch(Steady).await.unwrap().id));
    }
    if assignment.poison {
        voice.say(What::Given(
            evertask.dispatch(Poison).id(POISON).await.unwrap().id,
        ));
    }
    orders.given(Order::Finish).await;
    voice.say(What::Quiet);
    orders.given(Order::Stop).await;
    evertask.shutdown().await.unwrap();
    voice.say(What::Closed);
}

/// Reports what is stored.
async fn forward(mut events: EventStream, voice: Voice) {
    while let Some(event) = events.next().await {
        if event.kind == TaskEventKind::Started {
            voice.say(What::InProgress(event.id));
        } else if matches!(
            event.kind,
            TaskEventKind::Completed | TaskEventKind::Failed(_)
        ) {
            voice.say(What::Over(event.id));
        }
    }
}
