use std::sync::Arc;
use std::time::Duration;

use actix::{
    Actor, Addr, AsyncContext, Context, Handler, Message, ResponseFuture, Supervised, WrapFuture,
};
use evertask_core::storage::StorageError;
use evertask_core::time::Clock;

use super::cycle::Retention;
use super::report::RetentionReport;
use crate::runtime::FaultSwitch;
use crate::supervision::tell;
use crate::supervisor::RequestError;

/// Begins the cycles of retention at their times.
pub(crate) struct Housekeeper {
    deps: HousekeeperDeps,
    /// The number of the timer that counts; those before it were set for nothing.
    timer: u64,
}

/// What stays true across a crash of the actor.
#[derive(Clone)]
pub(crate) struct HousekeeperDeps {
    pub(crate) retention: Retention,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) faults: FaultSwitch,
}

/// Does a cycle now, after the one that may be under way.
#[derive(Message)]
#[rtype(result = "Result<RetentionReport, RequestError>")]
pub(crate) struct RunCycle;

/// Counts what a cycle would delete now.
#[derive(Message)]
#[rtype(result = "Result<RetentionReport, RequestError>")]
pub(crate) struct PreviewCycle;

/// The time of the next cycle has come.
#[derive(Message)]
#[rtype(result = "()")]
struct CycleTick {
    timer: u64,
}

/// A cycle has ended, one way or another.
#[derive(Message)]
#[rtype(result = "()")]
struct CycleEnded;

impl Housekeeper {
    pub(crate) fn new(deps: HousekeeperDeps) -> Self {
        Self { deps, timer: 0 }
    }

    fn wait(&mut self, span: Duration, context: &mut Context<Self>) {
        self.timer += 1;
        let timer = self.timer;
        let (addr, waiting) = (context.address(), self.deps.clock.sleep(span));
        let tick = async move {
            waiting.await;
            tell(&addr, CycleTick { timer });
        };
        context.spawn(tick.into_actor(self));
    }
}

impl Actor for Housekeeper {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.deps.faults.started::<Self>();
        let delay = self.deps.retention.policy().first_cycle_after();
        self.wait(delay, context);
    }
}

impl Supervised for Housekeeper {
    fn restarting(&mut self, _: &mut Self::Context) {
        *self = Self::new(self.deps.clone());
        self.deps.faults.restarting::<Self>();
    }
}

impl Handler<CycleTick> for Housekeeper {
    type Result = ();

    fn handle(&mut self, CycleTick { timer }: CycleTick, context: &mut Self::Context) {
        if timer != self.timer {
            return;
        }
        let ended = TellEnded(context.address());
        let retention = self.deps.retention.clone();
        // A task of its own: a cycle goes on when the actor restarts, and its crash is not the
        // actor's.
        actix_rt::spawn(async move {
            if let Err(error) = retention.run().await {
                tracing::error!(%error, "a cycle of retention failed; the next one comes");
            }
            drop(ended);
        });
    }
}

impl Handler<CycleEnded> for Housekeeper {
    type Result = ();

    fn handle(&mut self, _: CycleEnded, context: &mut Self::Context) {
        let interval = self.deps.retention.policy().cycle_interval();
        self.wait(interval, context);
    }
}

impl Handler<RunCycle> for Housekeeper {
    type Result = ResponseFuture<Result<RetentionReport, RequestError>>;

    fn handle(&mut self, _: RunCycle, _: &mut Self::Context) -> Self::Result {
        let retention = self.deps.retention.clone();
        answer(async move { retention.run().await })
    }
}

impl Handler<PreviewCycle> for Housekeeper {
    type Result = ResponseFuture<Result<RetentionReport, RequestError>>;

    fn handle(&mut self, _: PreviewCycle, _: &mut Self::Context) -> Self::Result {
        let retention = self.deps.retention.clone();
        answer(async move { retention.preview().await })
    }
}

/// Answers what a task of its own comes to.
fn answer(
    report: impl Future<Output = Result<RetentionReport, StorageError>> + 'static,
) -> ResponseFuture<Result<RetentionReport, RequestError>> {
    let report = actix_rt::spawn(report);
    Box::pin(async move {
        let report = report.await.map_err(|_| RequestError::NoAnswer)?;
        report.map_err(|error| RequestError::Storage(error.to_string()))
    })
}

/// Tells the actor when dropped, so that a cycle that crashes is followed by the next one too.
struct TellEnded(Addr<Housekeeper>);

impl Drop for TellEnded {
    fn drop(&mut self) {
        tell(&self.0, CycleEnded);
    }
}
