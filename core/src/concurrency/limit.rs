/// How many tasks of a type run at once.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct RunningLimit {
    /// Of all of them.
    pub running: Option<usize>,
    /// Of those that share a concurrency key.
    pub running_per_key: Option<usize>,
}

impl RunningLimit {
    /// Whether nothing is limited.
    pub fn is_none(self) -> bool {
        self.running.is_none() && self.running_per_key.is_none()
    }

    /// The key that counts: one without a limit doesn't.
    pub(super) fn key_of(self, key: Option<&str>) -> Option<&str> {
        key.filter(|_| self.running_per_key.is_some())
    }
}

/// What a claim passes over: the rows that would get no turn.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Saturated {
    /// The names of types of which nothing more may run, sorted.
    pub tasks: Vec<String>,
    /// The names of other types, with keys of which nothing more may run, sorted.
    pub keys: Vec<(String, String)>,
    /// The [limit lanes](crate::task::TaskDefinition::limit_lane) without budget, sorted.
    pub lanes: Vec<String>,
}

impl Saturated {
    /// Whether no row has to be looked at to know whether it is passed over: whole lanes are left out
    /// before that.
    pub fn is_of_lanes_only(&self) -> bool {
        self.tasks.is_empty() && self.keys.is_empty()
    }
}
