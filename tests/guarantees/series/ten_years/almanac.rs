//! All instants of all series, as the oracle sees them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use parking_lot::Mutex;

use super::catalogue::{Entry, First, fifty};
use super::course::Course;
use super::oracle;

const DAY: i64 = 86_400;

/// Sunday, the 7th of March 2010: the day that Apia leaves out, and many summers of Casablanca in which its
/// clocks are changed four times, are among the ten years that follow.
const BEGIN: i64 = 1_267_953_443;

/// What lies between two registrations, so that no two series count from the same instant.
const APART: i64 = 3_701;

pub(super) struct Almanac {
    pub(super) begin: i64,
    pub(super) end: i64,
    /// Until here the instants are known.
    pub(super) horizon: i64,
    pub(super) series: Vec<Known>,
}

/// A series and its instants.
pub(super) struct Known {
    pub(super) registered: i64,
    entry: Entry,
    instants: Vec<i64>,
}

impl Almanac {
    /// Asks the oracle for so many years.
    pub(super) fn of_years(years: i64) -> Self {
        let end = BEGIN + years * 365 * DAY + years / 4 * DAY;
        let horizon = end + 60 * DAY;
        let entries = fifty();
        let next = AtomicUsize::new(0);
        let known = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
                scope.spawn(|| {
                    while let Some((number, entry)) = pick(&entries, &next) {
                        let series = Known::new(number, entry.clone(), horizon);
                        known.lock().push((number, series));
                    }
                });
            }
        });
        let mut known = known.into_inner();
        known.sort_by_key(|(number, _)| *number);
        Self {
            begin: BEGIN,
            end,
            horizon,
            series: known.into_iter().map(|(_, series)| series).collect(),
        }
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        self.series
            .iter()
            .map(|known| known.entry.clone())
            .collect()
    }

    /// The course that a series will take.
    pub(super) fn course(&self, number: usize) -> Course {
        let Known {
            entry, instants, ..
        } = &self.series[number];
        let until = entry.until_day.map(|day| self.begin + day * DAY);
        Course::new(entry.clone(), instants.clone(), until)
    }
}

fn pick<'a>(entries: &'a [Entry], next: &AtomicUsize) -> Option<(usize, &'a Entry)> {
    let number = next.fetch_add(1, Ordering::Relaxed);
    Some((number, entries.get(number)?))
}

impl Known {
    fn new(number: usize, entry: Entry, horizon: i64) -> Self {
        let registered = BEGIN + i64::try_from(number).unwrap() * APART;
        let (anchor, first) = match entry.first {
            First::AsScheduled => (registered, None),
            First::AtOnce => (registered, Some(registered)),
            First::After(delay) => {
                let first = registered + i64::try_from(delay.as_secs()).unwrap();
                (first, Some(first))
            }
        };
        let next = |at: &i64| oracle::first_after(&entry.schedule, anchor, *at, horizon);
        let scheduled = std::iter::successors(next(&anchor), next);
        let instants = first.into_iter().chain(scheduled).collect();
        Self {
            registered,
            entry,
            instants,
        }
    }
}
