//! What was spent, kept over a restart.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use evertask_core::limit::{KeyedLimiter, LimiterSnapshot, SharedLimiter};
use evertask_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

/// The file in which a process leaves what it has spent when it ends.
///
/// While the process runs, the file says only that it does: a start that finds it so comes after a crash
/// and takes every budget for spent.
#[derive(Clone, Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
    limiter: Arc<SharedLimiter>,
}

/// What the file says.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Written {
    /// A process runs, or has died.
    Running,
    /// It has ended, and that is what it had spent.
    Ended(LimiterSnapshot),
}

impl StateFile {
    /// Reads what the process before has left, and says that this one runs.
    pub(crate) async fn begin(path: PathBuf, now: Timestamp) -> io::Result<Self> {
        spawn_blocking(move || {
            let limiter = Arc::new(limiter_after(&path, now)?);
            write(&path, &Written::Running)?;
            Ok(Self { path, limiter })
        })
        .await?
    }

    pub(crate) fn limiter(&self) -> &Arc<SharedLimiter> {
        &self.limiter
    }

    /// Leaves what was spent to the next process.
    pub(crate) async fn end(&self, now: Timestamp) {
        let (path, snapshot) = (self.path.clone(), self.limiter.snapshot(now));
        let written = spawn_blocking(move || write(&path, &Written::Ended(snapshot))).await;
        if let Err(error) = written.unwrap_or_else(|panic| Err(panic.into())) {
            let path = self.path.display();
            tracing::warn!(%path, %error, "what was spent of rate limits is not kept");
        }
    }
}

fn limiter_after(path: &Path, now: Timestamp) -> io::Result<SharedLimiter> {
    let written = match std::fs::read(path) {
        Ok(text) => serde_json::from_slice(&text).unwrap_or_else(|error| {
            let path = path.display();
            tracing::warn!(%path, %error, "what was spent of rate limits can't be read");
            Written::Running
        }),
        // Nothing has been spent yet.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(SharedLimiter::default()),
        Err(error) => return Err(error),
    };
    Ok(match written {
        Written::Running => KeyedLimiter::default().spent_until(now).into(),
        Written::Ended(snapshot) => {
            let limiter = SharedLimiter::default();
            limiter.restore(&snapshot, now);
            limiter
        }
    })
}

/// Writes the file so that a crash leaves the old text or the new one.
fn write(path: &Path, written: &Written) -> io::Result<()> {
    let text = serde_json::to_vec(written)?;
    let new = path.with_added_extension("new");
    std::fs::write(&new, text)?;
    std::fs::rename(&new, path)
}
