use std::time::Duration;

use serde::Deserialize;

/// The longest that a request is held back.
const LONGEST: u64 = 30;

/// How long the answer may be held back until there is news, in seconds: `?wait=10`.
#[derive(Debug, Deserialize)]
pub(super) struct Wait {
    wait: Option<u64>,
}

impl Wait {
    /// The time to wait, within limits; zero unless asked for.
    pub(super) fn time(&self) -> Duration {
        Duration::from_secs(self.wait.unwrap_or_default().min(LONGEST))
    }
}
