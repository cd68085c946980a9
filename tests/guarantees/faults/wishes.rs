//! What somebody may want of a task that was dispatched, and how often it was done.

use std::ops::RangeInclusive;

use evertask::storage::AuditEntry;

/// What is asked for.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) enum Wish {
    /// That it never runs again.
    Cancel,
    /// That it runs once more although it is over.
    Retry,
    /// That it does not wait any longer.
    RunNow,
    /// That it waits until another instant.
    Reschedule,
}

impl Wish {
    pub(super) const ALL: [Self; 4] = [Self::Cancel, Self::Retry, Self::RunNow, Self::Reschedule];

    /// As whom it is asked for. The audit keeps that at every level, so it tells what was done.
    pub(super) fn actor(self) -> &'static str {
        match self {
            Self::Cancel => "who cancels",
            Self::Retry => "who retries",
            Self::RunNow => "who is in a hurry",
            Self::Reschedule => "who plans",
        }
    }

    /// What is asked for as that actor.
    pub(super) fn by(actor: Option<&str>) -> Option<Self> {
        let mut wishes = Self::ALL.into_iter();
        wishes.find(|wish| Some(wish.actor()) == actor)
    }

    /// What was done with a task when this was written into its audit.
    pub(super) fn of(entry: &AuditEntry) -> Option<Self> {
        Self::by(entry.actor.as_deref())
    }
}

/// What somebody was told of their wish.
#[derive(Clone, Copy, Debug)]
pub(super) enum Told {
    /// It is done.
    Done,
    /// It was not to be done.
    Refused,
    /// There is no such task. A dispatch of its id that comes next may hear of a cancel all the same, which is
    /// remembered for claims, so this promises nothing.
    NoSuchTask,
    /// Nothing: the runtime or its storage broke down over it, so it may be done or not.
    Nothing,
}

/// How often something was asked for, and what was told of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) asked: usize,
    pub(super) done: usize,
    pub(super) refused: usize,
}

impl Tally {
    pub(super) fn note(&mut self, told: Told) {
        match told {
            Told::Done => self.done += 1,
            Told::Refused => self.refused += 1,
            Told::NoSuchTask | Told::Nothing => {}
        }
    }

    /// How often it may be done, if so many were told that it is done of what somebody else did.
    ///
    /// Each wish comes true once at most, and not if somebody was told that it did not: but if replies of
    /// the storage are lost, who asks again may find a task that their own wish has moved on.
    pub(super) fn range(&self, shared: usize, is_any_reply_lost: bool) -> RangeInclusive<usize> {
        let refused = if is_any_reply_lost { 0 } else { self.refused };
        self.done.saturating_sub(shared)..=self.asked - refused
    }
}
