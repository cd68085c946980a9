use std::fmt;

use uuid::Uuid;

use crate::time::Timestamp;

/// Names one change of a queue, so that it is made once however often it is written.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct QueueChangeId(pub Uuid);

/// What is to be different about a queue.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum QueueChange {
    /// Nothing of it is started any more.
    Pause,
    /// It goes on.
    Resume,
    /// So many of its handlers run at once, in each process; `None` is as many as configured.
    SetParallelism(Option<u32>),
}

impl QueueChange {
    /// The word for it, for storages and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::SetParallelism(_) => "parallelism",
        }
    }

    /// The change of that word.
    ///
    /// # Errors
    ///
    /// Fails if there is none.
    pub fn of(word: &str, parallelism: Option<u32>) -> Result<Self, UnknownQueueChange> {
        match word {
            "pause" => Ok(Self::Pause),
            "resume" => Ok(Self::Resume),
            "parallelism" => Ok(Self::SetParallelism(parallelism)),
            unknown => Err(UnknownQueueChange(unknown.to_owned())),
        }
    }

    /// The parallelism it asks for.
    pub fn parallelism(self) -> Option<u32> {
        match self {
            Self::SetParallelism(parallelism) => parallelism,
            Self::Pause | Self::Resume => None,
        }
    }
}

impl fmt::Display for QueueChange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A word that is no change of a queue.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0:?} is no change of a queue")]
pub struct UnknownQueueChange(pub String);

/// Changes a queue for all processes and for the time after a restart.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangeQueue {
    /// The same whenever the change is written again.
    pub id: QueueChangeId,
    /// The queue.
    pub queue: String,
    /// What is to be different.
    pub change: QueueChange,
    /// When it was asked for.
    pub at: Timestamp,
    /// Who asked, if known.
    pub actor: Option<String>,
    /// Why, if said.
    pub reason: Option<String>,
}

/// What was decided about a queue at run time; one of which nothing was decided has none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct QueueSettings {
    /// The queue.
    pub queue: String,
    /// Whether nothing of it is started.
    pub is_paused: bool,
    /// How many of its handlers run at once in each process, unless as many as configured.
    pub parallelism: Option<u32>,
    /// How many changes there were; rises by one with each.
    pub version: i64,
    /// When the last change was asked for.
    pub changed_at: Timestamp,
    /// Who asked for it, if known.
    pub actor: Option<String>,
    /// Why, if said.
    pub reason: Option<String>,
}

/// A change of a queue that was made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct QueueChangeRecord {
    /// The queue.
    pub queue: String,
    /// Which change of this queue it was, from 1.
    pub version: i64,
    /// What has been different since.
    pub change: QueueChange,
    /// When it was asked for.
    pub at: Timestamp,
    /// Who asked, if known.
    pub actor: Option<String>,
    /// Why, if said.
    pub reason: Option<String>,
}

impl ChangeQueue {
    /// What the settings are after this change; `None` if they are so already, and then nothing is
    /// written.
    pub fn applied_to(&self, settings: Option<&QueueSettings>) -> Option<QueueSettings> {
        let (was_paused, had) = settings.map_or((false, None), |settings| {
            (settings.is_paused, settings.parallelism)
        });
        let (is_paused, parallelism) = match self.change {
            QueueChange::Pause => (true, had),
            QueueChange::Resume => (false, had),
            QueueChange::SetParallelism(parallelism) => (was_paused, parallelism),
        };
        if (is_paused, parallelism) == (was_paused, had) {
            return None;
        }
        Some(QueueSettings {
            queue: self.queue.clone(),
            is_paused,
            parallelism,
            version: settings.map_or(0, |settings| settings.version) + 1,
            changed_at: self.at,
            actor: self.actor.clone(),
            reason: self.reason.clone(),
        })
    }

    /// What is kept of the change once it is made.
    pub fn record(&self, version: i64) -> QueueChangeRecord {
        QueueChangeRecord {
            queue: self.queue.clone(),
            version,
            change: self.change,
            at: self.at,
            actor: self.actor.clone(),
            reason: self.reason.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(change: QueueChange) -> ChangeQueue {
        ChangeQueue {
            id: QueueChangeId(Uuid::nil()),
            queue: "mail".to_owned(),
            change,
            at: Timestamp::UNIX_EPOCH,
            actor: Some("Zoë".to_owned()),
            reason: None,
        }
    }

    fn after(changes: &[QueueChange]) -> Option<QueueSettings> {
        changes.iter().fold(None, |settings, next| {
            change(*next).applied_to(settings.as_ref()).or(settings)
        })
    }

    #[test]
    fn each_change_leaves_what_it_is_not_about() {
        let settings = after(&[
            QueueChange::SetParallelism(Some(3)),
            QueueChange::Pause,
            QueueChange::SetParallelism(Some(5)),
            QueueChange::Resume,
        ]);
        let settings = settings.expect("something was decided");
        assert_eq!((settings.is_paused, settings.parallelism), (false, Some(5)));
        assert_eq!(settings.version, 4);
        assert_eq!(settings.actor.as_deref(), Some("Zoë"));
    }

    #[test]
    fn what_is_so_already_is_no_change() {
        use QueueChange::{Pause, Resume, SetParallelism};
        assert_eq!(after(&[Resume, SetParallelism(None)]), None);
        let paused = after(&[Pause]);
        assert_eq!(after(&[Pause, Pause]), paused);
        let limited = after(&[SetParallelism(Some(2)), SetParallelism(Some(2))]);
        assert_eq!(limited.map(|settings| settings.version), Some(1));
    }

    #[test]
    fn every_change_has_a_word() {
        for change in [
            QueueChange::Pause,
            QueueChange::Resume,
            QueueChange::SetParallelism(None),
            QueueChange::SetParallelism(Some(7)),
        ] {
            let read = QueueChange::of(change.as_str(), change.parallelism());
            assert_eq!(read, Ok(change));
        }
        assert!(QueueChange::of("stop", None).is_err());
    }
}
