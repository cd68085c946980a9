use super::super::invalid::InvalidSchedule;

/// What one field of a cron expression may say.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) first: u8,
    pub(super) last: u8,
    /// Names for the numbers from `first`.
    pub(super) names: &'static [&'static str],
    /// Whether it is one of the two fields for days, where `?` means `*`.
    pub(super) is_day: bool,
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const fn field(name: &'static str, first: u8, last: u8) -> Field {
    Field {
        name,
        first,
        last,
        names: &[],
        is_day: false,
    }
}

pub(super) static SECOND: Field = field("second", 0, 59);
pub(super) static MINUTE: Field = field("minute", 0, 59);
pub(super) static HOUR: Field = field("hour", 0, 23);
pub(super) static DAY_OF_MONTH: Field = Field {
    is_day: true,
    ..field("day of month", 1, 31)
};
pub(super) static MONTH: Field = Field {
    names: &MONTHS,
    ..field("month", 1, 12)
};
/// 0 and 7 are Sunday.
pub(super) static DAY_OF_WEEK: Field = Field {
    names: &DAYS,
    is_day: true,
    ..field("day of week", 0, 7)
};

impl Field {
    pub(super) fn invalid(&self, value: &str, reason: impl Into<String>) -> InvalidSchedule {
        InvalidSchedule::new(format!("cron field \"{}\"", self.name), value, reason)
    }

    pub(super) fn number(&self, text: &str) -> Result<u8, InvalidSchedule> {
        let named = self.names.iter().zip(self.first..);
        let mut named = named.filter(|(name, _)| text.eq_ignore_ascii_case(name));
        if let Some((_, number)) = named.next() {
            return Ok(number);
        }
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.then(|| text.parse().ok()).flatten();
        let is_inside = |number: &u8| (self.first..=self.last).contains(number);
        number.filter(is_inside).ok_or_else(|| {
            self.invalid(text, format!("is not from {} to {}", self.first, self.last))
        })
    }

    /// Reads `*`, `5`, `1-5`, `22-1`, `*/15`, `5/15` and `1-30/2` as a set of bits.
    pub(super) fn range(&self, item: &str) -> Result<u64, InvalidSchedule> {
        if item.starts_with(['-', '/']) || item.ends_with(['-', '/']) {
            return Err(self.invalid(item, "is not complete"));
        }
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(self.step(item, step)?)),
            None => (item, None),
        };
        let (first, last) = if range == "*" || (range == "?" && self.is_day && step.is_none()) {
            // Sunday would be in it twice.
            (self.first, if self.is_week() { 6 } else { self.last })
        } else if let Some((first, last)) = range.split_once('-') {
            (self.number(first)?, self.number(last)?)
        } else {
            let first = self.number(range)?;
            let last = if self.is_week() { 6 } else { self.last };
            (
                first,
                if step.is_some() {
                    last.max(first)
                } else {
                    first
                },
            )
        };
        Ok(self.bits(first, last, step.unwrap_or(1)))
    }

    /// The entries of a list, of which none may be empty.
    pub(super) fn entries<'a>(
        &self,
        text: &'a str,
    ) -> Result<impl Iterator<Item = &'a str> + use<'a>, InvalidSchedule> {
        if text.split(',').any(str::is_empty) {
            return Err(self.invalid(text, "has an empty entry"));
        }
        Ok(text.split(','))
    }

    fn step(&self, item: &str, step: &str) -> Result<u8, InvalidSchedule> {
        let number = step
            .parse()
            .ok()
            .filter(|_| step.bytes().all(|b| b.is_ascii_digit()));
        let is_inside = |number: &u8| (1..=self.last).contains(number);
        number.filter(is_inside).ok_or_else(|| {
            self.invalid(
                item,
                format!("has a step that is not from 1 to {}", self.last),
            )
        })
    }

    fn is_week(&self) -> bool {
        self.last == 7
    }

    /// From `first` to `last`, over the end if they are the wrong way round.
    fn bits(&self, first: u8, last: u8, step: u8) -> u64 {
        // Sunday has two numbers, which are one day when it is passed on the way.
        let length = if self.is_week() {
            7
        } else {
            self.last - self.first + 1
        };
        let last = if last < first { last + length } else { last };
        let wrapped = |number: u8| {
            if self.is_week() {
                number % 7
            } else if number > self.last {
                number - length
            } else {
                number
            }
        };
        let numbers = (first..=last).step_by(step.into()).map(wrapped);
        numbers.fold(0, |bits, number| bits | 1 << number)
    }
}
