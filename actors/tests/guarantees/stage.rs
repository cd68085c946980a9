//! Where guarded actors are made to crash: a clock that the test moves, and every report.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a stage that fails has to fail its test"
)]

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr, Context, Supervised};
use evertask_actors::supervision::{CrashReport, CrashSink, GuardedSlot, RestartBudget, Verdict};
use evertask_core::time::{Clock, ManualClock, Timestamp};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

pub(crate) struct Stage {
    pub(crate) clock: ManualClock,
    pub(crate) sink: CrashSink,
    reports: UnboundedReceiver<CrashReport>,
}

impl Stage {
    pub(crate) fn setup() -> Self {
        let (sender, reports) = unbounded_channel();
        Self {
            clock: ManualClock::starting_at(Timestamp::UNIX_EPOCH),
            sink: Arc::new(move |report| sender.send(report).unwrap()),
            reports,
        }
    }

    /// Starts an actor with the default budget.
    pub(crate) fn start<A>(&self, actor: A) -> Addr<A>
    where
        A: Actor<Context = Context<A>> + Supervised,
    {
        let slot = GuardedSlot::new("probe".into(), 16);
        let addr = slot.addr();
        slot.start(
            actor,
            RestartBudget::default(),
            self.clock(),
            Arc::clone(&self.sink),
        );
        addr
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.clock.clone())
    }

    /// Answers the next crash.
    pub(crate) async fn crash(&mut self) -> CrashReport {
        soon(self.reports.recv()).await.unwrap()
    }

    /// Answers the next crash and the backoff it was given, which has passed afterwards.
    pub(crate) async fn crash_and_backoff(&mut self) -> (CrashReport, Duration) {
        let report = self.crash().await;
        let Verdict::RestartAfter(backoff) = report.verdict else {
            panic!("given up: {report:?}");
        };
        self.clock.advance(backoff);
        (report, backoff)
    }

    /// Fails the test if a crash has not been asked for.
    pub(crate) fn assert_no_more_crashes(&mut self) {
        let report = self.reports.try_recv();
        assert!(report.is_err(), "unexpected {report:?}");
    }
}

/// Turns a hang into a failure. The span is no measure of anything, only longer than any stall.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(30), future)
        .await
        .expect("the test hangs")
}
