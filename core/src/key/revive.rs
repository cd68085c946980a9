use super::decide::{KeptReason, KeyDecision, Redefined};
use crate::task::{SeriesDefinition, TaskRecord};

/// What the registration of a series does with one that holds its key and is over or was cancelled.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Revive {
    /// It begins anew, the default.
    #[default]
    Always,
    /// It begins anew if it was registered differently the last time.
    IfChanged,
    /// It stays over.
    Never,
}

impl Revive {
    /// What is left of the decision about a key if the dispatch does not revive every series.
    pub fn restrict(
        self,
        decision: KeyDecision,
        found: &TaskRecord,
        wanted: &SeriesDefinition,
    ) -> KeyDecision {
        if decision != KeyDecision::Redefine(Redefined::Revived) {
            return decision;
        }
        let old = found.definition.series.as_ref();
        let is_same = old.is_some_and(|old| old.is_registered_as(wanted));
        let revives = match self {
            Self::Always => true,
            Self::IfChanged => !is_same,
            Self::Never => false,
        };
        if revives {
            decision
        } else {
            KeyDecision::Keep(KeptReason::NotRevived)
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::task::{Generation, RowState, TaskDefinition, TaskId};
    use crate::time::Timestamp;

    const REVIVED: KeyDecision = KeyDecision::Redefine(Redefined::Revived);

    fn series(schedule: &str) -> SeriesDefinition {
        let mut series = SeriesDefinition {
            schedule: schedule.to_owned(),
            ..SeriesDefinition::default()
        };
        series.registered = serde_json::to_string(&series.in_force()).ok();
        series
    }

    fn found(series: SeriesDefinition) -> TaskRecord {
        let now = Timestamp::UNIX_EPOCH;
        let definition = TaskDefinition::new(TaskId(Uuid::nil()), "report", "1", now);
        TaskRecord {
            definition: TaskDefinition {
                series: Some(series),
                ..definition
            },
            generation: Generation::default(),
            state: RowState::waiting(now),
        }
    }

    #[test]
    fn a_series_that_is_over_is_revived_as_the_dispatch_says() {
        let kept = KeyDecision::Keep(KeptReason::NotRevived);
        let mut edited = series("old");
        edited.schedule = "edited".to_owned();
        for (revive, same, changed) in [
            (Revive::Always, REVIVED, REVIVED),
            (Revive::IfChanged, kept, REVIVED),
            (Revive::Never, kept, kept),
        ] {
            for old in [series("old"), edited.clone()] {
                let decide =
                    |wanted| revive.restrict(REVIVED, &found(old.clone()), &series(wanted));
                assert_eq!(
                    (decide("old"), decide("new")),
                    (same, changed),
                    "{revive:?}"
                );
            }
        }
    }

    #[test]
    fn any_other_decision_stays() {
        for decision in [
            KeyDecision::Insert,
            KeyDecision::Redefine(Redefined::Updated),
            KeyDecision::Keep(KeptReason::Running),
        ] {
            let restricted =
                Revive::Never.restrict(decision, &found(series("old")), &series("old"));
            assert_eq!(restricted, decision);
        }
    }
}
