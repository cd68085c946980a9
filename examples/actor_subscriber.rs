//! An actor that is told of everything that happens to tasks.
//!
//! Run it with `cargo run --example actor_subscriber`.

use actix::{Actor, Context, Handler};
use evertask::{EverTask, MemoryStorage, TaskError, TaskEvent, TaskEventKind};
use tokio::sync::oneshot;

#[evertask::task(name = "letter.deliver")]
async fn deliver_letter(address: String) -> Result<(), TaskError> {
    if address.is_empty() {
        return Err(TaskError::permanent("there is no address"));
    }
    Ok(())
}

/// Counts what is over, until there is nothing left to wait for.
struct Postmaster {
    letters: usize,
    delivered: usize,
    lost: usize,
    report: Option<oneshot::Sender<(usize, usize)>>,
}

impl Actor for Postmaster {
    type Context = Context<Self>;
}

impl Handler<TaskEvent> for Postmaster {
    type Result = ();

    fn handle(&mut self, event: TaskEvent, _: &mut Self::Context) {
        if event.kind == TaskEventKind::Completed {
            self.delivered += 1;
        } else if matches!(event.kind, TaskEventKind::Failed(_)) {
            self.lost += 1;
        }
        if self.delivered + self.lost == self.letters
            && let Some(report) = self.report.take()
        {
            // Whoever no longer listens needs no report.
            report.send((self.delivered, self.lost)).ok();
        }
    }
}

#[actix::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let evertask = EverTask::builder()
        .storage(MemoryStorage::new())
        .task::<DeliverLetter>()
        .start()
        .await?;

    let addresses = ["Main Street 1", "", "Mill Lane 7"];
    let (report, reported) = oneshot::channel();
    let postmaster = Postmaster {
        letters: addresses.len(),
        delivered: 0,
        lost: 0,
        report: Some(report),
    };
    evertask.subscribe(postmaster.start().recipient());

    for address in addresses {
        let address = address.to_owned();
        evertask.dispatch(DeliverLetter { address }).await?;
    }
    assert_eq!(reported.await?, (2, 1));

    evertask.shutdown().await?;
    Ok(())
}
