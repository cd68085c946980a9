//! Watches a long task by what it says of itself, and cancels it half-way.
//!
//! Run it with `cargo run --example cancel_and_progress`.

use std::time::Duration;

use evertask::{
    Cancel, CancelOutcome, EverTask, MemoryStorage, NoResult, TaskContext, TaskError, TaskEventKind,
};

#[evertask::task(name = "report.print")]
async fn print_report(pages: u32, context: TaskContext) -> Result<u32, TaskError> {
    for page in 1..=pages {
        tokio::select! {
            () = print(page) => {}
            () = context.cancelled() => return Err(TaskError::other("told to stop")),
        }
        let done = f64::from(page) / f64::from(pages);
        context.progress(done, format_args!("page {page} of {pages}"));
    }
    Ok(pages)
}

/// Takes its time, as printers do.
async fn print(_page: u32) {
    tokio::time::sleep(Duration::from_millis(10)).await;
}

#[actix::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let evertask = EverTask::builder()
        .storage(MemoryStorage::new())
        .task::<PrintReport>()
        .start()
        .await?;

    // A short report comes to its end and answers how many pages it has.
    let short = evertask.dispatch(PrintReport { pages: 3 }).wait().await?;
    let last_word = short.progress().map(|progress| progress.text.clone());
    assert_eq!(last_word.as_deref(), Some("page 3 of 3"));
    assert_eq!(short.into_result::<u32>()?, 3);

    // Of a long one, events tell how far it is.
    let mut events = evertask.events();
    let long = evertask.dispatch(PrintReport { pages: 1_000_000 }).await?;
    let halted_at = loop {
        let event = events.next().await.ok_or("the runtime has ended")?;
        if let TaskEventKind::Progressed(progress) = event.kind {
            break progress;
        }
    };
    let cancel = Cancel::new(long.id).by("ada").because("out of paper");
    let outcome = evertask.send_cancel(cancel).await?;
    assert_eq!(outcome, CancelOutcome::CancelledWhileRunning);

    let long = evertask.wait_for(long).await?;
    let last_word = long.progress().ok_or("it said something")?;
    assert!(last_word.share >= halted_at.share && last_word.fraction() < 1.0);
    let nothing = long.into_result::<u32>();
    assert!(matches!(nothing, Err(NoResult::Cancelled)));

    evertask.shutdown().await?;
    Ok(())
}
