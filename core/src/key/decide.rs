use crate::task::{Status, TaskRecord};
use crate::time::Timestamp;

/// The task that holds a key, as far as a dispatch with the same key is concerned.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Holder {
    /// Its status.
    pub status: Status,
    /// Whether it runs once or again and again.
    pub kind: HolderKind,
    /// Whether a delivery of it is in a window or at work, here or in another process.
    pub in_flight: bool,
    /// Until when it holds the key though it is over, if it was dispatched so.
    pub key_until: Option<Timestamp>,
}

/// What kind of task holds a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HolderKind {
    /// It runs once.
    OneShot,
    /// It runs again and again.
    Series {
        /// Whether an occurrence is to come or under way.
        goes_on: bool,
    },
}

/// What kind of task a dispatch asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DispatchKind {
    /// One that runs once, as soon as possible.
    Immediate,
    /// One that runs once, later.
    Delayed,
    /// One that runs again and again.
    Series,
}

/// What a dispatch with a key comes to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyDecision {
    /// Nobody holds the key: a new task is stored.
    Insert,
    /// The holder is over and has no right to the key any more: it gives it up, and then a new task
    /// is stored.
    ReleaseAndInsert,
    /// The holder does the new work instead of what it was to do.
    Redefine(Redefined),
    /// The holder is left as it is.
    Keep(KeptReason),
}

/// How the holder of a key takes up new work.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Redefined {
    /// As the kind of task it is.
    Updated,
    /// A task that was to run once becomes a series.
    Converted,
    /// A series that was over begins anew.
    Revived,
}

/// Why a dispatch left a task as it was.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum KeptReason {
    /// It was dispatched before with this id: a repetition changes nothing.
    SameId,
    /// It is on its way to its handler, or its last run has not quite ended: what it does can't be
    /// changed any more, and may be done already.
    InFlight,
    /// Its handler runs, or waits for another attempt.
    Running,
    /// It is a series, and what was dispatched would run once.
    IsSeries,
    /// It is a series that is over or was cancelled, and the dispatch does not revive it.
    NotRevived,
    /// It is over, but was dispatched to hold its key for a time that has not passed.
    KeyHeld,
    /// It could do the new work, but what was dispatched is stored in a transaction of the application's
    /// own, which changes no other task.
    InTransaction,
}

impl Holder {
    /// Takes a row for the holder of its key; `is_delivered` says whether this process knows a
    /// delivery of it.
    pub fn of(record: &TaskRecord, is_delivered: bool) -> Self {
        let state = &record.state;
        let goes_on = state.next_run_at.is_some();
        let kind = match record.definition.series {
            None => HolderKind::OneShot,
            Some(_) => HolderKind::Series { goes_on },
        };
        Self {
            status: state.status,
            kind,
            in_flight: is_delivered || (state.status == Status::Queued && state.owner.is_some()),
            key_until: record.definition.key_until,
        }
    }

    /// Whether nothing happens to it any more.
    fn is_over(&self) -> bool {
        let goes_on = self.kind == HolderKind::Series { goes_on: true };
        self.status == Status::Cancelled || (self.status.is_terminal() && !goes_on)
    }
}

/// Answers what a dispatch with a key comes to, given the task that holds the key (core 2.4).
///
/// ```
/// use evertask_core::key::{DispatchKind, KeyDecision, decide};
/// use evertask_core::time::Timestamp;
///
/// let now = Timestamp::UNIX_EPOCH;
/// assert_eq!(decide(None, DispatchKind::Immediate, now), KeyDecision::Insert);
/// ```
pub fn decide(holder: Option<&Holder>, wanted: DispatchKind, now: Timestamp) -> KeyDecision {
    let Some(holder) = holder else {
        return KeyDecision::Insert;
    };
    match holder.kind {
        HolderKind::OneShot => of_one_shot(holder, wanted, now),
        HolderKind::Series { .. } => of_series(holder, wanted),
    }
}

