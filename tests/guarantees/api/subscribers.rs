//! Subscribers: actors and streams, the slow, the crashing and the gone among them.

use std::sync::mpsc;
use std::time::Duration;

use actix::{Actor, ActorContext, Addr, Arbiter, Context, Handler, Message};
use evertask::{EverTask, TaskEvent};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::shelf::Shelf;
use crate::stage::{Numbered, Watch, over, soon};

/// What a subscriber does with an event.
enum Temper {
    Eager,
    /// Waits for the test before it looks at its first event.
    Slow(Option<mpsc::Receiver<()>>),
    Crashing,
    Stopping,
}

struct Subscriber {
    temper: Temper,
    seen: UnboundedSender<TaskEvent>,
}

impl Actor for Subscriber {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let is_slow = matches!(self.temper, Temper::Slow(_));
        context.set_mailbox_capacity(if is_slow { 2 } else { 1_000 });
    }
}

impl Handler<TaskEvent> for Subscriber {
    type Result = ();

    fn handle(&mut self, event: TaskEvent, context: &mut Self::Context) {
        self.seen.send(event).ok();
        match &mut self.temper {
            Temper::Eager => {}
            Temper::Slow(go) => {
                if let Some(go) = go.take() {
                    go.recv().unwrap();
                }
            }
            Temper::Crashing => panic!("a subscriber crashes"),
            Temper::Stopping => context.stop(),
        }
    }
}

fn subscriber(temper: Temper) -> (Addr<Subscriber>, UnboundedReceiver<TaskEvent>) {
    let (seen, told) = unbounded_channel();
    let arbiter = Arbiter::new();
    let start = move |_: &mut Context<Subscriber>| Subscriber { temper, seen };
    (Subscriber::start_in_arbiter(&arbiter.handle(), start), told)
}

/// Asks an actor whether it has started.
#[derive(Message)]
#[rtype(result = "()")]
struct Hello;

impl Handler<Hello> for Subscriber {
    type Result = ();

    fn handle(&mut self, _: Hello, _: &mut Self::Context) {}
}

/// Runs tasks to their end.
async fn run(evertask: &EverTask, numbers: std::ops::Range<u32>) {
    let mut events = evertask.events();
    for number in numbers {
        evertask.dispatch(Numbered(number)).await.unwrap();
        over(&mut events, 1).await;
    }
}

async fn next(sees: &mut UnboundedReceiver<TaskEvent>) -> TaskEvent {
    soon(sees.recv()).await.unwrap()
}

/// Core edge case 133: "a throwing subscriber does no harm".
#[actix::test]
async fn a_subscriber_that_crashes_or_stops_costs_nobody_else_an_event() {
    let evertask = Shelf::memory()
        .runtime(&Watch::open())
        .start()
        .await
        .unwrap();
    let (crashing, mut crashing_sees) = subscriber(Temper::Crashing);
    let (stopping, mut stopping_sees) = subscriber(Temper::Stopping);
    let (eager, mut eager_sees) = subscriber(Temper::Eager);
    for subscriber in [&crashing, &stopping, &eager] {
        soon(subscriber.send(Hello)).await.unwrap();
    }
    evertask.subscribe(crashing.clone().recipient());
    evertask.subscribe(stopping.clone().recipient());
    evertask.subscribe(eager.recipient());
    run(&evertask, 0..20).await;
    for number in 1..=80 {
        let event = next(&mut eager_sees).await;
        assert_eq!((event.number, event.missed), (number, 0));
    }
    for sees in [&mut crashing_sees, &mut stopping_sees] {
        assert_eq!(next(sees).await.number, 1);
        assert_eq!(soon(sees.recv()).await, None, "it is gone");
    }
    soon(evertask.shutdown()).await.unwrap();
}

/// Core edge case 133: "slow subscribers cannot exhaust the runtime: bounded in flight, overflow
/// dropped and counted".
#[actix::test]
async fn a_slow_actor_is_told_how_many_events_it_missed() {
    let evertask = Shelf::memory()
        .runtime(&Watch::open())
        .start()
        .await
        .unwrap();
    let (go, wait) = mpsc::channel();
    let (slow, mut sees) = subscriber(Temper::Slow(Some(wait)));
    slow.send(Hello).await.unwrap();
    evertask.subscribe(slow.clone().recipient());
    run(&evertask, 0..100).await;
    let first = next(&mut sees).await;
    assert_eq!((first.number, first.missed), (1, 0));
    go.send(()).unwrap();
    // Answered once everything in its mailbox is handled.
    soon(slow.send(Hello)).await.unwrap();
    let mut last = first;
    while let Ok(event) = sees.try_recv() {
        assert_eq!(event.number, last.number + event.missed + 1);
        last = event;
    }
    assert!(last.number < 100, "its mailbox is bounded: {last:?}");
    run(&evertask, 100..101).await;
    let event = next(&mut sees).await;
    assert_eq!((event.number, event.missed), (401, 400 - last.number));
    soon(evertask.shutdown()).await.unwrap();
}

#[actix::test]
async fn a_slow_stream_is_told_how_many_events_it_missed() {
    let evertask = Shelf::memory()
        .runtime(&Watch::open())
        .start()
        .await
        .unwrap();
    let mut slow = evertask.events();
    run(&evertask, 0..1_000).await;
    let mut last = soon(slow.next()).await.unwrap();
    assert!(last.missed > 0, "the ring is bounded");
    assert_eq!(last.number, last.missed + 1);
    while last.number < 4_000 {
        let event = soon(slow.next()).await.unwrap();
        assert_eq!((event.number, event.missed), (last.number + 1, 0));
        last = event;
    }
    soon(evertask.shutdown()).await.unwrap();
}

/// Core edge case 133: "events nobody listens to cost nothing". They are not even numbered.
#[actix::test]
async fn events_that_nobody_listens_to_are_not_made() {
    let evertask = Shelf::memory()
        .runtime(&Watch::held())
        .start()
        .await
        .unwrap();
    for number in 0..10 {
        let dispatch = evertask.dispatch(Numbered(number));
        dispatch.after(Duration::from_hours(1)).await.unwrap();
    }
    let (eager, mut sees) = subscriber(Temper::Eager);
    soon(eager.send(Hello)).await.unwrap();
    evertask.subscribe(eager.recipient());
    let dispatch = evertask.dispatch(Numbered(10));
    let stored = dispatch.after(Duration::from_hours(1)).await.unwrap();
    let event = next(&mut sees).await;
    assert_eq!((event.number, event.id), (1, stored.id));
    soon(evertask.shutdown()).await.unwrap();
}
