use chrono::TimeDelta;

use super::Schedule;
use crate::task::SeriesDefinition;
use crate::time::Timestamp;

/// A series as it was stored, ready to answer what comes next.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Recurrence {
    schedule: Schedule,
    anchor: Timestamp,
    max_runs: Option<u32>,
    run_until: Option<Timestamp>,
}

/// What a due occurrence comes to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Occurrence {
    /// It runs.
    Run,
    /// It was overtaken by later ones while nothing ran; the series goes on at this instant.
    Skip(Timestamp),
    /// Nothing is left: the series is over.
    Over,
}

impl Recurrence {
    /// Reads the schedule of a stored series.
    ///
    /// # Errors
    ///
    /// Fails if the schedule is one that this version does not know or that makes no sense.
    pub fn read(series: &SeriesDefinition) -> Result<Self, serde_json::Error> {
        Ok(Self {
            schedule: serde_json::from_str(&series.schedule)?,
            anchor: series.anchor,
            max_runs: series.max_runs,
            run_until: series.run_until,
        })
    }

    /// Answers what to do with an occurrence that was due at `due` and is looked at at `now`, after
    /// `run_count` runs.
    ///
    /// One that slipped is run as long as its successor is not due yet; one that was overtaken is
    /// skipped, without being counted, to the next one in the future (storage edge case 4).
    pub fn due(&self, due: Timestamp, run_count: u32, now: Timestamp) -> Occurrence {
        if self.excludes(due, run_count) {
            return Occurrence::Over;
        }
        let successor = self.schedule.next_after(self.anchor, due);
        if successor.is_none_or(|successor| successor > now) {
            return Occurrence::Run;
        }
        let next = self.schedule.next_after(self.anchor, now);
        match next.filter(|next| !self.excludes(*next, run_count)) {
            Some(next) => Occurrence::Skip(next),
            None => Occurrence::Over,
        }
    }

    /// Answers when the series runs again after the run of the occurrence `due`, which is one of the
    /// `run_count` runs and ended at `now`; `None` if it is over.
    ///
    /// What came due while the run was going on is skipped; what comes due as it ends is not.
    pub fn after(&self, due: Timestamp, run_count: u32, now: Timestamp) -> Option<Timestamp> {
        let just_before = now.checked_sub_signed(TimeDelta::microseconds(1))?;
        let next = self
            .schedule
            .next_after(self.anchor, due.max(just_before))?;
        (!self.excludes(next, run_count)).then_some(next)
    }

    fn excludes(&self, at: Timestamp, run_count: u32) -> bool {
        self.max_runs.is_some_and(|most| run_count >= most)
            || self.run_until.is_some_and(|until| at >= until)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_timestamp(seconds, 0).unwrap()
    }

    fn minutely(max_runs: Option<u32>, run_until: Option<i64>) -> Recurrence {
        Recurrence {
            schedule: Schedule::every(Duration::from_mins(1)).unwrap(),
            anchor: at(0),
            max_runs,
            run_until: run_until.map(at),
        }
    }

    /// Storage edge cases 3 and 4.
    #[test]
    fn an_occurrence_runs_until_its_successor_is_due() {
        let series = minutely(None, None);
        let due = |now| series.due(at(60), 0, at(now));
        assert_eq!(due(60), Occurrence::Run);
        assert_eq!(due(119), Occurrence::Run);
        assert_eq!(due(120), Occurrence::Skip(at(180)));
        assert_eq!(due(100_000), Occurrence::Skip(at(100_020)));
    }

    /// Storage edge cases 11, 12 and 22.
    #[test]
    fn a_series_is_over_at_its_bounds() {
        let thrice = minutely(Some(3), None);
        assert_eq!(thrice.due(at(60), 2, at(60)), Occurrence::Run);
        assert_eq!(thrice.due(at(60), 3, at(60)), Occurrence::Over);
        assert_eq!(thrice.after(at(60), 2, at(61)), Some(at(120)));
        assert_eq!(thrice.after(at(60), 3, at(61)), None);
        let until = minutely(None, Some(120));
        assert_eq!(until.due(at(60), 0, at(60)), Occurrence::Run);
        assert_eq!(until.due(at(120), 0, at(120)), Occurrence::Over);
        assert_eq!(until.due(at(60), 0, at(130)), Occurrence::Over);
        assert_eq!(until.after(at(0), 1, at(1)), Some(at(60)));
        assert_eq!(until.after(at(60), 1, at(61)), None);
    }

    #[test]
    fn what_came_due_during_a_run_is_skipped() {
        let series = minutely(None, None);
        assert_eq!(series.after(at(60), 1, at(60)), Some(at(120)));
        assert_eq!(series.after(at(60), 1, at(119)), Some(at(120)));
        assert_eq!(series.after(at(60), 1, at(120)), Some(at(120)));
        assert_eq!(series.after(at(60), 1, at(121)), Some(at(180)));
    }

    /// A clock that was set back makes no occurrence run twice.
    #[test]
    fn a_series_never_goes_back() {
        let series = minutely(None, None);
        assert_eq!(series.after(at(600), 1, at(10)), Some(at(660)));
    }

    #[test]
    fn a_schedule_that_makes_no_sense_is_not_read() {
        let series = |schedule: &str| SeriesDefinition {
            schedule: schedule.to_owned(),
            anchor: at(0),
            max_runs: None,
            run_until: None,
        };
        assert!(Recurrence::read(&series(r#"{"every":5,"unit":"seconds"}"#)).is_ok());
        assert!(Recurrence::read(&series(r#"{"every":0,"unit":"seconds"}"#)).is_err());
        assert!(Recurrence::read(&series("99 99 * * *")).is_err());
    }
}
