//! Where a run takes place: a storage, a clock and the runtimes that share them.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use evertask::storage::{ProcessStart, StorageBackend, TaskStorage};
use evertask::task::{IdSource, ProcessId, SeededIds};
use evertask::time::{Clock, ManualClock, Timestamp};
use evertask::{EverTask, MemoryStorage, Queue, SqlStorage, StorageErrorKind};
use evertask_core::storage::faulty::{FaultRates, FaultyStorage, SeededFaults};
use tempfile::TempDir;
use uuid::Uuid;

use super::errand::{Errand, Rarity, Runner};
use super::ledger::Ledger;
use super::witness::{Open, Witness};
use crate::dice::Dice;
use crate::stage::TOO_LONG;

/// What a storage is made of.
pub(super) struct Home {
    backend: Arc<dyn StorageBackend>,
    directory: Option<TempDir>,
}

impl Home {
    pub(super) fn memory() -> Self {
        Self {
            backend: Arc::new(MemoryStorage::new()),
            directory: None,
        }
    }

    pub(super) fn sqlite() -> Self {
        let directory = tempfile::tempdir().expect("a directory for the database");
        Self {
            backend: Arc::new(SqlStorage::sqlite(directory.path().join("jobs.db"))),
            directory: Some(directory),
        }
    }
}

/// How often calls of the storage fail.
#[derive(Clone, Copy, Debug)]
pub(super) enum Weather {
    /// Often: a short program has to get through it.
    Bad,
    /// Never: a long program shows everything that tasks go through.
    Fine,
}

/// How long nothing has to happen before the clock is moved on. It only sets the pace: a clock that
/// is moved early is one of the things that have to be survived.
const QUIET: Duration = Duration::from_millis(1);

const QUEUES: [&str; 2] = [Queue::DEFAULT, "side"];

pub(super) struct World {
    pub(super) clock: ManualClock,
    pub(super) storage: FaultyStorage,
    pub(super) witness: Witness,
    pub(super) ledger: Ledger,
    pub(super) dice: Dice,
    pub(super) runtimes: Vec<EverTask>,
    pub(super) ids: SharedIds,
    /// How many runtimes were started.
    started: u32,
    _directory: Option<TempDir>,
}

