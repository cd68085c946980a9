use super::time_of_day::TimeOfDay;

/// The times of one day.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Times {
    /// Each on its own, in order and once; at least one.
    List(Vec<TimeOfDay>),
    /// Every combination of an hour, a minute and a second, each a set of bits.
    Product {
        hours: u32,
        minutes: u64,
        seconds: u64,
    },
}

impl Times {
    /// In order and once; midnight, if there are none.
    pub(super) fn list(times: &[TimeOfDay]) -> Self {
        let mut times = times.to_vec();
        times.sort_unstable();
        times.dedup();
        if times.is_empty() {
            times.push(TimeOfDay::MIDNIGHT);
        }
        Self::List(times)
    }

    /// The first time at or after `second` of the day.
    pub(super) fn first_from(&self, second: i64) -> Option<i64> {
        match self {
            Self::List(times) => {
                let seconds = times.iter().map(|time| i64::from(time.seconds()));
                seconds.into_iter().find(|time| *time >= second)
            }
            Self::Product {
                hours,
                minutes,
                seconds,
            } => {
                let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
                let hours = u64::from(*hours);
                let is_hour = bit_from(hours, hour) == Some(hour);
                let is_minute = bit_from(*minutes, minute) == Some(minute);
                let same_minute = bit_from(*seconds, second).filter(|_| is_hour && is_minute);
                if let Some(second) = same_minute {
                    return Some(hour * 3_600 + minute * 60 + second);
                }
                let first = bit_from(*seconds, 0)?;
                let same_hour = bit_from(*minutes, minute + 1).filter(|_| is_hour);
                if let Some(minute) = same_hour {
                    return Some(hour * 3_600 + minute * 60 + first);
                }
                let hour = bit_from(hours, hour + 1)?;
                Some(hour * 3_600 + bit_from(*minutes, 0)? * 60 + first)
            }
        }
    }
}

/// The lowest bit that is set, from `from` on.
fn bit_from(bits: u64, from: i64) -> Option<i64> {
    let from = u32::try_from(from).ok().filter(|from| *from < 64)?;
    let left = bits >> from << from;
    (left != 0).then(|| i64::from(left.trailing_zeros()))
}
