use serde::{Deserialize, Serialize};

use super::{HistoryCursor, HistoryKind, HistoryPlace, InvalidQuery, PageLimit};
use crate::task::{AttemptOutcome, Status, TaskId};

/// Which end of a history comes first.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HistoryOrder {
    /// The latest line first. The default.
    #[default]
    NewestFirst,
    /// The earliest line first.
    OldestFirst,
}

/// A page of one task's history to read.
#[derive(Clone, Debug)]
pub struct HistorySearch<Outcome> {
    task: TaskId,
    kind: HistoryKind,
    order: HistoryOrder,
    only: Vec<Outcome>,
    limit: PageLimit,
    after: Option<HistoryCursor>,
}

impl HistorySearch<Status> {
    /// Asks for the first page of a task's changes of status.
    pub fn audit(task: TaskId) -> Self {
        Self::of(task, HistoryKind::Audit)
    }

    /// Asks for the first page of a series' runs.
    pub fn runs(task: TaskId) -> Self {
        Self::of(task, HistoryKind::Runs)
    }
}

impl HistorySearch<AttemptOutcome> {
    /// Asks for the first page of a task's attempts.
    pub fn attempts(task: TaskId) -> Self {
        Self::of(task, HistoryKind::Attempts)
    }
}

impl<Outcome> HistorySearch<Outcome> {
    fn of(task: TaskId, kind: HistoryKind) -> Self {
        Self {
            task,
            kind,
            order: HistoryOrder::default(),
            only: Vec::new(),
            limit: PageLimit::default(),
            after: None,
        }
    }

    /// Sets which end comes first; call it before [`after`](Self::after).
    #[must_use]
    pub fn order(mut self, order: HistoryOrder) -> Self {
        self.order = order;
        self
    }

    /// Asks for the lines with one of these statuses or outcomes only; none is all.
    #[must_use]
    pub fn only(mut self, outcomes: Vec<Outcome>) -> Self {
        self.only = outcomes;
        self
    }

    /// Sets how many lines a page has at most.
    #[must_use]
    pub fn limit(mut self, limit: PageLimit) -> Self {
        self.limit = limit;
        self
    }

    /// Asks for the page after the one that answered this cursor.
    ///
    /// # Errors
    ///
    /// A cursor of another history or another order is refused.
    pub fn after(mut self, cursor: HistoryCursor) -> Result<Self, InvalidQuery> {
        if cursor.kind() != self.kind || cursor.order() != self.order {
            return Err(InvalidQuery::CursorOfAnotherList);
        }
        self.after = Some(cursor);
        Ok(self)
    }

    /// Of which task.
    pub fn task(&self) -> TaskId {
        self.task
    }

    /// Which of its histories.
    pub fn kind(&self) -> HistoryKind {
        self.kind
    }

    /// The lines with one of these; empty is all.
    pub fn wanted(&self) -> &[Outcome] {
        &self.only
    }

    /// Whether the latest line comes first.
    pub fn is_newest_first(&self) -> bool {
        self.order == HistoryOrder::NewestFirst
    }

    /// How many lines at most.
    pub fn rows(&self) -> usize {
        self.limit.rows()
    }

    /// Where the page before ended; `None` asks for the first one.
    pub fn cursor(&self) -> Option<HistoryPlace> {
        self.after.map(|cursor| cursor.place())
    }

    /// Makes the page from its lines and one more, which tells that another page follows.
    pub fn page<Line>(&self, mut lines: Vec<(HistoryPlace, Line)>) -> HistoryPage<Line> {
        let has_more = lines.len() > self.rows();
        lines.truncate(self.rows());
        let last = lines.last().filter(|_| has_more);
        let next = last.map(|(place, _)| HistoryCursor::after(self.kind, self.order, *place));
        HistoryPage {
            lines: lines.into_iter().map(|(_, line)| line).collect(),
            next,
        }
    }
}

/// A page of a task's history.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryPage<Line> {
    /// The lines, in the order asked for; none for a task that is unknown.
    pub lines: Vec<Line>,
    /// Where the next page begins; `None` if this is the last one.
    pub next: Option<HistoryCursor>,
}
