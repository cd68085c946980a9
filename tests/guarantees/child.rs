//! Another process that runs a part of a test, for what can't be seen from within the test's own.
//!
//! It is this very binary, told to run one test; the test finds its role in the environment. The two
//! talk in lines, and the child ends when its standard input does.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// Names the database of a child; only a child has it.
const DATABASE: &str = "EVERTASK_TEST_DATABASE";

/// What distinguishes a line of ours from those of the test harness.
const MARK: &str = "child says: ";

/// Longer than anything a child does; a test that waits so long has failed.
const TOO_LONG: Duration = Duration::from_mins(30);

/// A child process, killed when dropped.
pub(crate) struct Child {
    process: std::process::Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Child {
    /// Runs the test of that full name in a process of its own, on that database.
    pub(crate) fn start(test: &str, database: &Path) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(DATABASE, database)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = process.stdin.take();
        let output = BufReader::new(process.stdout.take().unwrap());
        let (said, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if let Some((_, line)) = line.split_once(MARK) {
                    said.send(line.to_owned()).ok();
                }
            }
        });
        Self {
            process,
            input,
            lines,
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Tells the child something.
    pub(crate) fn tell(&mut self, line: &str) {
        let input = self.input.as_mut().expect("the child is not finished");
        writeln!(input, "{line}").unwrap();
    }

    /// Waits for what the child says next.
    pub(crate) fn hear(&self) -> String {
        self.lines.recv_timeout(TOO_LONG).expect("the child speaks")
    }

    /// Waits that long, in which the child has to live and be silent.
    pub(crate) fn watch(&self, time: Duration) {
        assert_eq!(
            self.lines.recv_timeout(time),
            Err(RecvTimeoutError::Timeout),
            "the child is silent"
        );
    }

    /// Lets the child come to its end, which has to be a success.
    pub(crate) fn finish(&mut self) {
        self.input.take();
        let status = self.process.wait().unwrap();
        assert!(status.success(), "the child succeeds");
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended already.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// The database this process was started for, if it is a child.
pub(crate) fn database() -> Option<PathBuf> {
    std::env::var_os(DATABASE).map(PathBuf::from)
}

/// Tells the parent something.
pub(crate) fn say(line: &str) {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{MARK}{line}").unwrap();
    output.flush().unwrap();
}

/// Waits for what the parent says next; `None` if it is gone.
pub(crate) fn listen() -> Option<String> {
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line).unwrap();
    (read > 0).then(|| line.trim_end().to_owned())
}
