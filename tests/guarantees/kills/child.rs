//! The side of the child.

use std::io::Write;

use evertask::SqlStorage;
use tokio::sync::watch;

use super::report::{Assignment, Order, Report, What};

/// The variable that makes an entry test a child; its value is the assignment.
pub(super) const VARIABLE: &str = "EVERTASK_TEST_CHILD";

/// Answers what this process is to do, or `None` if it is no child: then an entry test does nothing.
pub(super) fn assignment() -> Option<Assignment> {
    let assignment = std::env::var(VARIABLE).ok()?;
    Some(serde_json::from_str(&assignment).expect("the test wrote it"))
}

impl Assignment {
    pub(super) fn storage(&self) -> SqlStorage {
        SqlStorage::sqlite(&self.database)
    }

    pub(super) fn voice(&self) -> Voice {
        Voice(self.number)
    }
}

/// Reports to the test.
#[derive(Clone, Copy, Debug)]
pub(super) struct Voice(pub(super) u32);

impl Voice {
    /// Writes a line at once: what was said has happened before whatever follows, even a kill.
    pub(super) fn say(self, what: What) {
        let report = Report { by: self.0, what };
        let report = serde_json::to_string(&report).expect("a report is plain data");
        // The test harness may have begun a line.
        let line = format!("\n{report}\n");
        let mut output = std::io::stdout().lock();
        output
            .write_all(line.as_bytes())
            .and_then(|()| output.flush())
            .expect("the test reads as long as it has children");
    }
}

/// Tells the test of a panic, which would otherwise wait for a report that never comes.
pub(super) struct Alarm(pub(super) Voice);

impl Drop for Alarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.say(What::Panicked);
        }
    }
}

/// What the test wants this child to do.
#[derive(Clone)]
pub(super) struct Orders(watch::Receiver<Order>);

impl Orders {
    /// Listens on a thread of its own; a test that has gone wants its children to stop.
    pub(super) fn listen() -> Self {
        let (sender, receiver) = watch::channel(Order::Work);
        std::thread::spawn(move || {
            for line in std::io::stdin().lines() {
                let Ok(line) = line else { break };
                let order = serde_json::from_str(&line).expect("the test wrote it");
                sender.send_replace(order);
            }
            sender.send_replace(Order::Stop);
        });
        Self(receiver)
    }

    /// Waits until the test has given that order, or a later one.
    pub(super) async fn given(&self, order: Order) {
        let mut orders = self.0.clone();
        let given = orders.wait_for(|given| *given >= order).await;
        drop(given.expect("the thread that listens ends with the process"));
    }

    /// Whether the test has given that order, or a later one.
    pub(super) fn are_at(&self, order: Order) -> bool {
        *self.0.borrow() >= order
    }

    /// Hands on how many tasks more are ordered, until the child is to finish.
    pub(super) async fn more(&self, allow: impl Fn(u32)) {
        let mut orders = self.0.clone();
        let mut allowed = 0;
        loop {
            match *orders.borrow_and_update() {
                Order::Work => {}
                Order::WorkMore(tasks) => {
                    allow(tasks.saturating_sub(allowed));
                    allowed = tasks;
                }
                Order::Finish | Order::Stop => return,
            }
            let changed = orders.changed().await;
            changed.expect("the thread that listens ends with the process");
        }
    }
}
