//! What a process does that is asked to end.

use std::future::pending;
use std::process::Command;
use std::time::Duration;

use evertask::{EverTask, SqlStorage, TaskContext, TaskHandler, TaskResult};

use crate::child::{Child, database, say};
use crate::stage::{Numbered, TOO_LONG};

const ENTRY: &str = "signals::a_child_that_waits_for_signals";

/// A handler that never comes to its end by itself, whatever it is told.
struct Endless;

impl TaskHandler<Numbered> for Endless {
    async fn handle(&self, _: &Numbered, context: &TaskContext) -> TaskResult {
        say("runs");
        context.cancelled().await;
        say("told to stop");
        pending().await
    }
}

/// Does nothing unless a test starts it as a child.
#[actix::test]
async fn a_child_that_waits_for_signals() {
    let Some(database) = database() else {
        return;
    };
    let evertask = EverTask::builder()
        .storage(SqlStorage::sqlite(database))
        .handler(Endless)
        .drain(Duration::ZERO)
        .grace(TOO_LONG)
        .start()
        .await
        .unwrap();
    // The first is polled first, so it listens before there is a task.
    let dispatched = evertask.dispatch(Numbered(0)).into_future();
    let (report, dispatched) =
        futures::future::join(evertask.shutdown_on_signal(), dispatched).await;
    dispatched.unwrap();
    let report = report.unwrap();
    say(&format!(
        "aborted {}, written {}",
        report.aborted, report.everything_written
    ));
}

fn terminate(child: &Child) {
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-TERM", &id]).status();
    assert!(sent.unwrap().success());
}

/// Issue 4, build 7.
#[test]
fn a_first_signal_shuts_down_and_a_second_one_skips_to_abort() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = Child::start(ENTRY, &directory.path().join("jobs.db"));
    assert_eq!(child.hear(), "runs");
    terminate(&child);
    assert_eq!(child.hear(), "told to stop");
    // It has all the time in the world to stop.
    terminate(&child);
    assert_eq!(child.hear(), "aborted 1, written true");
    child.finish();
}
