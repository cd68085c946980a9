//! Storing how far a handler says it has come, while it runs.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use evertask_core::lease::RowLease;
use evertask_core::task::Progress;
use evertask_core::time::Clock;
use tokio::sync::watch;

use crate::persistence::{ChangeChain, PersistenceClient, Settled};

/// For how long what a handler says is gathered; of what it says meanwhile, the last is stored.
const INTERVAL: Duration = Duration::from_secs(1);

/// Where progress comes from and what it is stored with.
pub(super) struct Reporting<'a> {
    pub(super) said: watch::Receiver<Option<Progress>>,
    pub(super) lease: &'a mut RowLease,
    pub(super) chain: &'a mut ChangeChain,
    pub(super) persistence: &'a PersistenceClient,
    pub(super) clock: &'a dyn Clock,
}

impl Reporting<'_> {
    /// Lets a body come to its end and stores meanwhile what it says.
    pub(super) async fn until_over<B: Future>(mut self, body: B) -> B::Output {
        tokio::select! {
            biased;
            over = body => over,
            never = self.report() => match never {},
        }
    }

    /// Waits for each commit, so that the chain does not grow with the time that a task takes.
    async fn report(&mut self) -> Infallible {
        while self.said.changed().await.is_ok() {
            self.clock.sleep(INTERVAL).await;
            let Some(progress) = self.said.borrow_and_update().clone() else {
                continue;
            };
            let change = self.lease.report(progress);
            match self.chain.settle(self.persistence, change).await {
                Settled::Applied => {}
                // The outcome finds out, too, and decides what that means.
                Settled::Superseded | Settled::Unfollowed(_) | Settled::Abandoned => break,
            }
        }
        pending().await
    }
}

/// Has the next write take along what was said since the last one.
pub(super) fn note_last(said: &watch::Receiver<Option<Progress>>, lease: &mut RowLease) {
    let last = said.borrow().clone();
    if let Some(last) = last.filter(|last| lease.state().progress.as_ref() != Some(last)) {
        lease.note_progress(last);
    }
}
