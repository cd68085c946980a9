use std::collections::BTreeMap;
use std::time::Duration;

use super::rules::RetentionRules;
use super::scope::RetentionScope;

/// What is deleted, and how often that is seen to.
///
/// What applies to a task is exactly one set of rules: those of its type, else those of its queue,
/// else the general ones. They are not merged; to change one knob for a type, start from a clone.
///
/// ```
/// use evertask_core::retention::{EndedTasks, RetentionPolicy, RetentionRules, Window};
///
/// let general = RetentionRules::error_priority(Window::days(7), Window::days(30))
///     .logs(Window::days(90))
///     .purge(EndedTasks::Completed);
/// let payments = general.clone().runs(Window::days(3_650));
/// let policy = RetentionPolicy::new(general).for_task("payment.capture", payments);
/// ```
#[must_use]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RetentionPolicy {
    pub(super) general: RetentionRules,
    pub(super) queues: BTreeMap<String, RetentionRules>,
    pub(super) tasks: BTreeMap<String, RetentionRules>,
    interval: Duration,
    initial_delay: Duration,
}

impl RetentionPolicy {
    /// A policy of these rules for all tasks; the first cycle is a minute after the start, and the
    /// next ones follow every 24 hours.
    pub fn new(general: RetentionRules) -> Self {
        Self {
            general,
            queues: BTreeMap::new(),
            tasks: BTreeMap::new(),
            interval: Duration::from_hours(24),
            initial_delay: Duration::from_mins(1),
        }
    }

    /// Other rules for the tasks of a queue.
    pub fn for_queue(mut self, name: impl Into<String>, rules: RetentionRules) -> Self {
        self.queues.insert(name.into(), rules);
        self
    }

    /// Other rules for the tasks of a type, whatever their queue; `name` is the one it is stored
    /// under.
    pub fn for_task(mut self, name: impl Into<String>, rules: RetentionRules) -> Self {
        self.tasks.insert(name.into(), rules);
        self
    }

    /// How long after the end of a cycle the next one begins; must be longer than zero.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// How long after the start of the runtime the first cycle begins.
    pub fn initial_delay(mut self, delay: Duration) -> Self {
        self.initial_delay = delay;
        self
    }

    /// How long after the end of a cycle the next one begins.
    pub fn cycle_interval(&self) -> Duration {
        self.interval
    }

    /// How long after the start of the runtime the first cycle begins.
    pub fn first_cycle_after(&self) -> Duration {
        self.initial_delay
    }

    /// Every set of rules with the tasks it is for; no task is in two of them.
    pub(super) fn scopes(&self) -> Vec<(RetentionScope, &RetentionRules)> {
        let except_tasks: Vec<_> = self.tasks.keys().cloned().collect();
        let except_queues: Vec<_> = self.queues.keys().cloned().collect();
        let general = RetentionScope {
            except_tasks: except_tasks.clone(),
            except_queues,
            ..RetentionScope::default()
        };
        let of_queue = |(queue, rules): (&String, _)| {
            let scope = RetentionScope {
                queue: Some(queue.clone()),
                except_tasks: except_tasks.clone(),
                ..RetentionScope::default()
            };
            (scope, rules)
        };
        let of_task = |(task, rules): (&String, _)| {
            let scope = RetentionScope {
                task: Some(task.clone()),
                ..RetentionScope::default()
            };
            (scope, rules)
        };
        let mut scopes = vec![(general, &self.general)];
        scopes.extend(self.queues.iter().map(of_queue));
        scopes.extend(self.tasks.iter().map(of_task));
        scopes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_outweighs_a_queue_and_a_queue_the_general_rules() {
        let rules = RetentionRules::new;
        let policy = RetentionPolicy::new(rules())
            .for_queue("mail", rules())
            .for_queue("slow", rules())
            .for_task("mail.send", rules());
        let scopes = policy.scopes();
        let of = |task: &str, queue: &str| {
            let including = scopes
                .iter()
                .filter(|(scope, _)| scope.includes(task, queue));
            including
                .map(|(scope, _)| scope.to_string())
                .collect::<Vec<_>>()
        };
        for (task, queue, scope) in [
            ("mail.send", "mail", "task mail.send"),
            ("mail.send", "default", "task mail.send"),
            ("photo.scale", "mail", "queue mail"),
            ("photo.scale", "slow", "queue slow"),
            ("photo.scale", "default", "all others"),
        ] {
            assert_eq!(of(task, queue), [scope], "{task} in {queue}");
        }
    }
}
