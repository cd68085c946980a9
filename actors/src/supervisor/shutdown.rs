use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use evertask_core::storage::TaskStorage;
use evertask_core::task::TaskId;
use evertask_core::time::Clock;
use futures::FutureExt;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::delivery::StopSignals;
use crate::dispatch::AdmissionDeps;
use crate::persistence::Patience;
use crate::pool::Drain;
use crate::retention::Retention;
use crate::runtime::Lifecycle;
use crate::scheduler::GiveBackAll;
use crate::supervision::ask;
use crate::throttle::StateFile;

/// How long each phase of a shutdown may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShutdownTimes {
    /// Running handlers may finish undisturbed.
    pub(crate) drain: Duration,
    /// They have been told to stop and may do so.
    pub(crate) grace: Duration,
    /// They have been aborted, and what became of them is being stored.
    pub(crate) record: Duration,
}

/// What a shutdown did.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Handlers that were running when it began.
    pub running: usize,
    /// Of these, how many came to their end while draining.
    pub drained: usize,
    /// How many more stopped after they had been told to.
    pub stopped: usize,
    /// How many had to be aborted.
    pub aborted: usize,
    /// Waiting tasks that were given back to the storage, as far as it said so in time.
    pub given_back: usize,
    /// Bodies that can't be aborted and are still running; their tasks are stored as stopped and
    /// run again after the next start.
    pub left_behind: Vec<LeftBehind>,
    /// Whether everything there was to store is stored. If not, the storage could not be used for too
    /// long, or a handler or a hook did not come to its end; the tasks concerned are as a crash would
    /// leave them, and the next start runs them again.
    pub everything_written: bool,
    /// Whether the storage was closed in order. If not, it is let go of as by a crash, with the thread
    /// of the runtime and the last delivery: before [`Client::shutdown`](crate::Client::shutdown)
    /// answers, unless a handler never yields.
    pub storage_closed: bool,
}

/// A blocking body that outlived the shutdown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LeftBehind {
    /// The task.
    pub id: TaskId,
    /// The name of its type.
    pub task: String,
}

/// The one shutdown of a runtime, whoever asks for it and however often.
#[derive(Clone)]
pub(crate) struct Shutdowns {
    deps: Arc<ShutdownDeps>,
    report: Arc<Mutex<Option<watch::Receiver<Option<ShutdownReport>>>>>,
    /// Fires when nothing is to be waited for any more.
    hurry: CancellationToken,
    /// Each caller that has no answer yet listens to it, and nothing is ever sent.
    callers: watch::Sender<()>,
}

pub(crate) struct ShutdownDeps {
    pub(crate) admission: AdmissionDeps,
    pub(crate) storage: Arc<dyn TaskStorage>,
    /// There if a retention policy is set.
    pub(crate) retention: Option<Retention>,
    /// There if what was spent of rate limits is kept.
    pub(crate) limit_state: Option<StateFile>,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) signals: StopSignals,
    pub(crate) times: ShutdownTimes,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Shutdowns {
    pub(crate) fn new(deps: ShutdownDeps) -> Self {
        Self {
            deps: Arc::new(deps),
            report: Arc::default(),
            hurry: CancellationToken::new(),
            callers: watch::Sender::default(),
        }
    }

    /// Begins the shutdown, or joins the one that was begun, and answers its report.
    pub(crate) fn begin(&self) -> impl Future<Output = ShutdownReport> + use<> {
        let mut begun = self.report.lock();
        let mut report = begun.get_or_insert_with(|| self.start()).clone();
        let caller = self.callers.subscribe();
        async move {
            let _caller = caller;
            let report = report.wait_for(Option::is_some).await;
            report
                .ok()
                .and_then(|report| report.clone())
                .unwrap_or_default()
        }
    }

    /// The same, but handlers are aborted at once.
    pub(crate) fn hurry(&self) -> impl Future<Output = ShutdownReport> + use<> {
        self.hurry.cancel();
        self.begin()
    }

    /// Runs the phases in a task of their own: it goes on if the supervisor crashes.
    fn start(&self) -> watch::Receiver<Option<ShutdownReport>> {
        let (reply, report) = watch::channel(None);
        let deps = Arc::clone(&self.deps);
        let (callers, hurry) = (self.callers.clone(), self.hurry.clone());
        deps.lifecycle.drain();
        actix_rt::spawn(async move {
            // A storage is not ours and may panic. Nothing is claimed then, so the storage goes with
            // the thread.
            let report = AssertUnwindSafe(deps.run(&hurry)).catch_unwind().await;
            let report = report.unwrap_or_default();
            tracing::info!(?report, "shut down");
            if report.storage_closed {
                deps.lifecycle.end(Ok(report.clone()));
                reply.send_replace(Some(report));
            } else {
                reply.send_replace(Some(report.clone()));
                // Their answers would be lost with the thread.
                callers.closed().await;
                deps.lifecycle.end(Ok(report));
            }
        });
        report
    }
}

