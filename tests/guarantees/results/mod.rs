//! What tasks return, what they say while they run, and how one waits for them.

mod functions;
mod macros;
mod progress;
mod returning;
mod waiting;

use evertask::{EverTask, Queue, Task, TaskContext, TaskHandler, TaskResult};
use serde::{Deserialize, Serialize};

use crate::one_shot::home::Home;

/// A task that returns what its numbers come to.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Sum(Vec<u32>);

impl Task for Sum {
    const NAME: &'static str = "test.sum";
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Total {
    of: usize,
    total: u32,
}

/// Adds up.
struct Adder;

impl TaskHandler<Sum, Total> for Adder {
    async fn handle(&self, task: &Sum, _: &TaskContext) -> TaskResult<Total> {
        let (of, total) = (task.0.len(), task.0.iter().sum());
        Ok(Total { of, total })
    }
}

fn builder(home: &Home) -> evertask::Builder {
    EverTask::builder()
        .storage(home.clone())
        .queue(Queue::new(Queue::DEFAULT).parallelism(4).capacity(50))
}
