use crate::task::{Status, TaskId, TaskRecord, WaitReason};
use crate::time::Timestamp;

/// Which tasks a list or a count is about; what is set must all hold.
///
/// [`matches`](Self::matches) is the meaning: a storage filters by itself and has to agree with it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TaskFilter {
    /// One of these statuses; empty is any. A series between two runs has the status its last run
    /// ended with.
    pub statuses: Vec<Status>,
    /// The name of the task type contains this. `A` to `Z` and `a` to `z` are the same; every other
    /// character, wildcards of SQL among them, stands for itself.
    pub task: Option<String>,
    /// The queue is exactly this.
    pub queue: Option<String>,
    /// It is a series, or it runs once.
    pub is_recurring: Option<bool>,
    /// It was dispatched at this instant or later.
    pub created_from: Option<Timestamp>,
    /// It was dispatched at this instant or earlier.
    pub created_to: Option<Timestamp>,
    /// The name of the task type or the key contains this, compared as for `task`; or it is the id.
    pub text: Option<String>,
    /// One of its tags is exactly this.
    pub tag: Option<String>,
    /// The correlation id is exactly this.
    pub correlation_id: Option<String>,
    /// A handler or a hook of this task dispatched it.
    pub parent_id: Option<TaskId>,
    /// It is an occurrence of this series, with a row of its own.
    pub series_id: Option<TaskId>,
    /// It is a series of this declared set.
    pub declared_in: Option<String>,
    /// It failed like this; see [`fingerprint`](crate::task::fingerprint).
    pub error_fingerprint: Option<String>,
    /// It waits for this reason.
    pub wait_reason: Option<WaitReason>,
}

impl TaskFilter {
    /// Whether a task is meant.
    pub fn matches(&self, record: &TaskRecord) -> bool {
        !self.is_unmatchable()
            && self.matches_definition(record)
            && self.matches_state(record)
            && self.matches_text(record)
    }

    /// Whether it asks for text with a NUL, which not every database can store or even be asked for:
    /// no task is meant then.
    pub fn is_unmatchable(&self) -> bool {
        let texts = [
            &self.task,
            &self.queue,
            &self.text,
            &self.tag,
            &self.correlation_id,
            &self.error_fingerprint,
        ];
        texts.into_iter().flatten().any(|text| text.contains('\0'))
    }

    fn matches_definition(&self, record: &TaskRecord) -> bool {
        let definition = &record.definition;
        is_in(self.queue.as_ref(), Some(&definition.queue))
            && self
                .is_recurring
                .is_none_or(|recurring| recurring == definition.series.is_some())
            && self
                .created_from
                .is_none_or(|from| from <= definition.created_at)
            && self.created_to.is_none_or(|to| definition.created_at <= to)
            && self
                .tag
                .as_ref()
                .is_none_or(|tag| definition.tags.contains(tag))
            && is_in(
                self.correlation_id.as_ref(),
                definition.correlation_id.as_ref(),
            )
            && is_in(self.parent_id.as_ref(), definition.parent_id.as_ref())
            && is_in(self.series_id.as_ref(), definition.series_id.as_ref())
            && is_in(self.declared_in.as_ref(), definition.declared_in())
    }

    fn matches_state(&self, record: &TaskRecord) -> bool {
        let state = &record.state;
        (self.statuses.is_empty() || self.statuses.contains(&state.status))
            && is_in(
                self.error_fingerprint.as_ref(),
                state.error_fingerprint.as_ref(),
            )
            && is_in(self.wait_reason.as_ref(), state.wait_reason.as_ref())
    }

    fn matches_text(&self, record: &TaskRecord) -> bool {
        let definition = &record.definition;
        let has_key = |text: &str| {
            definition
                .key
                .as_ref()
                .is_some_and(|key| contains(key, text))
        };
        let is_id = |text: &str| text.parse() == Ok(definition.id);
        let names_it =
            |text: &str| contains(&definition.task, text) || has_key(text) || is_id(text);
        self.task
            .as_ref()
            .is_none_or(|text| contains(&definition.task, text))
            && self.text.as_deref().is_none_or(names_it)
    }
}

fn is_in<T: PartialEq>(asked: Option<&T>, has: Option<&T>) -> bool {
    asked.is_none() || asked == has
}

fn contains(text: &str, part: &str) -> bool {
    text.to_ascii_lowercase()
        .contains(&part.to_ascii_lowercase())
}
