use std::collections::BTreeSet;

use super::step::EndedTasks;
use super::window::Window;

/// How long what belongs to some tasks is kept; by default, for ever.
///
/// | knob | lets go of |
/// |---|---|
/// | [`status_audit`](Self::status_audit) | lines of the status audit |
/// | [`runs`](Self::runs) | run history: runs of series, attempts of every task |
/// | [`errors`](Self::errors) | lines of both that tell of a failure, instead of the other windows |
/// | [`logs`](Self::logs) | log lines, by their age |
/// | [`logs_per_task`](Self::logs_per_task) | log lines of a task beyond its newest |
/// | [`purge`](Self::purge) | tasks that are over, with what is left of them |
///
/// A window of zero or less is off: it keeps everything, and each cycle warns of it.
#[must_use]
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RetentionRules {
    pub(super) status_audit: Option<Window>,
    pub(super) runs: Option<Window>,
    pub(super) errors: Option<Window>,
    pub(super) logs: Option<Window>,
    pub(super) logs_per_task: Option<i64>,
    pub(super) purge: BTreeSet<EndedTasks>,
}

impl RetentionRules {
    /// Rules that keep everything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps the status audit, run history and failures equally long.
    pub fn uniform(window: impl Into<Window>) -> Self {
        let window = window.into();
        Self::error_priority(window, window)
    }

    /// Keeps what tells of a failure for `errors`, everything else for `successes`.
    pub fn error_priority(successes: impl Into<Window>, errors: impl Into<Window>) -> Self {
        let successes = successes.into();
        Self::new()
            .status_audit(successes)
            .runs(successes)
            .errors(errors)
    }

    /// Lets go of lines of the status audit that are older.
    pub fn status_audit(mut self, window: impl Into<Window>) -> Self {
        self.status_audit = Some(window.into());
        self
    }

    /// Lets go of run history that is older: runs of series, by their end, and attempts, by their
    /// start.
    ///
    /// Without this window, the attempts of a task go when the task is purged.
    pub fn runs(mut self, window: impl Into<Window>) -> Self {
        self.runs = Some(window.into());
        self
    }

    /// Keeps lines that tell of a failure for this long instead, be that longer or shorter.
    ///
    /// It says nothing about a table that has no window of its own.
    pub fn errors(mut self, window: impl Into<Window>) -> Self {
        self.errors = Some(window.into());
        self
    }

    /// Lets go of log lines that are older, whatever becomes of their task.
    pub fn logs(mut self, window: impl Into<Window>) -> Self {
        self.logs = Some(window.into());
        self
    }

    /// Keeps that many log lines of each task, over all its runs: the newest.
    pub fn logs_per_task(mut self, lines: i64) -> Self {
        self.logs_per_task = Some(lines);
        self
    }

    /// Purges tasks that ended so; may be said several times. Nothing is purged unless it is said.
    ///
    /// A task is purged once it ended longer ago than the longest of the windows of status audit,
    /// runs and errors, and has neither lines of the status audit nor runs left. If logs have a
    /// window or a limit, it must have no log lines either, and if runs have a window, no attempts;
    /// else these go with the task. Without any of the three windows nothing is purged.
    pub fn purge(mut self, ended: EndedTasks) -> Self {
        self.purge.insert(ended);
        self
    }
}
