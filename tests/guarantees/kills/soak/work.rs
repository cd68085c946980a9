//! What the mix consists of: tasks that run once, and series.

use std::time::Duration;

use evertask::{
    CancelOutcome, DispatchRequest, EverTask, Failure, RetryPolicy, Task, TaskContext, TaskError,
    TaskHandler, TaskOptions, TaskResult,
};
use serde::{Deserialize, Serialize};

use super::super::child::{Orders, Voice};
use super::super::report::{Order, Run, What};
use crate::dice::Dice;

/// How many pieces that need the press run at once.
pub(super) const PRESSES: usize = 2;

/// A task that runs once.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Piece {
    /// Told apart from all others of the soak.
    pub(super) work: u64,
    pub(super) kind: Kind,
}

impl Task for Piece {
    const NAME: &'static str = "soak.piece";

    fn options() -> TaskOptions {
        TaskOptions::new().max_running_per_key(PRESSES)
    }

    fn concurrency_key(&self) -> Option<String> {
        (self.kind == Kind::Lengthy).then(|| "press".to_owned())
    }
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) enum Kind {
    /// Ends at once.
    Quick,
    /// Lets others run many times before it ends, and needs a press.
    Lengthy,
    /// Fails twice and is tried again in its slot.
    Stubborn,
    /// Fails once and is parked until it is tried again.
    Patient,
    /// Fails for good.
    Hopeless,
}

impl Kind {
    pub(super) fn random(dice: &mut Dice) -> Self {
        match dice.throw(10) {
            0 | 1 => Self::Lengthy,
            2 | 3 => Self::Stubborn,
            4 => Self::Patient,
            5 => Self::Hopeless,
            _ => Self::Quick,
        }
    }

    /// A kind for tasks whose work may be replaced: they are never tried again, because the attempts of
    /// new work are counted anew.
    pub(super) fn replaceable(dice: &mut Dice) -> Self {
        match dice.throw(2) {
            0 => Self::Lengthy,
            _ => Self::Quick,
        }
    }

    pub(super) fn retry(self) -> RetryPolicy {
        let (retries, delay) = match self {
            Self::Stubborn => (2, Duration::from_millis(5)),
            // From a second on, a task leaves its slot.
            Self::Patient => (1, Duration::from_secs(1)),
            Self::Quick | Self::Lengthy | Self::Hopeless => return RetryPolicy::None,
        };
        RetryPolicy::Linear { retries, delay }
    }

    async fn run(self, attempt: u32) -> TaskResult {
        match self {
            Self::Lengthy => be_busy().await,
            Self::Stubborn if attempt <= 2 => return Err(TaskError::transient("not yet")),
            Self::Patient if attempt <= 1 => return Err(TaskError::transient("not yet")),
            Self::Hopeless => return Err(TaskError::permanent("never")),
            Self::Quick | Self::Stubborn | Self::Patient => {}
        }
        Ok(())
    }
}

/// A series of the mix; each has one key, under which every child registers it at its start.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub(super) enum Beat {
    /// Goes on until it is cancelled.
    Endless,
    /// Is over after a few runs.
    Counted,
    /// The same, and every run fails once.
    Faltering,
    /// Runs at its start and hardly ever again.
    Rare,
    /// The same, and its run lasts until the child is told to finish: every kill finds it in progress.
    Held,
}

impl Task for Beat {
    const NAME: &'static str = "soak.beat";
}

impl Beat {
    pub(super) const ALL: [Self; 5] = [
        Self::Endless,
        Self::Counted,
        Self::Faltering,
        Self::Rare,
        Self::Held,
    ];

    pub(super) fn any(dice: &mut Dice) -> Self {
        Self::ALL[dice.throw(5) as usize]
    }

    pub(super) fn key(self) -> String {
        format!("series {self:?}")
    }

    /// Whether it comes to an end by itself.
    pub(super) fn ends(self) -> bool {
        match self {
            Self::Counted | Self::Faltering => true,
            Self::Endless | Self::Rare | Self::Held => false,
        }
    }

    pub(super) fn register(self, evertask: &EverTask) -> DispatchRequest<'_> {
        let series = evertask.dispatch(self).key(self.key());
        let series = series.retry(RetryPolicy::Linear {
            retries: 1,
            delay: Duration::from_millis(2),
        });
        match self {
            Self::Endless => series.every(Duration::from_secs(1)),
            Self::Counted => series.every(Duration::from_secs(1)).max_runs(5),
            Self::Faltering => series.every(Duration::from_secs(1)).max_runs(4),
            Self::Rare | Self::Held => series.every(Duration::from_hours(1)),
        }
    }
}

async fn be_busy() {
    for _ in 0..500 {
        tokio::task::yield_now().await;
    }
}

/// Reports every step of what it handles.
pub(super) struct Worker(pub(super) Voice, pub(super) Orders);

/// A body at work; whatever ends it but a kill, the test is told.
struct Body(Voice, Run);

impl Body {
    fn enter(voice: Voice, run: Run) -> Self {
        voice.say(What::Entered(run));
        Self(voice, run)
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        self.0.say(What::Left(self.1));
    }
}

impl TaskHandler<Piece> for Worker {
    async fn handle(&self, piece: &Piece, context: &TaskContext) -> TaskResult {
        let _body = Body::enter(self.0, Run::of(context));
        self.0.say(What::Worked(piece.work));
        piece.kind.run(context.attempt()).await
    }

    async fn on_completed(&self, _: &Piece, context: &TaskContext) -> TaskResult {
        self.0.say(What::Over(context.id()));
        Ok(())
    }

    async fn on_error(&self, _: &Piece, context: &TaskContext, _: &Failure) -> TaskResult {
        self.0.say(What::Over(context.id()));
        Ok(())
    }
}

impl TaskHandler<Beat> for Worker {
    async fn handle(&self, beat: &Beat, context: &TaskContext) -> TaskResult {
        let view = context.client().task(context.id()).await?;
        let occurrence = view.and_then(|view| view.record.state.next_run_at);
        if occurrence.is_none() {
            // It was cancelled while it was asked for its occurrence.
            return Ok(());
        }
        let run = Run::of(context);
        let _body = Body::enter(self.0, Run { occurrence, ..run });
        match beat {
            Beat::Held => self.1.given(Order::Finish).await,
            Beat::Faltering if run.attempt == 1 => return Err(TaskError::transient("not yet")),
            Beat::Endless | Beat::Counted | Beat::Faltering | Beat::Rare => be_busy().await,
        }
        Ok(())
    }
}

/// Tells the test of a cancel that found something to cancel.
pub(super) fn tell_cancel(voice: Voice, id: evertask::TaskId, outcome: CancelOutcome) {
    match outcome {
        // Of one that never ran, no hook speaks.
        CancelOutcome::Cancelled => {
            voice.say(What::Cancelled(id));
            voice.say(What::Over(id));
        }
        CancelOutcome::CancelledWhileRunning => voice.say(What::Cancelled(id)),
        _ => {}
    }
}
