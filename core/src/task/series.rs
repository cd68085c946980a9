use serde::{Deserialize, Serialize};

use crate::schedule::SeriesPolicy;
use crate::time::Timestamp;

/// The most runs a series counts; beyond it the counter stands still.
pub const MAX_RUN_COUNT: u32 = i32::MAX.cast_unsigned();

/// When a task runs again and again.
///
/// The schedule and the policy are kept as the text they were stored as: one that this version can't
/// read must not make its row unreadable.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct SeriesDefinition {
    /// The schedule as JSON; see [`Schedule`](crate::schedule::Schedule).
    pub schedule: String,
    /// The instant from which the schedule counts.
    pub anchor: Timestamp,
    /// How many runs it has at most; failed ones count, skipped ones don't.
    pub max_runs: Option<u32>,
    /// The instant at and after which no occurrence runs.
    pub run_until: Option<Timestamp>,
    /// What happens to occurrences that can't run at their time, as JSON; `None` is the
    /// [default](SeriesPolicy).
    pub policy: Option<String>,
    /// What the program registered the last time, as JSON; see [`Registered`]. It differs from what is
    /// in force when somebody edited the series.
    pub registered: Option<String>,
    /// The declared set of series it belongs to; at most 200 characters.
    pub declared_in: Option<String>,
}

/// The part of a registration that can be edited while the program runs.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Registered {
    /// The schedule as JSON.
    pub schedule: String,
    /// How many runs it has at most.
    pub max_runs: Option<u32>,
    /// The instant at and after which no occurrence runs.
    pub run_until: Option<Timestamp>,
    /// The policy as JSON.
    pub policy: Option<String>,
}

impl SeriesDefinition {
    /// Reads the policy.
    ///
    /// # Errors
    ///
    /// Fails if it is none that this version knows.
    pub fn read_policy(&self) -> Result<SeriesPolicy, serde_json::Error> {
        let read = |policy: &String| serde_json::from_str(policy);
        self.policy
            .as_ref()
            .map_or(Ok(SeriesPolicy::default()), read)
    }

    /// Whether the program registered it the last time as it does now.
    ///
    /// A row that does not say is taken for registered as it is in force.
    pub fn is_registered_as(&self, wanted: &Self) -> bool {
        let read = |text: &String| serde_json::from_str::<Registered>(text).ok();
        let last = self.registered.as_ref().map_or(Some(self.in_force()), read);
        last == Some(wanted.in_force())
    }

    /// What is in force, in the form in which it is registered.
    pub fn in_force(&self) -> Registered {
        Registered {
            schedule: self.schedule.clone(),
            max_runs: self.max_runs,
            run_until: self.run_until,
            policy: self.policy.clone(),
        }
    }
}
