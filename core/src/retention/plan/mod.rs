use std::fmt;

use super::policy::RetentionPolicy;
use super::rules::RetentionRules;
use super::scope::RetentionScope;
use super::step::{HistoryCutoffs, LogGuard, PurgeTasks, RetentionStep, RetentionTarget};
use super::window::Window;
use crate::time::Timestamp;

/// What a cycle does, and what is odd about its policy.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RetentionPlan {
    /// The steps, in the order in which they are to be done.
    pub steps: Vec<RetentionStep>,
    /// What each cycle warns of.
    pub warnings: Vec<RetentionWarning>,
}

/// A knob that does nothing, though it was set.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RetentionWarning {
    /// The tasks it was set for.
    pub scope: RetentionScope,
    /// The name of the knob.
    pub knob: &'static str,
    /// Why it does nothing.
    pub problem: &'static str,
}

impl fmt::Display for RetentionWarning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            scope,
            knob,
            problem,
        } = self;
        write!(formatter, "`{knob}` for {scope} does nothing: {problem}")
    }
}

/// Answers what a cycle does at `now`, which is the same instant for all its steps.
///
/// All histories come first, then logs, then tasks, so that a task whose last line has just been
/// deleted goes in the same cycle.
pub fn plan(policy: &RetentionPolicy, now: Timestamp) -> RetentionPlan {
    let mut plan = RetentionPlan::default();
    let mut passes: [Vec<RetentionStep>; 6] = Default::default();
    for (scope, rules) in policy.scopes() {
        plan.warnings.extend(warnings(&scope, rules));
        let windows = ActiveWindows::of(rules);
        let targets = windows.targets(rules, now);
        for (pass, targets) in passes.iter_mut().zip(targets) {
            pass.extend(targets.into_iter().map(|target| RetentionStep {
                scope: scope.clone(),
                target,
            }));
        }
    }
    plan.steps = passes.into_iter().flatten().collect();
    plan
}

/// The windows of one set of rules, without those that are off.
struct ActiveWindows {
    status_audit: Option<Window>,
    runs: Option<Window>,
    errors: Option<Window>,
    logs: Option<Window>,
    logs_per_task: Option<u64>,
}

impl ActiveWindows {
    fn of(rules: &RetentionRules) -> Self {
        let active = |window: Option<Window>| window.filter(|window| window.is_active());
        Self {
            status_audit: active(rules.status_audit),
            runs: active(rules.runs),
            errors: active(rules.errors),
            logs: active(rules.logs),
            logs_per_task: rules
                .logs_per_task
                .filter(|lines| *lines > 0)
                .and_then(|lines| u64::try_from(lines).ok()),
        }
    }

    /// What each pass of a cycle lets go of.
    fn targets(&self, rules: &RetentionRules, now: Timestamp) -> [Vec<RetentionTarget>; 6] {
        let one = |target: Option<RetentionTarget>| target.into_iter().collect();
        let runs = self.history(self.runs, now);
        let status_audit = self.history(self.status_audit, now);
        let aged_before = self.logs.map(|window| window.cutoff(now));
        [
            one(status_audit.map(RetentionTarget::StatusAudit)),
            one(runs.map(RetentionTarget::Runs)),
            one(runs.map(RetentionTarget::Attempts)),
            one(aged_before.map(|before| RetentionTarget::LogsByAge { before })),
            one(self
                .logs_per_task
                .map(|keep| RetentionTarget::LogsByCount { keep, aged_before })),
            self.purges(rules, now),
        ]
    }

    /// The window of failures replaces that of a table, if the table has one.
    fn history(&self, window: Option<Window>, now: Timestamp) -> Option<HistoryCutoffs> {
        let window = window?;
        Some(HistoryCutoffs {
            successes: window.cutoff(now),
            errors: self.errors.unwrap_or(window).cutoff(now),
        })
    }

    fn purges(&self, rules: &RetentionRules, now: Timestamp) -> Vec<RetentionTarget> {
        let Some(longest) = self.longest() else {
            return Vec::new();
        };
        let runs = self.history(self.runs, now);
        let purge = |ended| {
            RetentionTarget::Tasks(PurgeTasks {
                ended,
                before: longest.cutoff(now),
                status_audit: self.history(self.status_audit, now),
                runs,
                attempts: runs,
                logs: self.log_guard(now),
            })
        };
        rules.purge.iter().copied().map(purge).collect()
    }

    /// The longest window of what is known of a task that is over.
    fn longest(&self) -> Option<Window> {
        [self.status_audit, self.runs, self.errors]
            .into_iter()
            .flatten()
            .max()
    }

    fn log_guard(&self, now: Timestamp) -> LogGuard {
        match (self.logs, self.logs_per_task) {
            (Some(window), _) => LogGuard::From(window.cutoff(now)),
            (None, Some(_)) => LogGuard::Any,
            (None, None) => LogGuard::None,
        }
    }
}

fn warnings(scope: &RetentionScope, rules: &RetentionRules) -> Vec<RetentionWarning> {
    let warning = |knob, problem| RetentionWarning {
        scope: scope.clone(),
        knob,
        problem,
    };
    let windows = [
        ("status_audit", rules.status_audit),
        ("runs", rules.runs),
        ("errors", rules.errors),
        ("logs", rules.logs),
    ];
    let mut warnings: Vec<_> = windows
        .into_iter()
        .filter(|(_, window)| window.is_some_and(|window| !window.is_active()))
        .map(|(knob, _)| warning(knob, "it is not longer than zero"))
        .collect();
    if rules.logs_per_task.is_some_and(|lines| lines <= 0) {
        warnings.push(warning("logs_per_task", "it is not above zero"));
    }
    if ActiveWindows::of(rules).longest().is_none() && !rules.purge.is_empty() {
        let problem = "none of the windows of status audit, runs and errors is set";
        warnings.push(warning("purge", problem));
    }
    warnings
}

#[cfg(test)]
mod tests;
