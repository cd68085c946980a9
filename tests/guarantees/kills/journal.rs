//! The pipe that all children of a test report into, and the children themselves.

use std::io::{BufRead, BufReader, PipeWriter, Write};
use std::process::{Child as Process, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::child::VARIABLE;
use super::report::{Assignment, Order, Report, What};
use crate::stage::TOO_LONG;

/// Everything that children report, in order.
pub(super) struct Journal {
    reports: Receiver<Report>,
    pipe: PipeWriter,
}

/// A process that runs an entry test; killed when dropped.
pub(super) struct Child {
    pub(super) number: u32,
    process: Process,
}

impl Journal {
    pub(super) fn new() -> Self {
        let (output, pipe) = std::io::pipe().unwrap();
        let (sender, reports) = channel();
        // On a thread of its own, so that no child ever waits for its test to read.
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                // The test harness of the child writes its own lines between the reports.
                if let Ok(report) = serde_json::from_str(&line.unwrap())
                    && sender.send(report).is_err()
                {
                    return;
                }
            }
        });
        Self { reports, pipe }
    }

    /// Starts a child in the entry test of that path.
    pub(super) fn start(&self, entry: &str, assignment: &Assignment) -> Child {
        let process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", entry, "--nocapture", "--test-threads=1"])
            .env(VARIABLE, serde_json::to_string(assignment).unwrap())
            .stdin(Stdio::piped())
            .stdout(self.pipe.try_clone().unwrap())
            .spawn()
            .unwrap();
        let number = assignment.number;
        Child { number, process }
    }

    /// Waits for the next report.
    pub(super) fn next(&self) -> Report {
        let report = self.reports.recv_timeout(TOO_LONG);
        report.expect("no child has anything to report")
    }

    /// Waits for the next report, but only that long.
    pub(super) fn next_within(&self, span: Duration) -> Option<Report> {
        self.reports.recv_timeout(span).ok()
    }

    /// Puts a report of the test's own behind everything that was said so far.
    pub(super) fn note(&mut self, report: Report) {
        let line = serde_json::to_string(&report).unwrap();
        let line = format!("\n{line}\n");
        self.pipe.write_all(line.as_bytes()).unwrap();
    }
}

impl Child {
    pub(super) fn order(&mut self, order: Order) {
        let order = serde_json::to_string(&order).unwrap();
        let mut input = self.process.stdin.as_ref().unwrap();
        writeln!(input, "{order}").unwrap();
    }

    /// Sends `SIGKILL`.
    pub(super) fn kill(&mut self) {
        self.process.kill().unwrap();
    }

    /// Waits until the process is gone; answers whether it ended well, and its last word.
    pub(super) fn wait(mut self) -> (bool, Report) {
        let by = self.number;
        // Waiting closes the input if it finds it, and a child whose input has ended stops.
        let _input = self.process.stdin.take();
        let ended_well = self.process.wait().unwrap().success();
        let what = What::Gone;
        (ended_well, Report { by, what })
    }
}

/// No child outlives a test that failed.
impl Drop for Child {
    fn drop(&mut self) {
        // Both fail if it is gone already.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
