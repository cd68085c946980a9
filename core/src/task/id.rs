use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_newtype {
    ($(#[$docs:meta])* $name:ident) => {
        $(#[$docs])*
        #[derive(
            Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    };
}

uuid_newtype! {
    /// Identifies a task for ever: the key of its row and of everything kept about it.
    ///
    /// A version 7 UUID, so that ids sort by the time of the dispatch.
    TaskId
}

uuid_newtype! {
    /// Identifies one start of a runtime; the owner of the rows it is working on.
    ///
    /// It is new at every start, so a restarted process never mistakes the rows of its
    /// predecessor for its own.
    ProcessId
}

uuid_newtype! {
    /// Identifies the record of one attempt, so that writing it twice stores it once.
    AttemptId
}

uuid_newtype! {
    /// Identifies one delivery of a task, for what is kept of each.
    ///
    /// A version 7 UUID, so that the deliveries of a task sort by the time they began.
    DeliveryId
}

/// The version number of a row; it rises with every write to the row after its insert.
///
/// A write names the generation it was made from and is refused if the row has moved on. That is
/// what keeps a stale delivery from overwriting a newer one, and what makes a write that is
/// repeated after a lost answer harmless.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(transparent)]
pub struct Generation(pub i64);

impl Generation {
    /// How far [`superseded`](Self::superseded) moves on: further than one delivery ever writes.
    pub const TERM: i64 = 1 << 20;

    /// Answers the generation after the next write of the same delivery.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Answers the generation after a write that ends what others are doing with the row: a claim, a
    /// cancel, a release, a reconsideration.
    ///
    /// A delivery numbers its writes ahead of their commits. Were this one step too, the second write
    /// of a delivery whose first was refused would find the very generation it expects.
    #[must_use]
    pub fn superseded(self) -> Self {
        Self(self.0.saturating_add(Self::TERM))
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
