//! Writing lines while a delivery runs, and when it ends.

use std::convert::Infallible;
use std::time::Duration;

use evertask_core::storage::{AppendLogs, Write};

use super::delivery_log::DeliveryLog;
use crate::persistence::{Patience, PersistenceClient, WriteError};

/// How long a line waits at most before it is written.
const WRITE_AFTER: Duration = Duration::from_secs(2);

impl DeliveryLog {
    /// Writes lines in batches, for as long as it is polled; without lines, nothing wakes it.
    pub(crate) async fn write_while_running(&self, client: &PersistenceClient) -> Infallible {
        loop {
            self.is_due().await;
            self.write(client, self.batch()).await;
        }
    }

    /// Writes what is left and takes no more.
    pub(crate) async fn finish(&self, client: &PersistenceClient) {
        self.write(client, self.rest()).await;
        self.close();
    }

    async fn is_due(&self) {
        let mut waiting = self.waiting.subscribe();
        // The sender is in `self`, so there is always an answer.
        waiting.wait_for(|lines| *lines > 0).await.ok();
        tokio::select! {
            _ = waiting.wait_for(|lines| *lines >= Self::BATCH) => {}
            () = self.clock.sleep(WRITE_AFTER) => {}
        }
    }

    async fn write(&self, client: &PersistenceClient, append: AppendLogs) {
        let Some(last) = append.lines.last().map(|line| line.sequence) else {
            return;
        };
        let id = append.id;
        let written = client.apply_one(Write::AppendLogs(append), Patience::Endless);
        match written.await {
            Ok(_) => {}
            Err(WriteError::Ended) => return self.close(),
            Err(error) => tracing::warn!(%error, %id, "log lines can't be stored"),
        }
        self.written(last);
    }
}