fn of_one_shot(holder: &Holder, wanted: DispatchKind, now: Timestamp) -> KeyDecision {
    if holder.is_over() {
        return match holder.key_until {
            Some(until) if until > now => KeyDecision::Keep(KeptReason::KeyHeld),
            _ => KeyDecision::ReleaseAndInsert,
        };
    }
    if holder.status == Status::InProgress {
        return KeyDecision::Keep(KeptReason::Running);
    }
    if holder.in_flight {
        return KeyDecision::Keep(KeptReason::InFlight);
    }
    KeyDecision::Redefine(match wanted {
        DispatchKind::Immediate | DispatchKind::Delayed => Redefined::Updated,
        DispatchKind::Series => Redefined::Converted,
    })
}

fn of_series(holder: &Holder, wanted: DispatchKind) -> KeyDecision {
    if wanted != DispatchKind::Series {
        return KeyDecision::Keep(KeptReason::IsSeries);
    }
    match holder.status {
        // Its last delivery would take the new life for the one that was cancelled.
        Status::Cancelled if holder.in_flight => KeyDecision::Keep(KeptReason::InFlight),
        _ if holder.is_over() => KeyDecision::Redefine(Redefined::Revived),
        Status::InProgress => KeyDecision::Keep(KeptReason::Running),
        Status::WaitingQueue | Status::Queued | Status::ServiceStopped if holder.in_flight => {
            KeyDecision::Keep(KeptReason::InFlight)
        }
        // Between two runs, a delivery has nothing to write any more.
        Status::WaitingQueue
        | Status::Queued
        | Status::ServiceStopped
        | Status::Completed
        | Status::Failed
        | Status::Cancelled => KeyDecision::Redefine(Redefined::Updated),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use uuid::Uuid;

    use super::*;
    use crate::task::{Generation, ProcessId, RowState, SeriesDefinition, TaskDefinition, TaskId};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;
    const KINDS: [HolderKind; 3] = [
        HolderKind::OneShot,
        HolderKind::Series { goes_on: true },
        HolderKind::Series { goes_on: false },
    ];
    const WANTED: [DispatchKind; 3] = [
        DispatchKind::Immediate,
        DispatchKind::Delayed,
        DispatchKind::Series,
    ];

    /// What a row of the table says, which holders and dispatches it is for, and what it decides.
    type Row = (&'static str, fn(&Holder, DispatchKind) -> bool, KeyDecision);

    /// The rows of the table of core 2.4 that need a holder, in their order: the first that fits
    /// decides.
    const ROWS: [Row; 11] = [
        (
            "3: a series is left alone by what runs once",
            |holder, wanted| holder.kind != HolderKind::OneShot && wanted != DispatchKind::Series,
            KeyDecision::Keep(KeptReason::IsSeries),
        ),
        (
            "5: a cancelled series whose delivery has not ended is not revived yet",
            |holder, _| {
                holder.kind != HolderKind::OneShot
                    && holder.status == Status::Cancelled
                    && holder.in_flight
            },
            KeyDecision::Keep(KeptReason::InFlight),
        ),
        (
            "5: a series that was cancelled is revived",
            |holder, _| holder.kind != HolderKind::OneShot && holder.status == Status::Cancelled,
            KeyDecision::Redefine(Redefined::Revived),
        ),
        (
            "5: a series that is exhausted is revived",
            |holder, _| {
                holder.kind == HolderKind::Series { goes_on: false }
                    && matches!(holder.status, Status::Completed | Status::Failed)
            },
            KeyDecision::Redefine(Redefined::Revived),
        ),
        (
            "4, 7: what runs is left alone",
            |holder, _| holder.status == Status::InProgress,
            KeyDecision::Keep(KeptReason::Running),
        ),
        (
            "5: a series between two runs is updated",
            |holder, _| {
                holder.kind == HolderKind::Series { goes_on: true }
                    && matches!(holder.status, Status::Completed | Status::Failed)
            },
            KeyDecision::Redefine(Redefined::Updated),
        ),
        (
            "6: the key of a task that is over stays taken for the time that was asked for",
            |holder, _| holder.status.is_terminal() && holder.key_until > Some(NOW),
            KeyDecision::Keep(KeptReason::KeyHeld),
        ),
        (
            "6: a task that is over has no right to its key",
            |holder, _| holder.status.is_terminal(),
            KeyDecision::ReleaseAndInsert,
        ),
        (
            "2, 9: what is in flight is left alone",
            |holder, _| holder.in_flight,
            KeyDecision::Keep(KeptReason::InFlight),
        ),
        (
            "10: a task that waits becomes a series",
            |holder, wanted| holder.kind == HolderKind::OneShot && wanted == DispatchKind::Series,
            KeyDecision::Redefine(Redefined::Converted),
        ),
        (
            "5, 8, 9: what waits is updated",
            |_, _| true,
            KeyDecision::Redefine(Redefined::Updated),
        ),
    ];

    fn holders() -> impl Iterator<Item = Holder> {
        let moment = TimeDelta::microseconds(1);
        let untils = [None, Some(NOW - moment), Some(NOW), Some(NOW + moment)];
        KINDS.into_iter().flat_map(move |kind| {
            Status::ALL.into_iter().flat_map(move |status| {
                [false, true].into_iter().flat_map(move |in_flight| {
                    untils.into_iter().map(move |key_until| Holder {
                        status,
                        kind,
                        in_flight,
                        key_until,
                    })
                })
            })
        })
    }

    #[test]
    fn every_holder_and_dispatch_is_decided_by_the_table() {
        let mut used = [false; ROWS.len()];
        for holder in holders() {
            for wanted in WANTED {
                let fits = |(_, fits, _): &(_, fn(&Holder, DispatchKind) -> bool, _)| {
                    fits(&holder, wanted)
                };
                let row = ROWS.iter().position(fits).unwrap();
                let (name, _, decision) = ROWS[row];
                used[row] = true;
                let decided = decide(Some(&holder), wanted, NOW);
                assert_eq!(decided, decision, "{name}: {holder:?} {wanted:?}");
            }
        }
        assert_eq!(
            used,
            [true; ROWS.len()],
            "every row of the table decides something"
        );
    }

    /// Row 1.
    #[test]
    fn a_key_that_nobody_holds_is_taken_by_a_new_task() {
        for wanted in WANTED {
            assert_eq!(decide(None, wanted, NOW), KeyDecision::Insert);
        }
    }

    #[test]
    fn a_row_says_what_it_is_as_a_holder() {
        let definition = TaskDefinition::new(TaskId(Uuid::nil()), "mail", "{}", NOW);
        let mut record = TaskRecord {
            definition,
            generation: Generation(0),
            state: RowState::waiting(NOW),
        };
        let of = |record: &TaskRecord| Holder::of(record, false);
        let waits = of(&record);
        assert_eq!((waits.kind, waits.in_flight), (HolderKind::OneShot, false));
        assert!(
            Holder::of(&record, true).in_flight,
            "this process delivers it"
        );
        // One that waits for a reason is owned by who judged it, and on its way to nowhere.
        record.state.owner = Some(ProcessId(Uuid::nil()));
        assert!(!of(&record).in_flight);
        record.state.status = Status::Queued;
        assert!(of(&record).in_flight, "its owner is about to run it");
        record.state.owner = None;
        assert!(!of(&record).in_flight);
        record.definition.series = Some(SeriesDefinition {
            schedule: String::new(),
            anchor: NOW,
            max_runs: None,
            run_until: None,
            ..SeriesDefinition::default()
        });
        record.definition.key_until = Some(NOW);
        let over = of(&record);
        assert_eq!(over.kind, HolderKind::Series { goes_on: false });
        assert_eq!((over.status, over.key_until), (Status::Queued, Some(NOW)));
        record.state.next_run_at = Some(NOW);
        assert_eq!(of(&record).kind, HolderKind::Series { goes_on: true });
    }
}
