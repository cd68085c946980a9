//! The process that makes the calls.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use evertask::{
    Dispatch, EverTask, Queue, RetryPolicy, SqlStorage, Task, TaskContext, TaskId, TaskOptions,
    TaskResult,
};
use reqwest::Client;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin, stdin};
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use crate::plan::{LIMIT, OFFERED_EVERY, TENANTS};

/// The queue of the calls.
const QUEUE: &str = "partner";

/// A call for a tenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct CallPartner {
    tenant: u64,
}

impl Task for CallPartner {
    const NAME: &'static str = "partner.call";

    fn options() -> TaskOptions {
        TaskOptions::new()
            .queue(QUEUE)
            .rate_limit_per_key(LIMIT)
            .retry(RetryPolicy::Linear {
                retries: 3,
                delay: Duration::from_secs(2),
            })
    }

    fn limit_key(&self) -> Option<String> {
        Some(self.tenant.to_string())
    }
}

/// Makes a call.
#[derive(Clone, Debug)]
struct Caller {
    client: Client,
    partner: String,
}

impl evertask::TaskHandler<CallPartner> for Caller {
    async fn handle(&self, task: &CallPartner, _: &TaskContext) -> TaskResult {
        let url = format!("{}/call/{}", self.partner, task.tenant);
        self.client.post(url).send().await?.error_for_status()?;
        Ok(())
    }
}

/// Offers calls and makes them until it is told to end.
pub(crate) async fn run(
    partner: String,
    directory: PathBuf,
    round: u64,
) -> Result<(), Box<dyn Error>> {
    let provider = rustls::crypto::ring::default_provider();
    provider
        .install_default()
        .map_err(|_| "there is a provider already")?;
    let caller = Caller {
        client: Client::new(),
        partner,
    };
    let evertask = EverTask::builder()
        .storage(SqlStorage::sqlite(directory.join("tasks.db")))
        .queue(Queue::new(QUEUE).parallelism(16).capacity(500))
        .handler(caller)
        .limit_state(directory.join("limits.json"))
        .start()
        .await?;
    offer(&evertask, round, BufReader::new(stdin()).lines()).await?;
    evertask.shutdown_now().await?;
    Ok(())
}

/// Has every tenant ask for a call in each round, and does what it is told meanwhile.
async fn offer(
    evertask: &EverTask,
    mut round: u64,
    mut told: Lines<BufReader<Stdin>>,
) -> Result<(), Box<dyn Error>> {
    let mut rounds = interval(OFFERED_EVERY);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let queue = evertask.queue(QUEUE);
    loop {
        tokio::select! {
            _ = rounds.tick() => {
                let calls = (0..TENANTS).map(|tenant| {
                    Dispatch::new(CallPartner { tenant }).id(id_of(tenant, round))
                });
                for dispatched in evertask.dispatch_all(calls).await? {
                    dispatched?;
                }
                round += 1;
            }
            line = told.next_line() => match line?.as_deref() {
                Some("pause") => drop(queue.pause().because("the partner asks for a break").await?),
                Some("resume") => drop(queue.resume().await?),
                Some(_) | None => return Ok(()),
            },
        }
    }
}

/// The id of what a tenant asks for in a round: however often it is offered, it is one task.
fn id_of(tenant: u64, round: u64) -> TaskId {
    let name = format!("{tenant}/{round}");
    TaskId(Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()))
}
