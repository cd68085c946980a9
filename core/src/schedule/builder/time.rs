use crate::schedule::time_of_day::TimeOfDay;

/// What can be said for a time of day.
pub trait IntoTime {
    /// As it is written down.
    fn into_time(self) -> String;
}

impl IntoTime for &str {
    fn into_time(self) -> String {
        self.to_owned()
    }
}

/// An hour and a minute.
impl IntoTime for (u8, u8) {
    fn into_time(self) -> String {
        format!("{:02}:{:02}", self.0, self.1)
    }
}

impl IntoTime for TimeOfDay {
    fn into_time(self) -> String {
        self.to_string()
    }
}
