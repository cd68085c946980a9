//! Callers that wait until their task has a place.
//!
//! Their rows are stored already and wait for their turn like any other, in the order of the storage;
//! here is only who has to be told. So a caller who gives up leaves nothing behind but a task that
//! runs, and nobody can overtake.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use evertask_core::task::TaskId;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// The callers that wait for a place in one queue, in the order in which they came.
#[derive(Clone, Default)]
pub(crate) struct WaitingLine(Arc<Mutex<Line>>);

#[derive(Default)]
struct Line {
    waiting: BTreeMap<u64, Caller>,
    last: u64,
}

struct Caller {
    id: TaskId,
    /// Whether its row is known to be stored.
    is_stored: bool,
    /// Fires when it need not wait any more.
    granted: CancellationToken,
}

/// A caller's place in the line, given up when dropped.
#[must_use]
pub(crate) struct Waiting {
    line: WaitingLine,
    number: u64,
    granted: CancellationToken,
}

impl WaitingLine {
    /// Joins the line, unless `limit` callers wait already.
    pub(super) fn join(&self, id: TaskId, limit: usize) -> Option<Waiting> {
        let mut line = self.0.lock();
        if line.waiting.len() >= limit {
            return None;
        }
        line.last += 1;
        let number = line.last;
        let granted = CancellationToken::new();
        let caller = Caller {
            id,
            is_stored: false,
            granted: granted.clone(),
        };
        line.waiting.insert(number, caller);
        drop(line);
        Some(Waiting {
            line: self.clone(),
            number,
            granted,
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.lock().waiting.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.lock().waiting.len()
    }

    /// The task has its place, or does not need one any more.
    pub(crate) fn grant(&self, id: TaskId) {
        self.grant_if(|caller| caller.id == id);
    }

    /// Nothing stored waits any more.
    pub(crate) fn grant_all(&self) {
        self.grant_if(|_| true);
    }

    /// The tasks that have waited longest, of those whose rows are stored.
    pub(crate) fn longest(&self, most: usize) -> Vec<TaskId> {
        let line = self.0.lock();
        let stored = line.waiting.values().filter(|caller| caller.is_stored);
        stored.take(most).map(|caller| caller.id).collect()
    }

    fn grant_if(&self, is_meant: impl Fn(&Caller) -> bool) {
        let mut line = self.0.lock();
        line.waiting.retain(|_, caller| {
            let is_meant = is_meant(caller);
            if is_meant {
                caller.granted.cancel();
            }
            !is_meant
        });
    }
}

impl Waiting {
    /// Its row is stored now.
    pub(crate) fn note_stored(&self) {
        if let Some(caller) = self.line.0.lock().waiting.get_mut(&self.number) {
            caller.is_stored = true;
        }
    }

    /// Waits until the task has its place.
    pub(crate) async fn granted(&self) {
        self.granted.cancelled().await;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.line.0.lock().waiting.remove(&self.number);
    }
}

impl fmt::Debug for WaitingLine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.0.lock().waiting.len();
        formatter
            .debug_struct("WaitingLine")
            .field("waiting", &waiting)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use uuid::Uuid;

    use super::*;

    fn id(number: u128) -> TaskId {
        TaskId(Uuid::from_u128(number))
    }

    #[test]
    fn a_caller_waits_until_its_own_task_has_a_place() {
        let line = WaitingLine::default();
        let first = line.join(id(1), 9).expect("there is room");
        let second = line.join(id(2), 9).expect("there is room");
        line.grant(id(2));
        assert!(first.granted().now_or_never().is_none());
        assert!(second.granted().now_or_never().is_some());
        line.grant_all();
        assert!(first.granted().now_or_never().is_some());
        assert!(line.is_empty());
    }

    #[test]
    fn a_caller_who_gives_up_leaves_the_line() {
        let line = WaitingLine::default();
        let first = line.join(id(1), 1).expect("there is room");
        assert!(line.join(id(2), 1).is_none());
        drop(first);
        assert!(line.is_empty());
        assert!(line.join(id(2), 1).is_some());
    }

    #[test]
    fn two_callers_of_one_task_are_told_both() {
        let line = WaitingLine::default();
        let callers = [line.join(id(1), 9), line.join(id(1), 9)].map(Option::unwrap);
        line.grant(id(1));
        for caller in &callers {
            assert!(caller.granted().now_or_never().is_some());
        }
    }

    #[test]
    fn those_whose_rows_are_stored_are_known_in_their_order() {
        let line = WaitingLine::default();
        let callers = [3, 1, 2].map(|number| line.join(id(number), 9).expect("there is room"));
        callers[2].note_stored();
        callers[0].note_stored();
        assert_eq!(line.longest(9), [id(3), id(2)]);
        assert_eq!(line.longest(1), [id(3)]);
    }
}