impl World {
    pub(super) fn new(seed: u64, home: Home, weather: Weather) -> Self {
        let clock = ManualClock::starting_at(Timestamp::UNIX_EPOCH);
        let witness = Witness::of(home.backend);
        let rates = match weather {
            Weather::Bad => FaultRates {
                rejecting: 5,
                ..FaultRates::BAD_DAY
            },
            Weather::Fine => FaultRates::default(),
        };
        let faults = SeededFaults::new(seed, rates);
        let storage = FaultyStorage::new(witness.clone(), Arc::new(clock.clone()), faults);
        Self {
            ledger: Ledger::new(&witness),
            dice: Dice::new(seed),
            runtimes: Vec::new(),
            ids: SharedIds(Arc::new(SeededIds::new(1))),
            started: 0,
            clock,
            storage,
            witness,
            _directory: home.directory,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets time pass until the future is ready: whenever nothing happens, the clock shows the next
    /// instant that somebody waits for.
    pub(super) async fn pass<F: Future>(&self, what: &str, future: F) -> F::Output {
        let mut future = pin!(future);
        let mut stirs = self.witness.stirs();
        let passing = async {
            loop {
                tokio::select! {
                    biased;
                    output = &mut future => return output,
                    stirred = tokio::time::timeout(QUIET, stirs.changed()) => {
                        if stirred.is_err() {
                            self.advance();
                        }
                    }
                }
            }
        };
        if let Ok(output) = tokio::time::timeout(TOO_LONG, passing).await {
            return output;
        }
        let (report, open) = (self.report(), self.left_open().await);
        panic!("{what} takes too long\n{report}\nwhat is open:\n{open}");
    }

    /// Lets the clock move on so often.
    pub(super) async fn pause(&self, moves: u32) {
        let mut stirs = self.witness.stirs();
        for _ in 0..moves {
            // A database may take longer for a commit than a quiet moment lasts; were that not waited for,
            // the steps would be over before the tasks have begun.
            while tokio::time::timeout(QUIET, stirs.changed()).await.is_ok()
                || self.witness.is_busy()
            {}
            self.advance();
        }
    }

    fn advance(&self) {
        if let Some(due) = self.clock.next_wait() {
            let span = (due - self.clock.now()).to_std().unwrap_or_default();
            self.clock.advance(span);
        }
    }

    /// Starts a runtime, again if its storage does not open.
    pub(super) async fn start(&mut self, is_last: bool) {
        let is_complete = is_last || self.dice.throw(4) > 0;
        let has_side = is_last || self.dice.throw(3) > 0;
        let windows = QUEUES.map(|_| (1 + self.dice.throw(3), 1 + self.dice.throw(6)));
        let patience = [1, 30][self.dice.throw(2) as usize];
        self.started += 1;
        self.witness.starts(self.started);
        loop {
            let mut builder = EverTask::builder()
                .storage(self.storage.clone())
                .clock(self.clock.clone())
                .ids(self.ids.clone())
                .handler_threads(1)
                .patience(Duration::from_secs(patience))
                .quarantine_after(u32::MAX)
                .handler_for::<Errand, _>(self.runner());
            if is_complete {
                builder = builder.handler_for::<Rarity, _>(self.runner());
            }
            let queues = QUEUES.into_iter().take(1 + usize::from(has_side));
            for (name, (parallelism, capacity)) in queues.zip(windows) {
                builder = builder.queue(
                    Queue::new(name)
                        .parallelism(parallelism as usize)
                        .capacity(capacity as usize),
                );
            }
            match self.pass("a start", builder.start()).await {
                Ok(evertask) => return self.runtimes.push(evertask),
                Err(error) => self.witness.trace(format!("a start failed: {error}")),
            }
        }
    }

    fn runner(&self) -> Runner {
        Runner {
            clock: self.clock.clone(),
            ledger: self.ledger.clone(),
            runtime: self.started,
        }
    }

    /// Shuts a runtime down, without waiting for handlers if it is to be at once, and waits until its storage
    /// is free.
    pub(super) async fn shut_down(&self, evertask: EverTask, at_once: bool) {
        self.witness.trace("shutting down".to_owned());
        let client = evertask.client().clone();
        let report = if at_once {
            self.pass("a shutdown at once", client.shutdown_now()).await
        } else {
            self.pass("a shutdown", client.shutdown()).await
        };
        report.expect("no actor gives up");
        drop((evertask, client));
        self.let_go().await;
    }

    pub(super) async fn shut_all_down(&mut self) {
        while let Some(evertask) = self.runtimes.pop() {
            self.shut_down(evertask, false).await;
        }
    }

    /// Drops a runtime as a crash would, and waits until its storage is free.
    pub(super) async fn crash(&self, evertask: EverTask) {
        self.witness.trace("crashing".to_owned());
        drop(evertask);
        self.let_go().await;
    }

    /// Waits until the runtimes that have ended don't use the storage any more.
    async fn let_go(&self) {
        let living = self.runtimes.len();
        let mut sessions = self.witness.sessions();
        let gone = sessions.wait_for(|sessions| *sessions <= living);
        self.pass("the end of a runtime", gone)
            .await
            .expect("the witness exists");
    }

    /// Waits until so much is left open, or less.
    pub(super) async fn settled(&self, what: &str, wanted: impl Fn(&Open) -> bool) {
        let reader = self.reader().await;
        let looked = self.pass("a look", self.witness.look(&*reader)).await;
        looked.expect("the storage answers");
        drop(reader);
        let mut open = self.witness.open_rows();
        let settled = open.wait_for(wanted);
        self.pass(what, settled).await.expect("the witness exists");
    }

    /// A process of its own that reads what is stored, past all faults.
    pub(super) async fn reader(&self) -> Arc<dyn TaskStorage> {
        loop {
            let start = ProcessStart {
                id: ProcessId(Uuid::now_v7()),
                at: self.now(),
            };
            match self.witness.open(start).await {
                Ok(reader) => return reader,
                // A file that others write all the time may be locked for longer than is waited for it.
                Err(error) if error.kind() == StorageErrorKind::Transient => {}
                Err(error) => panic!("the storage opens: {error}"),
            }
        }
    }

    /// The rows that are not over, as they are stored.
    async fn left_open(&self) -> String {
        let reader = self.reader().await;
        let mut rows = Vec::new();
        for id in self.witness.ids() {
            if let Ok(Some(record)) = reader.task(id).await
                && !record.state.is_over()
            {
                rows.push(format!("{id} {:?}", record.state));
            }
        }
        rows.join("\n")
    }

    /// What happened, for whoever has to find out why a run failed.
    pub(super) fn report(&self) -> String {
        format!(
            "faults:\n{}\nwhat reached the storage:\n{}",
            self.storage.log(),
            self.witness.traced()
        )
    }
}

/// One source of ids for all runtimes of a run.
#[derive(Clone)]
pub(super) struct SharedIds(Arc<SeededIds>);

impl IdSource for SharedIds {
    fn next(&self, at: Timestamp) -> Uuid {
        self.0.next(at)
    }
}

impl fmt::Debug for SharedIds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
