use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use evertask_core::log::{LogCursor, LogLine};
use evertask_core::storage::AppendLogs;
use evertask_core::task::TaskId;
use futures::Stream;
use futures::stream::{BoxStream, StreamExt, unfold};
use parking_lot::Mutex;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{self, Receiver};

use crate::runtime::Lifecycle;

/// Everybody who follows the log of a task.
#[derive(Clone, Default)]
pub(crate) struct LogTails(Arc<Shared>);

#[derive(Default)]
struct Shared {
    tails: Mutex<HashMap<TaskId, Tail>>,
    /// How many there are, to see without the lock that nobody listens.
    count: AtomicUsize,
}

struct Tail {
    lines: broadcast::Sender<LogLine>,
    /// The last line that was handed out: lines may be written more than once.
    last: Option<LogCursor>,
    /// Whether the task is over; lines may still come for as long as its delivery lasts.
    is_over: bool,
}

/// The lines of one task from the moment it was opened on, each after its commit.
///
/// It ends when the task is over and its last hook has run, and with the runtime. Lines of other
/// processes are not among them. It holds a bounded number of lines: a reader that is slower loses
/// the oldest and is told how many.
pub struct LogTail(BoxStream<'static, TailItem>);

/// What a reader of a log is told.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TailItem {
    /// A line that is stored.
    Line(LogLine),
    /// So many lines were lost on this reader, because it was too slow; they are stored.
    Missed(u64),
}

/// How many lines a reader may lag behind before it misses the oldest.
const CAPACITY: usize = 1_024;

impl LogTails {
    /// Follows a task.
    pub(crate) fn open(&self, id: TaskId, lifecycle: &Lifecycle) -> LogTail {
        let mut tails = self.0.tails.lock();
        let tail = tails.entry(id).or_insert_with(|| Tail {
            lines: broadcast::channel(CAPACITY).0,
            last: None,
            is_over: false,
        });
        let receiver = tail.lines.subscribe();
        self.0.count.store(tails.len(), Ordering::Release);
        drop(tails);
        let source = Source {
            receiver,
            _listening: Listening {
                tails: self.clone(),
                id,
            },
            lifecycle: lifecycle.clone(),
        };
        LogTail(unfold(source, next).boxed())
    }

    /// How many tasks somebody follows.
    #[cfg(feature = "testing")]
    pub(crate) fn followed(&self) -> usize {
        self.0.tails.lock().len()
    }

    /// Whether anybody follows a task.
    pub(crate) fn exist(&self) -> bool {
        self.0.count.load(Ordering::Acquire) > 0
    }

    /// Hands lines that are stored to those who follow their task.
    pub(crate) fn publish(&self, append: &AppendLogs) {
        let mut tails = self.0.tails.lock();
        let Some(tail) = tails.get_mut(&append.id) else {
            return;
        };
        for line in &append.lines {
            let place = Some(LogCursor::of(line));
            if place > tail.last {
                tail.last = place;
                // An error means that the last reader is just leaving.
                tail.lines.send(line.clone()).ok();
            }
        }
    }

    /// Notes that a task is over.
    pub(crate) fn mark_over(&self, id: TaskId) {
        if let Some(tail) = self.0.tails.lock().get_mut(&id) {
            tail.is_over = true;
        }
    }

    /// Ends the streams of a task that is over and has no delivery any more.
    pub(crate) fn end_if_over(&self, id: TaskId) {
        self.remove_if(id, |tail| tail.is_over);
    }

    fn remove_if(&self, id: TaskId, may_go: impl FnOnce(&Tail) -> bool) {
        if !self.exist() {
            return;
        }
        let mut tails = self.0.tails.lock();
        if tails.get(&id).is_some_and(may_go) {
            tails.remove(&id);
            self.0.count.store(tails.len(), Ordering::Release);
        }
    }
}

struct Source {
    receiver: Receiver<LogLine>,
    // Dropped after the receiver, which is then not counted any more.
    _listening: Listening,
    lifecycle: Lifecycle,
}

/// Lets go of a task when its last reader is gone.
struct Listening {
    tails: LogTails,
    id: TaskId,
}

impl Drop for Listening {
    fn drop(&mut self) {
        let nobody = |tail: &Tail| tail.lines.receiver_count() == 0;
        self.tails.remove_if(self.id, nobody);
    }
}

async fn next(mut source: Source) -> Option<(TailItem, Source)> {
    let line = tokio::select! {
        biased;
        line = source.receiver.recv() => line,
        _ = source.lifecycle.ended() => return None,
    };
    let item = match line {
        Ok(line) => TailItem::Line(line),
        Err(RecvError::Lagged(lines)) => TailItem::Missed(lines),
        Err(RecvError::Closed) => return None,
    };
    Some((item, source))
}

impl LogTail {
    /// Waits for the next line; `None` once there will be none.
    pub async fn next(&mut self) -> Option<TailItem> {
        self.0.next().await
    }
}

impl Stream for LogTail {
    type Item = TailItem;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<TailItem>> {
        self.0.poll_next_unpin(context)
    }
}

impl fmt::Debug for LogTail {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LogTail")
    }
}
