use std::time::Duration;

use evertask_core::retry::RetryPolicy;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A kind of work: plain data that says what is to be done.
///
/// The value is stored as JSON, so it must hold everything its handler needs to know and nothing
/// that dies with the process.
///
/// ```
/// use evertask_actors::{Task, TaskOptions};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct WelcomeEmail {
///     to: String,
/// }
///
/// impl Task for WelcomeEmail {
///     const NAME: &'static str = "email.welcome";
///
///     fn options() -> TaskOptions {
///         TaskOptions::new().queue("mail")
///     }
/// }
/// ```
pub trait Task: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The stable name under which tasks of this kind are stored; unique in a runtime, not blank,
    /// at most 200 bytes. Renaming the Rust type does not change it.
    const NAME: &'static str;

    /// The version of the payload's shape, stored with each task.
    const VERSION: u32 = 1;

    /// Where and how tasks of this kind run; read once at start.
    fn options() -> TaskOptions {
        TaskOptions::new()
    }
}

/// Where and how the tasks of one kind run, unless a dispatch says otherwise.
///
/// What is not set is taken from the queue, and from the runtime's defaults after that.
#[derive(Clone, Debug, Default)]
pub struct TaskOptions {
    pub(crate) queue: Option<String>,
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) timeout: Option<Duration>,
}

impl TaskOptions {
    /// Creates options that set nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The queue to run in; `default` if not set.
    #[must_use]
    pub fn queue(mut self, name: impl Into<String>) -> Self {
        self.queue = Some(name.into());
        self
    }

    /// How failures are retried.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = Some(policy);
        self
    }

    /// How long one attempt may run; zero means without limit, whatever the queue says.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}
