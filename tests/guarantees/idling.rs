//! A runtime with nothing due does nothing: no statement, no tick.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use evertask::{EverTask, SqlStorage};
use futures::future::join_all;

use crate::child::{self, Child};
use crate::stage::{Numbered, Watch, soon};

const THIS: &str =
    "idling::a_runtime_whose_tasks_are_due_tomorrow_sends_nothing_and_wakes_for_nothing";

/// Longer than the threads that tokio keeps for blocking calls linger.
const QUIET: Duration = Duration::from_secs(11);

/// Issue must-show 5: "A child process with 1,000 tasks due tomorrow, watched for 30 s: zero
/// statements counted at the driver, at most one voluntary context switch over all threads of the
/// runtime."
#[test]
fn a_runtime_whose_tasks_are_due_tomorrow_sends_nothing_and_wakes_for_nothing() {
    if let Some(database) = child::database() {
        return idle(&database);
    }
    let directory = tempfile::tempdir().unwrap();
    let mut child = Child::start(THIS, &directory.path().join("jobs.db"));
    let sent = child.hear();
    let mut before = switches(child.id());
    loop {
        child.watch(QUIET);
        let settled = switches(child.id());
        if settled == before {
            break;
        }
        before = settled;
    }
    // Twice: in a minute, the clock is looked at.
    for _ in 0..2 {
        child.watch(Duration::from_secs(30));
        let after = switches(child.id());
        let woken = woken(&before, &after);
        println!("threads woke: {woken:?}");
        assert!(woken.values().sum::<u64>() <= 1, "threads woke: {woken:?}");
        before = after;
    }
    child.tell("how many statements?");
    assert_eq!(child.hear(), sent, "statements were sent");
    child.finish();
}

/// The part of the child: an application that does nothing but hold the handle.
fn idle(database: &std::path::Path) {
    let storage = SqlStorage::sqlite(database);
    let statements = storage.statement_counter();
    let application = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let evertask = application.block_on(async {
        let evertask = EverTask::builder()
            .storage(storage)
            .handler(Watch::open())
            .start()
            .await
            .unwrap();
        let tomorrow = Duration::from_hours(24);
        let dispatches = (0..1_000).map(|number| {
            let dispatch = evertask.dispatch(Numbered(number)).after(tomorrow);
            dispatch.into_future()
        });
        for stored in soon(join_all(dispatches)).await {
            stored.unwrap();
        }
        evertask
    });
    child::say(&statements.count().to_string());
    while child::listen().is_some() {
        child::say(&statements.count().to_string());
    }
    application.block_on(evertask.shutdown()).unwrap();
}

/// A thread by its id and its name.
type Thread = (u32, String);

/// How often each thread of a process has gone to sleep by itself: once each time it had woken.
///
/// The first thread is left out. It is the test harness's and wakes to complain of a slow test.
fn switches(process: u32) -> HashMap<Thread, u64> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let status = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("status")).ok();
    threads
        .filter_map(|thread| status(thread.unwrap()))
        .map(|status| {
            let field = |name: &str| {
                let mut lines = status.lines();
                let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
                value.unwrap().trim().to_owned()
            };
            let thread = (field("Pid").parse().unwrap(), field("Name"));
            (thread, field("voluntary_ctxt_switches").parse().unwrap())
        })
        .filter(|((thread, _), _)| *thread != process)
        .collect()
}

/// The threads that woke between two readings; one that has come or gone has woken too.
fn woken(before: &HashMap<Thread, u64>, after: &HashMap<Thread, u64>) -> HashMap<Thread, u64> {
    let mut woken = HashMap::new();
    for (thread, count) in after {
        let wakes = count - before.get(thread).copied().unwrap_or_default();
        if wakes > 0 {
            woken.insert(thread.clone(), wakes);
        }
    }
    for thread in before.keys().filter(|thread| !after.contains_key(*thread)) {
        woken.insert(thread.clone(), 1);
    }
    woken
}
