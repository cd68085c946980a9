//! The signals that ask a process to end.

use std::io;
use std::pin::pin;

use evertask_actors::ShutdownReport;
use evertask_actors::runtime::RuntimeFault;
use thiserror::Error;

use crate::handle::EverTask;

/// Why a runtime was not shut down by a signal.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SignalError {
    /// The operating system does not tell of signals; nothing has been shut down.
    #[error("signals can't be listened for: {0}")]
    Listen(#[from] io::Error),
    /// The runtime ended by itself.
    #[error(transparent)]
    Fault(#[from] RuntimeFault),
}

impl EverTask {
    /// Waits until the process is asked to end, then shuts down and answers what that did.
    ///
    /// It is asked by `SIGTERM` or `SIGINT`, or by Ctrl+C where there are none. The first signal begins a
    /// [`shutdown`](evertask_actors::Client::shutdown), whose phases take their time; a second one skips
    /// to its [end](evertask_actors::Client::shutdown_now). From the first call on, these signals no
    /// longer end the process by themselves. A shutdown that somebody else began is joined.
    ///
    /// Not for an application whose server listens for signals itself, as the one of Actix Web does
    /// unless told otherwise: there, shut down when the server has ended.
    ///
    /// # Errors
    ///
    /// Fails if signals can't be listened for, and if the runtime has ended by itself.
    pub async fn shutdown_on_signal(&self) -> Result<ShutdownReport, SignalError> {
        let mut signals = Signals::listen()?;
        tokio::select! {
            () = signals.next() => {}
            // By a shutdown, whose report is there for the asking, or by a fault.
            _ = self.stopped() => {}
        }
        let mut shutdown = pin!(self.shutdown());
        tokio::select! {
            report = &mut shutdown => return Ok(report?),
            () = signals.next() => {}
        }
        Ok(self.shutdown_now().await?)
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn listen() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}
