use super::calendar::{Calendar, OnHoliday};
use super::date::DAY;
use super::dates::DateSet;
use super::days::Days;
use super::filter::{Between, Filter};
use super::invalid::InvalidSchedule;
use super::kind::{Kind, Pace};
use super::times::Times;
use super::zone::Zone;

/// What repeats, where, and what of it is left out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Pattern {
    pub(super) kind: Kind,
    pub(super) zone: Zone,
    pub(super) between: Option<Between>,
    pub(super) except: DateSet,
    pub(super) calendar: Option<(Calendar, OnHoliday)>,
}

/// How many candidates in a row may be left out before a schedule counts as having nothing left.
///
/// Every look goes on where something is let in again, at least a day later if it is a date that is
/// left out, so this is more than the days that there are dates for in the longest cycle of any kind.
const MOST_LOOKS: u32 = 200_000;

impl Pattern {
    /// The first instant at or after `from`, in seconds; `from` is after the anchor.
    pub(super) fn first_from(&self, anchor: i64, from: i64) -> Option<i64> {
        match self.kind.pace() {
            Pace::Steps(steps) => self.let_in(from, |from| Some(steps.first_from(anchor, from))),
            Pace::Blocks(blocks) => self.let_in(from, |from| {
                Some(blocks.first_from(self.zone, anchor, from))
            }),
            Pace::Wall(days, times) => {
                let local = self.zone.first_local(from);
                let found = self.first_local(&days, &times, anchor, local)?;
                Some(self.zone.instant(found))
            }
            Pace::EachPass(days, times) => self.each_pass(&days, &times, anchor, from),
        }
    }

    /// Refuses a part of the day that none of the times falls into.
    pub(super) fn check_window(&self) -> Result<(), InvalidSchedule> {
        let Some(between) = self.between else {
            return Ok(());
        };
        let times = match self.kind.pace() {
            Pace::Wall(_, times) | Pace::EachPass(_, times) => times,
            Pace::Steps(_) | Pace::Blocks(_) => return Ok(()),
        };
        let mut second = 0;
        while let Some(time) = times.first_from(second) {
            match between.first_from(time) {
                Some(open) if open == time => return Ok(()),
                Some(open) => second = open,
                None => break,
            }
        }
        let value = format!("{} to {}", between.from, between.to);
        let reason = "leaves none of the times of the day";
        Err(InvalidSchedule::new("between", value, reason))
    }

    /// Whether nothing is left out.
    pub(super) fn is_unfiltered(&self) -> bool {
        self.filter().admits_all()
    }

    fn filter(&self) -> Filter<'_> {
        let calendar = self.calendar.as_ref();
        let is_skipped = |on_holiday| on_holiday == OnHoliday::Skip;
        Filter {
            between: self.between,
            except: &self.except,
            closed: calendar
                .filter(|(_, on_holiday)| is_skipped(*on_holiday))
                .map(|(calendar, _)| calendar.closed()),
        }
    }

    /// The first of `candidates` that is not left out.
    fn let_in(&self, mut from: i64, first_from: impl Fn(i64) -> Option<i64>) -> Option<i64> {
        let filter = self.filter();
        for _ in 0..MOST_LOOKS {
            let found = first_from(from)?;
            if filter.admits_all() {
                return Some(found);
            }
            let local = found + self.zone.offset(found);
            let open = filter.first_from(local)?;
            if open == local {
                return Some(found);
            }
            // A clock that is set back on the way may show an open time before that.
            let open = self.zone.instant(open).max(found + 1);
            from = self.zone.change_in(found, open).unwrap_or(open);
        }
        None
    }

    /// The first local time at or after `local` that is not left out.
    fn first_local(
        &self,
        days: &Days<'_>,
        times: &Times,
        anchor: i64,
        mut local: i64,
    ) -> Option<i64> {
        let filter = self.filter();
        let calendar = self.calendar.as_ref();
        let calendar = calendar.map(|(calendar, on_holiday)| (calendar, *on_holiday));
        let anchor = (anchor + self.zone.offset(anchor)).div_euclid(DAY);
        for _ in 0..MOST_LOOKS {
            let today = local.div_euclid(DAY);
            let day = days.first_open(calendar, anchor, today)?;
            let second = if day == today {
                local.rem_euclid(DAY)
            } else {
                0
            };
            let Some(second) = times.first_from(second) else {
                local = (day + 1) * DAY;
                continue;
            };
            let found = day * DAY + second;
            let open = filter.first_from(found)?;
            if open == found {
                return Some(found);
            }
            local = open;
        }
        None
    }

    /// The first instant at which the clocks show one of the local times, in every span between two
    /// of their changes for itself.
    fn each_pass(&self, days: &Days<'_>, times: &Times, anchor: i64, mut from: i64) -> Option<i64> {
        loop {
            let offset = self.zone.offset(from);
            let found = self.first_local(days, times, anchor, from + offset)? - offset;
            match self.zone.change_in(from, found) {
                Some(change) => from = change,
                None => return Some(found),
            }
        }
    }
}
