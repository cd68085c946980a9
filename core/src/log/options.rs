use super::level::LogLevel;

/// Which lines of a task are kept.
///
/// They decide about what is stored only: what an application prints of its events, it prints all
/// the same.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogOptions {
    is_on: bool,
    minimum: LogLevel,
    left_out: Vec<String>,
    max_lines: Option<u32>,
}

/// The crates of evertask, whose events are about the runtime and not about a task.
const OURS: [&str; 6] = [
    "evertask",
    "evertask_actors",
    "evertask_core",
    "evertask_entities",
    "evertask_migration",
    "evertask_storage",
];

impl LogOptions {
    /// The default of [`max_lines`](Self::max_lines).
    pub const MAX_LINES: u32 = 1_000;

    /// Keeps lines of the level `Info` and above, at most [`MAX_LINES`](Self::MAX_LINES) per run.
    pub fn new() -> Self {
        Self {
            is_on: true,
            minimum: LogLevel::Info,
            left_out: Vec::new(),
            max_lines: Some(Self::MAX_LINES),
        }
    }

    /// Keeps no lines, at no cost.
    pub fn off() -> Self {
        Self {
            is_on: false,
            ..Self::new()
        }
    }

    /// The least serious level that is kept; `Info` by default.
    #[must_use]
    pub fn minimum_level(mut self, level: LogLevel) -> Self {
        self.minimum = level;
        self
    }

    /// Leaves out lines whose target begins so, such as `sqlx`.
    #[must_use]
    pub fn leave_out(mut self, target: impl Into<String>) -> Self {
        self.left_out.push(target.into());
        self
    }

    /// How many lines of one run are kept at most: the first half and the last half, with a line
    /// between that says how many were left out. 1000 by default.
    ///
    /// The last half is stored when the run ends, because it is not known before. The hook that runs
    /// after the outcome is counted anew, and so is each delivery of a task that waits between its
    /// attempts outside of its slot.
    #[must_use]
    pub fn max_lines(mut self, lines: u32) -> Self {
        self.max_lines = Some(lines);
        self
    }

    /// Keeps every line, however many, and all of them while the task runs.
    ///
    /// Only if they come faster than they can be stored, by some megabytes, lines are left out, and
    /// a line says how many.
    #[must_use]
    pub fn unlimited(mut self) -> Self {
        self.max_lines = None;
        self
    }

    /// Whether lines are kept at all.
    pub fn is_on(&self) -> bool {
        self.is_on
    }

    /// How many lines of one run are kept at most.
    pub fn line_limit(&self) -> Option<u32> {
        self.max_lines
    }

    /// Whether a line of that level is kept, if its target is.
    pub fn keeps_level(&self, level: LogLevel) -> bool {
        self.is_on && level >= self.minimum
    }

    /// Whether lines of that target are kept.
    pub fn keeps_target(&self, target: &str) -> bool {
        let crate_name = target.split("::").next().unwrap_or_default();
        let is_left_out = |start: &String| target.starts_with(start.as_str());
        !OURS.contains(&crate_name) && !self.left_out.iter().any(is_left_out)
    }
}

impl Default for LogOptions {
    /// Logs are off unless they are asked for.
    fn default() -> Self {
        Self::off()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_off_and_then_info_and_a_thousand_lines() {
        assert!(!LogOptions::default().is_on());
        let options = LogOptions::new();
        let kept = LogLevel::ALL.map(|level| options.keeps_level(level));
        assert_eq!(kept, [false, false, true, true, true]);
        assert_eq!(options.line_limit(), Some(1_000));
        assert!(!LogOptions::off().keeps_level(LogLevel::Error));
    }

    #[test]
    fn targets_of_the_runtime_and_those_left_out_are_not_kept() {
        let options = LogOptions::new().leave_out("sqlx");
        for kept in ["app", "app::evertask", "evertasks", "hyper::client", ""] {
            assert!(options.keeps_target(kept), "{kept}");
        }
        for left_out in [
            "sqlx",
            "sqlx::query",
            "sqlx_core",
            "evertask",
            "evertask_actors::pool",
        ] {
            assert!(!options.keeps_target(left_out), "{left_out}");
        }
    }
}
