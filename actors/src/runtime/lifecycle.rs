use thiserror::Error;
use tokio::sync::watch;

use crate::supervision::ActorName;
use crate::supervisor::ShutdownReport;

/// Why a runtime ended by itself.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum RuntimeFault {
    /// An actor crashed more often than its budget allows. Its tasks are stored and run after the
    /// next start.
    #[error("the actor {actor} crashed too often; the first time it said: {panic}")]
    ActorGaveUp {
        /// The actor.
        actor: ActorName,
        /// What the first of these panics said.
        panic: String,
    },
    /// The last handle was dropped without a shutdown.
    #[error("the last handle of the runtime was dropped without a shutdown")]
    Abandoned,
}

/// How far a runtime is in its life.
#[derive(Clone, Debug)]
enum Stage {
    /// Takes and runs tasks.
    Running,
    /// Stores tasks and starts none.
    Draining,
    /// Takes no more tasks; the last writes are made.
    Stopped,
    /// Over, for this reason.
    Ended {
        reason: Result<ShutdownReport, RuntimeFault>,
        /// Whether the storage has been let go of, so that the next start can have the tasks.
        released: bool,
    },
}

/// The life of a runtime, shared by all who need to know.
#[derive(Clone)]
pub(crate) struct Lifecycle(std::sync::Arc<Shared>);

struct Shared {
    stage: watch::Sender<Stage>,
    /// How often an actor has crashed.
    crashes: watch::Sender<u64>,
    /// Fires when the thread is to end: after a fault, or when the last handle is gone.
    close: tokio_util::sync::CancellationToken,
}

impl Lifecycle {
    pub(crate) fn new() -> Self {
        Self(std::sync::Arc::new(Shared {
            stage: watch::Sender::new(Stage::Running),
            crashes: watch::Sender::new(0),
            close: tokio_util::sync::CancellationToken::new(),
        }))
    }

    pub(crate) fn is_running(&self) -> bool {
        matches!(*self.0.stage.borrow(), Stage::Running)
    }

    /// Waits until tasks are no longer run.
    pub(crate) async fn left_running(&self) {
        let mut stage = self.0.stage.subscribe();
        // The sender is in `self`, so there is always an answer.
        stage
            .wait_for(|stage| !matches!(stage, Stage::Running))
            .await
            .ok();
    }

    /// Whether no more tasks are taken.
    pub(crate) fn is_stopped(&self) -> bool {
        matches!(*self.0.stage.borrow(), Stage::Stopped | Stage::Ended { .. })
    }

    pub(crate) fn has_ended(&self) -> bool {
        matches!(*self.0.stage.borrow(), Stage::Ended { .. })
    }

    pub(crate) fn drain(&self) {
        self.advance(Stage::Draining);
    }

    pub(crate) fn stop(&self) {
        self.advance(Stage::Stopped);
    }

    /// Ends the life; the first reason stays.
    ///
    /// Only a shutdown that closed the storage has let go of it by now. After any other one, and
    /// after a fault, the thread is still to come to its end, and says so with
    /// [`released`](Self::released).
    pub(crate) fn end(&self, reason: Result<ShutdownReport, RuntimeFault>) {
        let released = reason.as_ref().is_ok_and(|report| report.storage_closed);
        self.advance(Stage::Ended { reason, released });
        if !released {
            self.close();
        }
    }

    /// The thread has ended, and with it the use of the storage.
    pub(crate) fn released(&self) {
        self.end(Err(RuntimeFault::Abandoned));
        self.0.stage.send_if_modified(|stage| match stage {
            Stage::Ended { released, .. } => !std::mem::replace(released, true),
            Stage::Running | Stage::Draining | Stage::Stopped => false,
        });
    }

    /// An actor has crashed.
    pub(crate) fn note_crash(&self) {
        self.0.crashes.send_modify(|crashes| *crashes += 1);
    }

    /// How often an actor has crashed, now and later.
    #[cfg(feature = "testing")]
    pub(crate) fn crashes(&self) -> watch::Receiver<u64> {
        self.0.crashes.subscribe()
    }

    /// Asks the thread to end.
    pub(crate) fn close(&self) {
        self.0.close.cancel();
    }

    pub(crate) async fn closed(&self) {
        self.0.close.cancelled().await;
    }

    /// Waits for the end and answers its reason, or what the shutdown did; the storage is free for
    /// the next start by then.
    pub(crate) async fn ended(&self) -> Result<ShutdownReport, RuntimeFault> {
        let mut stage = self.0.stage.subscribe();
        let ended = stage
            .wait_for(|stage| matches!(stage, Stage::Ended { released: true, .. }))
            .await;
        match ended.as_deref() {
            Ok(Stage::Ended { reason, .. }) => reason.clone(),
            _ => Err(RuntimeFault::Abandoned),
        }
    }

    /// Moves on to a later stage; a life never goes back, and an end is final.
    fn advance(&self, next: Stage) {
        self.0.stage.send_if_modified(|stage| {
            let forward = stage.rank() < next.rank();
            if forward {
                *stage = next;
            }
            forward
        });
    }
}

impl Stage {
    fn rank(&self) -> u8 {
        match self {
            Self::Running => 0,
            Self::Draining => 1,
            Self::Stopped => 2,
            Self::Ended { .. } => 3,
        }
    }
}
