//! Queues beside each other, priorities within one, and no tenant who takes all the slots.

#![allow(
    clippy::print_stdout,
    reason = "the example tells what happens as it happens"
)]

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use evertask::{
    EventStream, EverTask, MemoryStorage, Queue, Task, TaskContext, TaskError, TaskEventKind,
    TaskHandler, TaskOptions, TaskResult,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

/// Letters go out one after the other.
#[derive(Debug, Serialize, Deserialize)]
struct Letter(String);

impl Task for Letter {
    const NAME: &'static str = "letter";

    fn options() -> TaskOptions {
        TaskOptions::new().queue("mail")
    }
}

/// Reports are made four at a time, of each tenant one.
#[derive(Debug, Serialize, Deserialize)]
struct Report {
    tenant: String,
    month: u32,
}

impl Task for Report {
    const NAME: &'static str = "report";

    fn options() -> TaskOptions {
        TaskOptions::new()
            .queue("reports")
            .max_running_per_key(1)
            .priority(-1)
    }

    fn concurrency_key(&self) -> Option<String> {
        Some(self.tenant.clone())
    }
}

#[derive(Clone, Debug)]
struct Office(Arc<Desk>);

#[derive(Debug)]
struct Desk {
    /// The postman comes when this is opened.
    post: Semaphore,
    sent: Mutex<Vec<String>>,
    /// How many reports of a tenant are being made.
    making: Mutex<HashMap<String, u32>>,
}

impl TaskHandler<Letter> for Office {
    async fn handle(&self, Letter(text): &Letter, _: &TaskContext) -> TaskResult {
        let _postman = self.0.post.acquire().await?;
        let mut sent = self.0.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.push(text.clone());
        Ok(())
    }
}

impl Office {
    fn count(&self, tenant: &str, change: impl Fn(u32) -> u32) -> u32 {
        let mut making = self.0.making.lock().unwrap_or_else(PoisonError::into_inner);
        let running = making.entry(tenant.to_owned()).or_default();
        *running = change(*running);
        *running
    }
}

impl TaskHandler<Report> for Office {
    async fn handle(&self, report: &Report, _: &TaskContext) -> TaskResult {
        let running = self.count(&report.tenant, |running| running + 1);
        tokio::task::yield_now().await;
        self.count(&report.tenant, |running| running - 1);
        if running > 1 {
            let tenant = &report.tenant;
            return Err(TaskError::permanent(format!(
                "{running} reports of {tenant} at once"
            )));
        }
        Ok(())
    }
}

#[actix::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let office = Office(Arc::new(Desk {
        post: Semaphore::new(0),
        sent: Mutex::default(),
        making: Mutex::default(),
    }));
    let evertask = EverTask::builder()
        .storage(MemoryStorage::new())
        .queue(Queue::new("mail").parallelism(1))
        .queue(Queue::new("reports").parallelism(4))
        .handler_for::<Letter, _>(office.clone())
        .handler_for::<Report, _>(office.clone())
        .start()
        .await?;
    let mut events = evertask.events();

    // The first letter takes the only slot, and those behind it are put in order while it waits.
    for (text, priority) in [
        ("good morning", 10),
        ("newsletter", -5),
        ("invoice", 0),
        ("password reset", 5),
    ] {
        let letter = Letter(text.to_owned());
        evertask.dispatch(letter).priority(priority).await?;
    }

    // Meanwhile the other queue goes on: no queue ever holds up another.
    for month in 1..=12 {
        for tenant in ["acme", "globex"] {
            let tenant = tenant.to_owned();
            evertask.dispatch(Report { tenant, month }).await?;
        }
    }
    completed(&mut events, 24).await?;
    println!("24 reports, and never two of one tenant at once");

    office.0.post.add_permits(1);
    completed(&mut events, 4).await?;
    let sent = office
        .0
        .sent
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    println!("sent: {}", sent.join(", "));
    assert_eq!(
        sent,
        ["good morning", "password reset", "invoice", "newsletter"]
    );

    evertask.shutdown().await?;
    Ok(())
}

/// Waits until that many tasks have completed; one that fails is an error.
async fn completed(events: &mut EventStream, mut tasks: usize) -> Result<(), Box<dyn Error>> {
    while tasks > 0 {
        let event = events.next().await.ok_or("the runtime has ended")?;
        if let TaskEventKind::Failed(failure) = &event.kind {
            return Err(failure.to_string().into());
        }
        tasks -= usize::from(event.kind == TaskEventKind::Completed);
    }
    Ok(())
}
