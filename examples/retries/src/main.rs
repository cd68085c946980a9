//! What happens after a failure: a partner that is moody is asked until it answers.
//!
//! `cargo run -p retries` tells what it does and checks that it did; it needs no network.

#![allow(
    clippy::print_stdout,
    reason = "the example tells what happens as it happens"
)]

mod partner;

use std::error::Error;
use std::time::Duration;

use evertask::{
    Builder, EverTask, Exponential, Failure, FailureKind, Jitter, MemoryStorage, RetryPolicy,
    Status, Task, TaskContext, TaskEventKind, TaskHandler, TaskId, TaskOptions, TaskResult,
    TaskView,
};
use partner::{Partner, Unanswered};
use serde::{Deserialize, Serialize};

/// Orders something from the partner.
#[derive(Deserialize, Serialize)]
struct Order {
    article: String,
}

impl Task for Order {
    const NAME: &'static str = "partner.order";

    fn options() -> TaskOptions {
        let first = Duration::from_millis(20);
        let policy = Exponential::new(5, first).jitter(Jitter::Equal);
        TaskOptions::new()
            .retry(RetryPolicy::Exponential(policy))
            // Nothing but an outage mends itself.
            .retry_if(|error| {
                let unanswered = error.source().downcast_ref::<Unanswered>();
                unanswered.is_none_or(|Unanswered(status)| *status >= 500)
            })
    }
}

struct Clerk {
    partner: Partner,
}

impl TaskHandler<Order> for Clerk {
    async fn handle(&self, order: &Order, context: &TaskContext) -> TaskResult {
        println!("{}: attempt {}", order.article, context.attempt());
        self.partner.order(&order.article)
    }

    async fn on_retry(
        &self,
        order: &Order,
        context: &TaskContext,
        failure: &Failure,
        delay: Duration,
    ) -> TaskResult {
        let (article, retry) = (&order.article, context.retry());
        println!("{article}: retry {retry}, {delay:?} after {failure}");
        Ok(())
    }
}

#[actix::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let evertask = builder().start().await?;
    let order = |article: &str| Order {
        article: article.to_owned(),
    };

    // Twice 503, then "come back in 30 ms", then a lock that is no failure, then it is taken.
    let lamp = evertask.dispatch(order("lamp")).await?.id;
    let lamp = ended(&evertask, lamp).await?;
    assert_eq!(lamp.record.state.status, Status::Completed);
    let numbers: Vec<_> = lamp.attempts.iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 4], "a snooze costs no attempt");

    // The filter knows that nothing becomes of a 404.
    let unicorn = evertask.dispatch(order("unicorn")).await?.id;
    let unicorn = ended(&evertask, unicorn).await?;
    assert_eq!(unicorn.record.state.status, Status::Failed);
    assert_eq!(unicorn.attempts.len(), 1);

    // A policy of this dispatch's own, registered under its name; a sofa is never delivered.
    let twice = RetryPolicy::Custom("twice".to_owned());
    let sofa = evertask.dispatch(order("sofa")).retry(twice).await?.id;
    let sofa = ended(&evertask, sofa).await?;
    let failure = sofa.record.state.failure.ok_or("it has failed")?;
    println!("sofa: {failure}");
    assert!(failure.text.starts_with("all 3 attempts failed"));

    // Too late to be worth a start.
    let deadline = sofa.record.definition.created_at;
    let bread = evertask
        .dispatch(order("bread"))
        .deadline(deadline)
        .await?
        .id;
    let bread = ended(&evertask, bread).await?;
    let failure = bread.record.state.failure.ok_or("it has expired")?;
    println!("bread: {failure}");
    assert_eq!(failure.kind, FailureKind::Expired);
    assert!(bread.attempts.is_empty());

    evertask.shutdown().await?;
    Ok(())
}

fn builder() -> Builder {
    EverTask::builder()
        .storage(MemoryStorage::new())
        .handler(Clerk {
            partner: Partner::default(),
        })
        .retry_policy("twice", |failed: u32, _: &Failure| {
            (failed <= 2).then(|| Duration::from_millis(10) * failed)
        })
}

/// Waits until a task is over.
async fn ended(evertask: &EverTask, id: TaskId) -> Result<TaskView, Box<dyn Error>> {
    let mut events = evertask.events();
    loop {
        // Looked at after listening has begun, so that its end is not missed.
        let task = evertask.task(id).await?.ok_or("the task exists")?;
        if task.record.state.is_over() {
            return Ok(task);
        }
        while let Some(event) = events.next().await {
            let is_end = matches!(
                event.kind,
                TaskEventKind::Completed | TaskEventKind::Failed(_)
            );
            if event.id == id && is_end {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_example_does_what_it_says() {
        super::main().unwrap();
    }
}
