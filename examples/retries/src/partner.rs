use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use evertask::{TaskError, TaskResult};
use thiserror::Error;

/// What the partner answered instead of taking the order.
#[derive(Debug, Error)]
#[error("the partner answers {0}")]
pub(crate) struct Unanswered(pub(crate) u16);

/// Stands for a web service, with its moods.
#[derive(Debug, Default)]
pub(crate) struct Partner {
    lamps: AtomicU32,
}

impl Partner {
    /// Orders an article, or says what the handler should do about it.
    pub(crate) fn order(&self, article: &str) -> TaskResult {
        let moment = Duration::from_millis(30);
        match article {
            "lamp" => match self.lamps.fetch_add(1, Ordering::Relaxed) {
                0 | 1 => Err(Unanswered(503))?,
                2 => Err(TaskError::retry_after(moment, Unanswered(429))),
                3 => Err(TaskError::snooze(moment, "the partner counts its lamps")),
                _ => Ok(()),
            },
            "sofa" => Err(Unanswered(503))?,
            _ => Err(Unanswered(404))?,
        }
    }
}
