//! The side of the child: callers that dispatch and cancel at random.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use evertask::{EverTask, InMemory, Queue};

use super::super::child::{Alarm, Orders, Voice, assignment};
use super::super::report::{Answered, Order, What};
use super::work::{Beat, Kind, Piece, Worker, tell_cancel};
use super::{CAPACITY, KILLS, PARALLELISM};
use crate::dice::Dice;
use crate::stage::soon;

/// The path of the entry test.
pub(super) const ENTRY: &str = "kills::soak::child::a_child_in_a_soak";

/// How many keys there are for tasks that run once: few, so that they are mostly taken.
const KEYS: u32 = 6;

struct Caller<'a> {
    evertask: &'a EverTask,
    voice: Voice,
    orders: &'a Orders,
    dice: Dice,
    longest_delay: u32,
    last_work: &'a AtomicU64,
}

/// Does nothing unless a test starts it as a child.
#[actix::test]
async fn a_child_in_a_soak() {
    let Some(assignment) = assignment() else {
        return;
    };
    let (voice, orders) = (assignment.voice(), Orders::listen());
    let _alarm = Alarm(voice);
    let queue = |name| {
        let queue = Queue::new(name).parallelism(PARALLELISM);
        queue.capacity(CAPACITY)
    };
    let evertask = EverTask::builder()
        .storage(assignment.storage())
        .queue(queue(Queue::DEFAULT))
        .queue(queue(Queue::RECURRING))
        .handler_for::<Piece, _>(Worker(voice, orders.clone()))
        .handler_for::<Beat, _>(Worker(voice, orders.clone()))
        // All kills come from outside, and some of them soon. Who is blamed is a test of its own.
        .quarantine_after(KILLS + 1)
        .start()
        .await
        .unwrap();
    let first = u64::from(assignment.number) << 32;
    let last_work = AtomicU64::new(first);
    let caller = |number| Caller {
        evertask: &evertask,
        voice,
        orders: &orders,
        dice: Dice::new(first + u64::from(number)),
        longest_delay: assignment.longest_delay,
        last_work: &last_work,
    };
    let mut registrar = caller(assignment.tasks);
    for beat in Beat::ALL {
        registrar.register(beat).await;
    }
    let callers = (0..assignment.tasks).map(|number| caller(number).call());
    futures::future::join_all(callers).await;
    registrar.bring_series_to_an_end().await;
    voice.say(What::Quiet);

    orders.given(Order::Stop).await;
    nothing_is_left_in_memory(&evertask).await;
    let report = evertask.shutdown().await.unwrap();
    assert!(
        report.everything_written && report.storage_closed,
        "{report:?}"
    );
    assert_eq!((report.running, report.given_back), (0, 0), "{report:?}");
    assert_eq!(evertask.in_memory(), InMemory::default());
    voice.say(What::Closed);
}

/// Waits for the last act of every delivery; nothing tells of it, because nobody but a test has to know.
async fn nothing_is_left_in_memory(evertask: &EverTask) {
    let emptied = async {
        while evertask.in_memory() != InMemory::default() {
            tokio::task::yield_now().await;
        }
    };
    let patience = Duration::from_secs(30);
    let emptied = tokio::time::timeout(patience, emptied).await;
    let left = evertask.in_memory();
    assert!(
        emptied.is_ok(),
        "everything is over, and is left in memory: {left:?}"
    );
}

impl Caller<'_> {
    async fn call(mut self) {
        while !self.orders.are_at(Order::Finish) {
            match self.dice.throw(20) {
                0..=7 => self.dispatch(None, false).await,
                8..=10 => self.dispatch(None, true).await,
                11 | 12 => self.dispatch_under_a_key(true).await,
                13 | 14 => self.dispatch_under_a_key(false).await,
                15 => {
                    let key = self.any_key();
                    self.cancel(&key).await;
                }
                16 => self.regret().await,
                17 => {
                    let beat = Beat::any(&mut self.dice);
                    self.register(beat).await;
                }
                18 => self.end_or_begin_the_endless().await,
                _ => {
                    let beat = Beat::any(&mut self.dice);
                    self.dispatch(Some(beat.key()), false).await;
                }
            }
        }
    }

    fn any_key(&mut self) -> String {
        format!("once {}", self.dice.throw(KEYS))
    }

    async fn dispatch_under_a_key(&mut self, is_delayed: bool) {
        let key = self.any_key();
        self.dispatch(Some(key), is_delayed).await;
    }

    /// Dispatches a task, and if it is to run, waits until it is over.
    async fn dispatch(&mut self, key: Option<String>, is_delayed: bool) {
        let answered = self.send(key, is_delayed).await;
        if answered.how.is_taken_up() {
            soon(self.evertask.wait_for(answered.id)).await.unwrap();
        }
    }

    async fn send(&mut self, key: Option<String>, is_delayed: bool) -> Answered {
        let kind = match key {
            Some(_) => Kind::replaceable(&mut self.dice),
            None => Kind::random(&mut self.dice),
        };
        let work = self.last_work.fetch_add(1, Ordering::Relaxed);
        let piece = Piece { work, kind };
        let mut request = self.evertask.dispatch(piece).retry(kind.retry());
        if let Some(key) = key {
            request = request.key(key);
        }
        if is_delayed {
            let delay = self.dice.throw(self.longest_delay);
            request = request.after(Duration::from_millis(delay.into()));
        }
        let dispatched = request.await.unwrap();
        let (id, how) = (dispatched.id, dispatched.outcome.into());
        let answered = Answered { id, work, how };
        self.voice.say(What::Answered(answered));
        answered
    }

    /// Cancels what holds a key, if anything does.
    async fn cancel(&mut self, key: &str) {
        if let Some(cancelled) = self.evertask.cancel_by_key(key).await.unwrap() {
            tell_cancel(self.voice, cancelled.id, cancelled.outcome);
        }
    }

    /// Cancels the series that goes on for ever, or has it begin again.
    async fn end_or_begin_the_endless(&mut self) {
        if self.dice.throw(2) == 0 {
            self.cancel(&Beat::Endless.key()).await;
        } else {
            self.register(Beat::Endless).await;
        }
    }

    /// Dispatches a task for later and cancels it, most often before its time has come.
    async fn regret(&mut self) {
        let answered = self.send(None, true).await;
        let outcome = self.evertask.cancel(answered.id).await.unwrap();
        tell_cancel(self.voice, answered.id, outcome);
    }

    async fn register(&mut self, beat: Beat) -> Answered {
        let work = self.last_work.fetch_add(1, Ordering::Relaxed);
        let dispatched = beat.register(self.evertask).await.unwrap();
        let (id, how) = (dispatched.id, dispatched.outcome.into());
        let answered = Answered { id, work, how };
        self.voice.say(What::Answered(answered));
        answered
    }

    /// Cancels the series that would go on for ever, and waits for those that end by themselves. What
    /// is left waits for its next run.
    async fn bring_series_to_an_end(&mut self) {
        self.cancel(&Beat::Endless.key()).await;
        for beat in Beat::ALL.into_iter().filter(|beat| beat.ends()) {
            let id = self.register(beat).await.id;
            soon(self.evertask.wait_for(id)).await.unwrap();
        }
    }
}
