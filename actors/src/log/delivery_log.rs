use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use evertask_core::log::{LineBuffer, LogLevel, LogLine, LogOptions};
use evertask_core::storage::AppendLogs;
use evertask_core::task::{DeliveryId, TaskId};
use evertask_core::time::Clock;
use parking_lot::Mutex;
use tokio::sync::watch;

/// Takes the lines of one delivery, from any number of threads, until it is closed.
pub(crate) struct DeliveryLog {
    task: TaskId,
    delivery: DeliveryId,
    run: u32,
    options: LogOptions,
    pub(super) clock: Arc<dyn Clock>,
    /// The attempt that runs now.
    attempt: AtomicU32,
    /// `None` once the delivery is over.
    lines: Mutex<Option<LineBuffer>>,
    /// How many lines can be written now.
    pub(super) waiting: watch::Sender<usize>,
}

impl DeliveryLog {
    /// How many lines make it worth to write before the time is up, and how many are written at
    /// once.
    pub(super) const BATCH: usize = 64;

    /// Creates the log of a delivery of that run; `None` if the options say that nothing is kept.
    pub(crate) fn new(
        options: &LogOptions,
        task: TaskId,
        run: u32,
        delivery: impl FnOnce() -> DeliveryId,
        clock: &Arc<dyn Clock>,
    ) -> Option<Arc<Self>> {
        options.is_on().then(|| {
            Arc::new(Self {
                task,
                delivery: delivery(),
                run,
                lines: Mutex::new(Some(LineBuffer::new(options))),
                options: options.clone(),
                clock: Arc::clone(clock),
                attempt: AtomicU32::new(1),
                waiting: watch::Sender::new(0),
            })
        })
    }

    /// Says which attempt the next lines belong to.
    pub(crate) fn begin_attempt(&self, number: u32) {
        self.attempt.store(number, Ordering::Relaxed);
    }

    /// Whether a line of that level is kept.
    pub(crate) fn keeps_level(&self, level: LogLevel) -> bool {
        self.options.keeps_level(level)
    }

    /// Whether lines of that target are kept.
    pub(super) fn keeps_target(&self, target: &str) -> bool {
        self.options.keeps_target(target)
    }

    /// Takes a line. The text was made before: while it is taken, no code of the application runs.
    pub(crate) fn push(
        &self,
        level: LogLevel,
        target: String,
        message: String,
        fields: Option<String>,
    ) {
        let mut lines = self.lines.lock();
        let Some(lines) = lines.as_mut() else {
            return;
        };
        lines.push(LogLine {
            delivery: self.delivery,
            run: self.run,
            attempt: self.attempt.load(Ordering::Relaxed),
            sequence: 0,
            at: self.clock.now(),
            level,
            target,
            message,
            fields,
        });
        self.tell(lines);
    }

    /// The first lines that can be written now.
    pub(super) fn batch(&self) -> AppendLogs {
        self.append(|lines| lines.waiting().take(Self::BATCH).cloned().collect())
    }

    /// Everything that is not written, because the delivery ends or comes to its outcome.
    pub(crate) fn rest(&self) -> AppendLogs {
        self.append(|lines| {
            lines.end();
            lines.waiting().cloned().collect()
        })
    }

    fn append(&self, take: impl FnOnce(&mut LineBuffer) -> Vec<LogLine>) -> AppendLogs {
        let mut lines = self.lines.lock();
        AppendLogs {
            id: self.task,
            lines: lines.as_mut().map(take).unwrap_or_default(),
        }
    }

    /// Forgets the lines up to this number: they are stored, or can't be.
    pub(crate) fn written(&self, through: u32) {
        if let Some(lines) = self.lines.lock().as_mut() {
            lines.written(through);
            self.tell(lines);
        }
    }

    /// Ends the log: whatever the delivery has left behind, its lines go nowhere from here on.
    pub(super) fn close(&self) {
        *self.lines.lock() = None;
    }

    /// Tells the writer how many lines wait, if that makes a difference to it.
    fn tell(&self, lines: &LineBuffer) {
        let now = lines.waiting().len();
        self.waiting.send_if_modified(|waiting| {
            let before = std::mem::replace(waiting, now);
            (before == 0) != (now == 0) || (before < Self::BATCH) != (now < Self::BATCH)
        });
    }
}

impl fmt::Debug for DeliveryLog {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DeliveryLog")
            .field("task", &self.task)
            .field("delivery", &self.delivery)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use evertask_core::time::{ManualClock, Timestamp};
    use uuid::Uuid;

    use super::*;

    fn log(options: &LogOptions, ids: &mut u32) -> Option<Arc<DeliveryLog>> {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::starting_at(Timestamp::UNIX_EPOCH));
        let new_id = || {
            *ids += 1;
            DeliveryId(Uuid::nil())
        };
        DeliveryLog::new(options, TaskId(Uuid::nil()), 1, new_id, &clock)
    }

    fn say(log: &DeliveryLog, message: &str) {
        log.push(LogLevel::Info, "app".to_owned(), message.to_owned(), None);
    }

    /// Storage edge case 97.
    #[test]
    fn a_log_that_is_off_has_no_buffer() {
        let mut ids = 0;
        assert!(log(&LogOptions::off(), &mut ids).is_none());
        assert_eq!(ids, 0);
        assert!(log(&LogOptions::new(), &mut ids).is_some());
        assert_eq!(ids, 1);
    }

    #[test]
    fn the_writer_is_woken_by_the_first_line_and_by_a_full_batch_only() {
        let log = log(&LogOptions::new(), &mut 0).unwrap();
        let mut waiting = log.waiting.subscribe();
        let mut woken = Vec::new();
        for number in 1..=100 {
            say(&log, "line");
            if waiting.has_changed().unwrap() {
                waiting.borrow_and_update();
                woken.push(number);
            }
        }
        assert_eq!(woken, [1, DeliveryLog::BATCH]);
    }

    #[test]
    fn what_is_not_known_to_be_written_is_among_the_rest() {
        let log = log(&LogOptions::new(), &mut 0).unwrap();
        for message in ["a", "b", "c"] {
            say(&log, message);
        }
        let messages = |append: AppendLogs| -> Vec<_> {
            append.lines.into_iter().map(|line| line.message).collect()
        };
        assert_eq!(messages(log.batch()), ["a", "b", "c"]);
        log.written(1);
        assert_eq!(messages(log.rest()), ["c"]);
        log.close();
        say(&log, "late");
        assert!(log.rest().lines.is_empty());
    }
}
