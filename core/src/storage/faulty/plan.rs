use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use parking_lot::Mutex;

use super::call::Call;
use crate::storage::StorageErrorKind;

/// What goes wrong with one call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// It fails and nothing is stored.
    Fail(StorageErrorKind),
    /// It is carried out after that much time.
    Delay(Duration),
    /// It is carried out after others had so many turns.
    Yield(u32),
    /// Its reply is lost.
    ///
    /// A group is answered with [`StorageErrorKind::OutcomeUnknown`], and when it is repeated, with
    /// what it was owed. A read fails as [`StorageErrorKind::Transient`] although it was made.
    LoseReply {
        /// Whether the group was committed before. Of no meaning for other calls: they are carried
        /// out.
        committed: bool,
        /// How many repetitions find the line still down, and learn nothing.
        gone_for: u32,
    },
}

/// Decides what goes wrong.
///
/// Any `Fn(&Call) -> Option<Fault>` is one; so are [`FaultScript`] and
/// [`SeededFaults`](super::SeededFaults).
pub trait FaultPlan: Send + Sync + 'static {
    /// What goes wrong with this call, if anything.
    fn fault(&self, call: &Call<'_>) -> Option<Fault>;
}

impl<F> FaultPlan for F
where
    F: Fn(&Call<'_>) -> Option<Fault> + Send + Sync + 'static,
{
    fn fault(&self, call: &Call<'_>) -> Option<Fault> {
        self(call)
    }
}

type Picks = Box<dyn Fn(&Call<'_>) -> bool + Send>;

/// Faults in a list: each waits for the first call it is meant for, then the next one is up.
#[derive(Default)]
pub struct FaultScript {
    steps: Mutex<VecDeque<(Picks, Fault)>>,
}

impl FaultScript {
    /// A script in which nothing goes wrong.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a fault, for the next call that `picks` chooses.
    #[must_use]
    pub fn then(self, picks: impl Fn(&Call<'_>) -> bool + Send + 'static, fault: Fault) -> Self {
        self.steps.lock().push_back((Box::new(picks), fault));
        self
    }
}

impl FaultPlan for FaultScript {
    fn fault(&self, call: &Call<'_>) -> Option<Fault> {
        let mut steps = self.steps.lock();
        steps
            .pop_front_if(|(picks, _)| picks(call))
            .map(|(_, fault)| fault)
    }
}

impl fmt::Debug for FaultScript {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = self.steps.lock();
        let faults = steps.iter().map(|(_, fault)| fault);
        formatter.debug_list().entries(faults).finish()
    }
}
