use std::fmt;

/// The tasks that one set of rules is for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RetentionScope {
    /// Only tasks of this type.
    pub task: Option<String>,
    /// Only tasks of this queue.
    pub queue: Option<String>,
    /// No task of these types.
    pub except_tasks: Vec<String>,
    /// No task of these queues.
    pub except_queues: Vec<String>,
}

impl RetentionScope {
    /// Whether a task of that type in that queue belongs to it.
    pub fn includes(&self, task: &str, queue: &str) -> bool {
        self.task.as_deref().is_none_or(|name| name == task)
            && self.queue.as_deref().is_none_or(|name| name == queue)
            && !self.except_tasks.iter().any(|name| name == task)
            && !self.except_queues.iter().any(|name| name == queue)
    }

    /// Whether every task belongs to it, so that nobody has to ask.
    pub fn is_everything(&self) -> bool {
        self == &Self::default()
    }
}

impl fmt::Display for RetentionScope {
    /// Says it in short, for a log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.task, &self.queue) {
            (Some(task), _) => write!(formatter, "task {task}"),
            (None, Some(queue)) => write!(formatter, "queue {queue}"),
            (None, None) if self.is_everything() => formatter.write_str("all tasks"),
            (None, None) => formatter.write_str("all others"),
        }
    }
}