impl ShutdownDeps {
    async fn run(&self, hurry: &CancellationToken) -> ShutdownReport {
        let registry = &self.admission.registry;
        let running = registry.started();
        let mut report = ShutdownReport {
            running,
            ..ShutdownReport::default()
        };
        let given_back = self.give_back();
        report.given_back = self.in_time(given_back).await.unwrap_or_default();
        let patience = Patience::For(self.times.record);
        // Answered once everything posted before it is committed; no claim is made any more.
        let claimed = self.admission.persistence.post(Vec::new(), patience, false);
        let drain = self.wait_for_handlers(self.times.drain);
        let left = self.unless(hurry, drain).await;
        report.drained = running.saturating_sub(left);
        if left > 0 {
            // One that commits after a stopped task would take that task and give it back as if it
            // had only waited.
            self.in_time(claimed).await;
            self.signals.stop.cancel();
            let grace = self.wait_for_handlers(self.times.grace);
            let after_grace = self.unless(hurry, grace).await;
            report.stopped = left.saturating_sub(after_grace);
            report.aborted = after_grace;
            if after_grace > 0 {
                self.signals.abort.cancel();
                self.wait_for_handlers(self.times.record).await;
            }
        }
        report.left_behind = std::mem::take(&mut *self.signals.left_behind.lock());
        self.lifecycle.stop();
        if let Some(state) = &self.limit_state {
            // Nothing starts any more.
            state.end(self.clock.now()).await;
        }
        let finished = self.finish_writing(&mut report.given_back);
        let finished = self.in_time(finished).await;
        if finished.is_none() {
            tracing::warn!("the storage did not take the last writes in time");
            // Whatever is still on its way is dropped with the thread, and the storage with it.
            return report;
        }
        let left = registry.started();
        report.everything_written = finished == Some(true) && left == 0;
        if left > 0 {
            // A handler that was aborted goes on until its next `.await`. It holds the storage as long, so
            // that nobody else takes its task for one of a dead process.
            tracing::warn!(left, "handlers are still on their way out");
            return report;
        }
        report.storage_closed = self.close_storage().await;
        report
    }

    /// Gives back what has not started: first what is not due, so that nothing more comes from there.
    async fn give_back(&self) -> usize {
        let held = ask(&self.admission.scheduler, GiveBackAll).await;
        held.unwrap_or_default() + self.drain_pools().await
    }

    async fn drain_pools(&self) -> usize {
        let drains: Vec<_> = self
            .admission
            .gates
            .all()
            .map(|gate| ask(&gate.pool, Drain))
            .collect();
        let given_back = futures::future::join_all(drains).await;
        given_back.into_iter().map(Result::unwrap_or_default).sum()
    }

    /// Waits for running handlers, at most that long; answers how many are left.
    async fn wait_for_handlers(&self, time: Duration) -> usize {
        tokio::select! {
            () = self.admission.registry.none_started() => 0,
            () = self.clock.sleep(time) => self.admission.registry.started(),
        }
    }

    /// Waits for running handlers until somebody is in a hurry; answers how many are left.
    async fn unless(&self, hurry: &CancellationToken, wait: impl Future<Output = usize>) -> usize {
        tokio::select! {
            left = wait => left,
            () = hurry.cancelled() => self.admission.registry.started(),
        }
    }

    /// Does something with the storage, for at most as long as a record may take.
    async fn in_time<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.clock.sleep(self.times.record) => None,
        }
    }

    /// Lets dispatches that are under way and writes that wait come to their end; answers whether
    /// they are known to.
    async fn finish_writing(&self, given_back: &mut usize) -> bool {
        let all = u32::try_from(self.admission.max_under_way).unwrap_or(u32::MAX);
        drop(self.admission.under_way.acquire_many(all).await);
        // Everything posted before it is committed when this empty set is answered.
        let barrier = self
            .admission
            .persistence
            .apply(Vec::new(), Patience::Endless);
        let committed = barrier.await.is_ok();
        // What was on its way to a pool when the first drain was made has arrived by now.
        *given_back += self.give_back().await;
        // A cycle stops after the batch that it is doing.
        if let Some(retention) = &self.retention {
            retention.turn_ended().await;
        }
        committed
    }

    async fn close_storage(&self) -> bool {
        match self.in_time(self.storage.close()).await {
            Some(Ok(())) => return true,
            Some(Err(error)) => tracing::warn!(%error, "the storage was not closed properly"),
            None => tracing::warn!("the storage was not closed in time"),
        }
        false
    }
}
