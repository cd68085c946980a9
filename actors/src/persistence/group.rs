use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use evertask_core::log::LogLine;
use evertask_core::storage::{Answer, NewTask, StorageError, Write};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::client::WriteError;

/// The reply to one caller's set of writes.
pub(crate) type Reply = oneshot::Sender<Result<Vec<Answer>, WriteError>>;

/// One caller's writes, which succeed or fail together.
pub(crate) struct WriteSet {
    pub(crate) writes: Vec<Write>,
    pub(crate) reply: Reply,
    /// Until when, on the monotonic clock, the caller wants to wait out an outage; `None` means as
    /// long as it takes.
    pub(crate) deadline: Option<Duration>,
    /// It was in a group that crashed; it goes alone, so that it can't take others along again.
    pub(crate) alone: bool,
}

/// The writes that wait for the next group.
#[derive(Clone, Default)]
pub(crate) struct WriteQueue(Arc<Mutex<VecDeque<WriteSet>>>);

/// The largest group, so that one commit stays short and its memory bounded.
const MAX_WRITES: usize = 2_000;
const MAX_BYTES: usize = 8 * 1024 * 1024;

impl WriteQueue {
    pub(crate) fn push(&self, set: WriteSet) {
        self.0.lock().push_back(set);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.lock().is_empty()
    }

    /// Lets go of callers that wait behind an outage and whose patience is at its end: nothing of
    /// theirs was ever sent.
    pub(crate) fn release_impatient(&self, now: Duration, error: &StorageError) {
        let mut waiting = self.0.lock();
        let (impatient, patient): (VecDeque<_>, _) = std::mem::take(&mut *waiting)
            .into_iter()
            .partition(|set| set.deadline.is_some_and(|deadline| deadline <= now));
        *waiting = patient;
        drop(waiting);
        for set in impatient {
            // A caller that is gone does not need its answer.
            set.reply.send(Err(WriteError::unavailable(error))).ok();
        }
    }

    /// Takes the sets of the next group, in order; at least one if any waits.
    pub(crate) fn next_group(&self) -> Vec<WriteSet> {
        let mut waiting = self.0.lock();
        let (mut writes, mut bytes) = (0, 0);
        let mut group: Vec<WriteSet> = Vec::new();
        while let Some(set) = waiting.front() {
            writes += set.writes.len();
            bytes += set.writes.iter().map(size).sum::<usize>();
            let fits = writes <= MAX_WRITES && bytes <= MAX_BYTES && !set.alone;
            if !group.is_empty() && !fits {
                break;
            }
            let alone = set.alone;
            group.extend(waiting.pop_front());
            if alone {
                break;
            }
        }
        group
    }
}

/// What a row takes beside its texts.
const ROW: usize = 256;

fn size_of_task(task: &NewTask) -> usize {
    ROW + task.record.definition.payload.len()
}

/// About how much memory a write and the statement made from it take.
fn size(write: &Write) -> usize {
    match write {
        Write::Insert(task) => size_of_task(task),
        Write::InsertAll(tasks) => tasks.iter().map(size_of_task).sum(),
        Write::Change(change) => {
            let failure = change.state.failure.as_ref();
            let failure = failure.map_or(0, |failure| failure.text.len());
            let result = change.state.result.as_ref().map_or(0, String::len);
            let follow_ups = change.follow_ups.iter().map(size_of_task);
            ROW + failure + result + follow_ups.sum::<usize>()
        }
        Write::Redefine(new) => ROW + new.record.definition.payload.len(),
        Write::AppendLogs(append) => {
            let lines = append.lines.iter();
            ROW + lines.map(LogLine::size).sum::<usize>()
        }
        Write::Cancel(_)
        | Write::Delete(_)
        | Write::Reconsider(_)
        | Write::ChangeQueue(_)
        | Write::Claim(_) => ROW,
    }
}

#[cfg(test)]
mod tests {
    use evertask_core::storage::{ReconsiderWaiting, StorageErrorKind};

    use super::*;

    fn set(writes: usize, alone: bool) -> WriteSet {
        let write = Write::Reconsider(ReconsiderWaiting {
            known_tasks: Vec::new(),
        });
        WriteSet {
            writes: vec![write; writes],
            reply: oneshot::channel().0,
            deadline: None,
            alone,
        }
    }

    fn group_sizes(sets: Vec<WriteSet>) -> Vec<usize> {
        let queue = WriteQueue::default();
        for set in sets {
            queue.push(set);
        }
        let mut sizes = Vec::new();
        while !queue.is_empty() {
            sizes.push(queue.next_group().len());
        }
        sizes
    }

    #[test]
    fn everything_that_waits_is_one_group_up_to_the_limit() {
        assert_eq!(group_sizes((0..10).map(|_| set(1, false)).collect()), [10]);
        assert_eq!(
            group_sizes((0..5).map(|_| set(900, false)).collect()),
            [2, 2, 1]
        );
        assert_eq!(group_sizes(vec![set(5_000, false), set(1, false)]), [1, 1]);
    }

    #[test]
    fn who_waits_behind_an_outage_is_let_go_when_its_patience_ends() {
        let queue = WriteQueue::default();
        let (impatient, mut refused) = oneshot::channel();
        let (patient, mut kept) = oneshot::channel();
        let second = Duration::from_secs(1);
        for (reply, deadline) in [(impatient, Some(second)), (patient, None)] {
            queue.push(WriteSet {
                reply,
                deadline,
                ..set(1, false)
            });
        }
        let error = StorageError::new(StorageErrorKind::Transient, "reach the database");
        queue.release_impatient(second / 2, &error);
        assert!(refused.try_recv().is_err());
        queue.release_impatient(second, &error);
        let refused = refused.try_recv().unwrap();
        assert!(matches!(refused, Err(WriteError::Unavailable(_))));
        assert!(kept.try_recv().is_err());
        assert_eq!(queue.next_group().len(), 1);
    }

    #[test]
    fn a_set_that_was_in_a_crashed_group_goes_alone() {
        let sets = vec![set(1, false), set(1, true), set(1, false), set(1, false)];
        assert_eq!(group_sizes(sets), [1, 1, 2]);
    }
}
