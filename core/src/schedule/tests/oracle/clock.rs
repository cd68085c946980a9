use chrono::{DateTime, LocalResult, NaiveDateTime, TimeDelta, TimeZone};
use chrono_tz::Tz;

/// The clock on the wall.
pub(super) struct Clock(Tz);

impl Clock {
    pub(super) fn new(zone: &str) -> Self {
        Self(zone.parse().unwrap())
    }

    pub(super) fn local(&self, at: i64) -> NaiveDateTime {
        let utc = DateTime::from_timestamp(at, 0).unwrap();
        utc.with_timezone(&self.0).naive_local()
    }

    /// The first instant at which the clock shows a time, or the first after the gap it is in.
    pub(super) fn instant(&self, mut local: NaiveDateTime) -> i64 {
        loop {
            match self.0.from_local_datetime(&local) {
                LocalResult::Single(at) => return at.timestamp(),
                LocalResult::Ambiguous(one, other) => {
                    return one.timestamp().min(other.timestamp());
                }
                LocalResult::None => {
                    let minute = local.and_utc().timestamp().div_euclid(60) * 60;
                    let minute = DateTime::from_timestamp(minute, 0).unwrap().naive_utc();
                    local = minute + TimeDelta::minutes(1);
                }
            }
        }
    }
}
