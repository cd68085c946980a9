//! The world of a test: a database, the children that use it, and the ledger about them.

use std::path::PathBuf;
use std::time::Duration;

use evertask::time::SystemClock;
use tempfile::TempDir;

use super::database::{self, Rows, is_over, is_series, status};
use super::journal::{Child, Journal};
use super::ledger::Ledger;
use super::load;
use super::report::{Assignment, Order, Report, What};
use super::runs;

pub(super) struct Scene {
    pub(super) ledger: Ledger,
    journal: Journal,
    directory: TempDir,
    children: u32,
}

impl Scene {
    pub(super) fn new() -> Self {
        Self {
            ledger: Ledger::default(),
            journal: Journal::new(),
            directory: TempDir::new().unwrap(),
            children: 0,
        }
    }

    pub(super) fn database(&self) -> PathBuf {
        self.directory.path().join("jobs.db")
    }

    /// Starts a child that is to dispatch so many tasks.
    pub(super) fn start(&mut self, entry: &str, tasks: u32) -> Child {
        let assignment = Assignment {
            tasks,
            ..Assignment::default()
        };
        self.start_with(entry, assignment)
    }

    /// Starts a child; its number and the database are filled in.
    pub(super) fn start_with(&mut self, entry: &str, mut assignment: Assignment) -> Child {
        self.children += 1;
        assignment.number = self.children;
        self.database()
            .to_str()
            .unwrap()
            .clone_into(&mut assignment.database);
        self.journal.start(entry, &assignment)
    }

    /// Takes reports into the ledger up to the first one that is wanted.
    pub(super) fn until(&mut self, mut wanted: impl FnMut(&Report) -> bool) -> Report {
        loop {
            let report = self.journal.next();
            self.ledger.note(report);
            if wanted(&report) {
                return report;
            }
        }
    }

    /// Takes reports into the ledger for that long.
    ///
    /// For tests that are about time: a soak lets its children work between two kills.
    pub(super) fn listen(&mut self, span: Duration) {
        let clock = SystemClock::shared();
        let end = clock.elapsed() + span;
        while let Some(left) = end.checked_sub(clock.elapsed()) {
            if let Some(report) = self.journal.next_within(left) {
                self.ledger.note(report);
            }
        }
    }

    /// Takes reports into the ledger up to that one.
    pub(super) fn until_told(&mut self, child: &Child, what: What) {
        let by = child.number;
        self.until(|report| *report == Report { by, what });
    }

    /// Kills a child and takes in whatever it had reported.
    pub(super) fn kill(&mut self, mut child: Child) {
        child.kill();
        assert!(!self.bury(child), "it ended before it could be killed");
    }

    /// Waits for the end of a child and takes in whatever it had reported; answers whether it ended
    /// well.
    pub(super) fn bury(&mut self, child: Child) -> bool {
        let (ended_well, gone) = child.wait();
        self.journal.note(gone);
        self.until(|report| *report == gone);
        ended_well
    }

    /// Reads the rows and holds them against the reports.
    pub(super) async fn look(&mut self) -> Rows {
        let known = self.ledger.known().clone();
        let rows = database::rows(&self.database()).await;
        // A living child may have said more until the rows were read.
        let (by, what) = (0, What::Mark);
        let mark = Report { by, what };
        self.journal.note(mark);
        self.until(|report| *report == mark);
        self.ledger.compare(&known, &rows);
        rows
    }

    /// Lets all children bring everything to its end and shut down, and looks at what is left.
    pub(super) async fn finish(&mut self, mut children: Vec<Child>) -> Rows {
        for child in &mut children {
            child.order(Order::Finish);
            self.until_told(child, What::Quiet);
        }
        let rows = self.look().await;
        // Of series, the child waits for those that come to an end before it says that it is quiet.
        let once = || rows.iter().filter(|(_, row)| !is_series(row));
        let is_open = |ledger: &Ledger| once().any(|(id, _)| !ledger.known().over.contains(id));
        while is_open(&self.ledger) {
            self.until(|report| matches!(report.what, What::Over(_)));
        }
        for child in children {
            self.stop(child);
        }
        self.check_the_end().await
    }

    /// Lets a child shut down in order.
    pub(super) fn stop(&mut self, mut child: Child) {
        child.order(Order::Stop);
        self.until_told(&child, What::Closed);
        assert!(self.bury(child), "a child that was told to stop failed");
    }

    /// Every task is over or a series between two runs, its history is what one delivery would have left, and one more start
    /// finds nothing to run and forgets all processes before it.
    async fn check_the_end(&mut self) -> Rows {
        let idle = self.start(load::ENTRY, 0);
        self.stop(idle);
        let rows = self.look().await;
        let path = self.database();
        let attempts = database::attempts(&path).await;
        let ends = database::ends(&path).await;
        for (id, row) in &rows {
            assert!(status(row).is_terminal(), "left behind: {row:?}");
            assert_eq!(row.owner, None, "{row:?}");
            assert_eq!(row.available_at.is_none(), is_over(row), "{row:?}");
            if is_series(row) {
                runs::hold(row, database::runs(&path, *id).await);
                continue;
            }
            assert_eq!(ends.get(id), Some(&1), "ends of {id}");
            let attempts = attempts.get(id).cloned().unwrap_or_default();
            let expected: Vec<_> = (1..).take(attempts.len()).collect();
            assert_eq!(attempts, expected, "attempts of {id}");
        }
        assert_eq!(database::processes(&path).await, 0);
        let owners = self.directory.path().join("jobs.db.owners");
        let owners = owners.read_dir().unwrap();
        let owners: Vec<_> = owners.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(owners, ["start.lock"]);
        rows
    }
}
