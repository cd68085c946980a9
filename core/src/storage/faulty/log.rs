use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

use super::call::Method;
use super::plan::Fault;
use crate::storage::WriteKind;

/// One call that went wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FaultRecord {
    /// The method.
    pub method: Method,
    /// Which call of this method it was, from 1, over all sessions.
    pub number: u64,
    /// The kinds of the writes, if a group was to be applied.
    pub writes: Option<Vec<WriteKind>>,
    /// What went wrong.
    pub fault: Fault,
}

/// What went wrong, for a failing test to print; clones share it.
#[derive(Clone, Default)]
pub struct FaultLog(Arc<Mutex<Entries>>);

#[derive(Default)]
struct Entries {
    latest: VecDeque<FaultRecord>,
    forgotten: usize,
    unrepeated: Vec<u64>,
}

/// How many records are kept; older ones are only counted.
const KEPT: usize = 1_000;

impl FaultLog {
    /// How many calls went wrong.
    pub fn len(&self) -> usize {
        let entries = self.0.lock();
        entries.forgotten + entries.latest.len()
    }

    /// Whether everything went well.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The calls that went wrong, oldest first; of very many, the latest thousand.
    pub fn records(&self) -> Vec<FaultRecord> {
        self.0.lock().latest.iter().cloned().collect()
    }

    /// The numbers of the groups that came when another one, of unknown outcome, should have been
    /// repeated: whoever sent them broke the contract.
    pub fn unrepeated(&self) -> Vec<u64> {
        self.0.lock().unrepeated.clone()
    }

    pub(super) fn note(&self, record: FaultRecord) {
        let mut entries = self.0.lock();
        if entries.latest.len() == KEPT {
            entries.latest.pop_front();
            entries.forgotten += 1;
        }
        entries.latest.push_back(record);
    }

    pub(super) fn note_unrepeated(&self, number: u64) {
        self.0.lock().unrepeated.push(number);
    }
}

impl fmt::Display for FaultLog {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.0.lock();
        if entries.forgotten > 0 {
            writeln!(formatter, "({} earlier faults)", entries.forgotten)?;
        }
        for record in &entries.latest {
            write!(formatter, "{} {}", record.method, record.number)?;
            if let Some(writes) = &record.writes {
                write!(formatter, " {writes:?}")?;
            }
            writeln!(formatter, ": {:?}", record.fault)?;
        }
        for number in &entries.unrepeated {
            writeln!(formatter, "apply {number} is not the group to be repeated")?;
        }
        Ok(())
    }
}

impl fmt::Debug for FaultLog {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}
