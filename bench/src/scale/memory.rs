use std::fmt;

use crate::memory::resident;

/// By how many kibibytes the process may grow.
const LIMIT: u64 = 50 * 1024;

/// The resident memory of this process, in kibibytes, when it was first and last looked at.
///
/// Only Linux tells it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    first: Option<u64>,
    most: Option<u64>,
}

impl Memory {
    pub(super) fn now() -> Self {
        let first = resident();
        Self { first, most: first }
    }

    /// Looks again.
    pub(super) fn look(&mut self) {
        self.most = self.most.max(resident());
    }

    /// What can't be measured breaks no limit.
    pub(super) fn is_within_limit(self) -> bool {
        self.growth().is_none_or(|growth| growth < LIMIT)
    }

    fn growth(self) -> Option<u64> {
        Some(self.most?.saturating_sub(self.first?))
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mebibytes = |kibibytes: u64| kibibytes.div_ceil(1024);
        match self.growth() {
            None => formatter.write_str("resident memory is not known on this system"),
            Some(growth) => write!(
                formatter,
                "resident memory grew by {} MiB, limit {} MiB",
                mebibytes(growth),
                mebibytes(LIMIT)
            ),
        }
    }
}
