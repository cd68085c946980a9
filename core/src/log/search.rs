use thiserror::Error;

use super::level::LogLevel;
use super::line::LogLine;
use crate::task::{DeliveryId, TaskId};

/// Asks for a page of the lines of one task, in the order of run, delivery and sequence.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogSearch {
    /// The task.
    pub task: TaskId,
    /// Only lines of this run.
    pub run: Option<u32>,
    /// Only lines of this attempt.
    pub attempt: Option<u32>,
    /// Only lines of these levels.
    pub levels: LevelRange,
    /// Only lines that come after this place: the `next` of the page before.
    pub after: Option<LogCursor>,
    /// How many lines at most, from 1 to [`MAX_LIMIT`](Self::MAX_LIMIT).
    pub limit: u32,
}

/// Which levels are asked for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum LevelRange {
    /// Every level.
    #[default]
    All,
    /// This level and the more serious ones.
    AtLeast(LogLevel),
    /// This level alone.
    Only(LogLevel),
}

/// The place of a line among those of its task; it stays valid whatever is written meanwhile.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct LogCursor {
    /// The run.
    pub run: u32,
    /// The delivery.
    pub delivery: DeliveryId,
    /// The place in the delivery.
    pub sequence: u32,
}

/// A page of lines.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogPage {
    /// The lines, in order.
    pub lines: Vec<LogLine>,
    /// How many lines pass the filter, on all pages together.
    pub total: u64,
    /// Where the next page begins; `None` if this is the last one.
    pub next: Option<LogCursor>,
}

/// A search that can't be answered.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("a page of {0} log lines was asked for; it must be 1 to {max}", max = LogSearch::MAX_LIMIT)]
pub struct InvalidLogSearch(pub u32);

impl LogSearch {
    /// The most lines a page can have.
    pub const MAX_LIMIT: u32 = 1_000;

    /// Asks for the first lines of a task, as many as a page can have.
    pub fn of(task: TaskId) -> Self {
        Self {
            task,
            run: None,
            attempt: None,
            levels: LevelRange::All,
            after: None,
            limit: Self::MAX_LIMIT,
        }
    }

    /// Checks that the limit is one a storage answers.
    ///
    /// # Errors
    ///
    /// Fails with the limit if it is 0 or larger than [`MAX_LIMIT`](Self::MAX_LIMIT).
    pub fn check(&self) -> Result<(), InvalidLogSearch> {
        if (1..=Self::MAX_LIMIT).contains(&self.limit) {
            Ok(())
        } else {
            Err(InvalidLogSearch(self.limit))
        }
    }

    /// Whether a line passes the filter; where the page begins is another matter.
    pub fn matches(&self, line: &LogLine) -> bool {
        self.run.is_none_or(|run| run == line.run)
            && self.attempt.is_none_or(|attempt| attempt == line.attempt)
            && self.levels.includes(line.level)
    }

    /// Makes a page of the lines that pass the filter and come after the cursor, of which at least
    /// one more than the limit must be given, if there is one.
    pub fn page(&self, mut lines: Vec<LogLine>, total: u64) -> LogPage {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_more = lines.len() > limit;
        lines.truncate(limit);
        let last = lines.last().filter(|_| has_more);
        LogPage {
            next: last.map(LogCursor::of),
            lines,
            total,
        }
    }
}

impl LevelRange {
    /// Whether lines of that level are asked for.
    pub fn includes(self, level: LogLevel) -> bool {
        match self {
            Self::All => true,
            Self::AtLeast(minimum) => level >= minimum,
            Self::Only(only) => level == only,
        }
    }

    /// The levels that are asked for; `None` if that is all of them.
    pub fn levels(self) -> Option<Vec<LogLevel>> {
        let levels = || {
            LogLevel::ALL
                .into_iter()
                .filter(|level| self.includes(*level))
        };
        (self != Self::All).then(|| levels().collect())
    }
}

impl LogCursor {
    /// The place of a line.
    pub fn of(line: &LogLine) -> Self {
        Self {
            run: line.run,
            delivery: line.delivery,
            sequence: line.sequence,
        }
    }
}
