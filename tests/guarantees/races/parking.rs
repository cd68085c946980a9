//! A task that parks is claimable before its delivery has let go of it.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use evertask::time::{ManualClock, Timestamp};
use evertask::{
    EverTask, Phase, Provocation, Queue, RetryPolicy, Target, Task, TaskContext, TaskError,
    TaskHandler, TaskResult,
};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::world::{changes, quiet};
use crate::ground::Ground;
use crate::stage::{over, soon};

#[derive(Debug, Deserialize, Serialize)]
enum Job {
    /// Fails once.
    Parks,
    /// Keeps its thread.
    Blocks,
}

impl Task for Job {
    const NAME: &'static str = "races.job";
}

#[derive(Clone)]
struct Jobs {
    may_fail: Arc<Notify>,
    may_block: Arc<Notify>,
    blocks: Arc<Notify>,
    blocked: Arc<Mutex<mpsc::Receiver<()>>>,
}

impl TaskHandler<Job> for Jobs {
    async fn handle(&self, job: &Job, context: &TaskContext) -> TaskResult {
        match job {
            Job::Parks if context.attempt() == 1 => {
                self.may_fail.notified().await;
                return Err(TaskError::transient("again"));
            }
            Job::Parks => {}
            Job::Blocks => {
                self.may_block.notified().await;
                self.blocks.notify_one();
                self.blocked.lock().recv()?;
            }
        }
        Ok(())
    }
}

/// Guarantee 2. After an outage, the write that parks a task and a claim that finds it due again
/// commit one right after the other; the delivery that parked it hears of it last.
#[actix::test]
async fn a_task_that_is_claimed_before_its_parking_delivery_is_over_is_not_forgotten() {
    let clock = ManualClock::starting_at(Timestamp::UNIX_EPOCH);
    let ground = Ground::memory();
    let (unblock, blocked) = mpsc::channel();
    let jobs = Jobs {
        may_fail: Arc::default(),
        may_block: Arc::default(),
        blocks: Arc::default(),
        blocked: Arc::new(Mutex::new(blocked)),
    };
    let evertask = EverTask::builder()
        .storage(ground.clone())
        .clock(clock.clone())
        .queue(Queue::new(Queue::DEFAULT).parallelism(4))
        .handler_threads(1)
        .handler(jobs.clone())
        .start()
        .await
        .unwrap();
    let mut events = evertask.events();
    let retry = RetryPolicy::Linear {
        retries: 1,
        delay: Duration::from_secs(2),
    };
    evertask.dispatch(Job::Parks).retry(retry).await.unwrap();
    evertask.dispatch(Job::Blocks).await.unwrap();

    let mut park = ground.hold(|step| changes(step, |change| !change.attempts.is_empty()));
    jobs.may_fail.notify_one();
    park.reached().await;
    // Nothing else moves on the thread of the handlers from here on.
    jobs.may_block.notify_one();
    soon(jobs.blocks.notified()).await;
    clock.advance(Duration::from_secs(5));
    evertask.provoke(Provocation::Actor(Target::Scheduler, Phase::Message));
    soon(evertask.crashed(1)).await;
    quiet(&evertask).await;
    park.go();
    quiet(&evertask).await;
    unblock.send(()).unwrap();

    over(&mut events, 2).await;
    soon(evertask.shutdown()).await.unwrap();
}
