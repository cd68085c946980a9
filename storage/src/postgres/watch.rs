//! Sees to it that an idle process does not seem dead.
//!
//! When the server restarts, the session that writes ends, and with it the lock by which others see
//! that this process lives. A busy process connects again with its next group; an idle one, or one
//! whose handlers run for hours, would be taken for dead by whoever starts meanwhile. A connection
//! that only waits to be told something notices the end at once and costs no statement.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sea_orm::DatabaseConnection;
use sea_orm::sqlx::postgres::{PgListener, PgPool};
use tokio::task::JoinHandle;

/// How long to wait before the first try to connect again, and before each after many.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Watches the server until it is dropped.
#[derive(Debug)]
pub(super) struct Watch(JoinHandle<()>);

impl Watch {
    /// Begins to watch on a connection of `pool`; `writer` is connected again whenever the server was
    /// gone.
    pub(super) fn start(pool: PgPool, writer: Arc<Mutex<DatabaseConnection>>) -> Self {
        Self(tokio::spawn(watch(pool, writer)))
    }

    pub(super) fn end(&self) {
        self.0.abort();
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end();
    }
}

async fn watch(pool: PgPool, writer: Arc<Mutex<DatabaseConnection>>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let listener = PgListener::connect_with(&pool).await;
        if let Ok(mut listener) = listener
            && is_connected(&writer).await
        {
            pause = FIRST_PAUSE;
            listener.eager_reconnect(false);
            while let Ok(Some(_)) = listener.try_recv().await {}
            tracing::warn!("the connection to PostgreSQL was lost");
            continue;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// A connection that was lost is dropped by the first look and made anew by the second.
async fn is_connected(writer: &Mutex<DatabaseConnection>) -> bool {
    for _ in 0..2 {
        let connection = writer.lock().clone();
        if connection.ping().await.is_ok() {
            return true;
        }
    }
    false
}
