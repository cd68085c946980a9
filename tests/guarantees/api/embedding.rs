//! Where a runtime can live: in an actix system, in a tokio program, in one without either, and
//! beside others of its kind.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use evertask::{Client, EverTask, Queue, Status};
use futures::future::join_all;

use super::shelf::Shelf;
use crate::stage::{Numbered, Watch, over, soon, status};

on_each_storage!(two_runtimes_share_a_storage_and_run_each_task_once);

async fn life(watch: &Watch) {
    let shelf = Shelf::sqlite();
    let evertask = shelf.runtime(watch).start().await.unwrap();
    let mut events = evertask.events();
    let id = evertask.dispatch(Numbered(1)).await.unwrap().id;
    while events.next().await.unwrap().kind != evertask::TaskEventKind::Completed {}
    let view = evertask.task(id).await.unwrap().unwrap();
    assert_eq!(view.record.state.status, Status::Completed);
    evertask.shutdown().await.unwrap();
    evertask.stopped().await.unwrap();
    assert_eq!(watch.order(), [1]);
}

#[actix::test]
async fn it_works_in_an_actix_system() {
    life(&Watch::open()).await;
}

#[tokio::test]
async fn it_works_in_a_tokio_program() {
    life(&Watch::open()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_works_on_many_threads() {
    let watch = Watch::open();
    let lived = tokio::spawn(async move { life(&watch).await });
    lived.await.unwrap();
}

/// The runtime brings its own reactor and timers; the application needs neither.
#[test]
fn it_works_in_a_program_without_a_runtime_of_its_own() {
    block_on(life(&Watch::open()));
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn a_handle_and_a_client_go_anywhere() {
    fn goes_anywhere<T: Clone + Send + Sync + 'static>() {}
    goes_anywhere::<EverTask>();
    goes_anywhere::<Client>();
}

/// A handle made in one runtime is used in another, which outlives it.
#[test]
fn a_handle_outlives_the_reactor_it_was_made_on() {
    let watch = Watch::open();
    let shelf = Shelf::sqlite();
    let tokio = || tokio::runtime::Runtime::new().unwrap();
    let evertask = tokio().block_on(shelf.runtime(&watch).start()).unwrap();
    tokio().block_on(async {
        let mut events = evertask.events();
        evertask.dispatch(Numbered(1)).await.unwrap();
        over(&mut events, 1).await;
    });
    tokio().block_on(evertask.shutdown()).unwrap();
    assert_eq!(watch.order(), [1]);
}

#[actix::test]
async fn runtimes_in_one_process_know_nothing_of_each_other() {
    let (left, right) = (Watch::open(), Watch::open());
    let (of_left, of_right) = (Shelf::memory(), Shelf::memory());
    let first = of_left.runtime(&left).start().await.unwrap();
    let second = of_right.runtime(&right).start().await.unwrap();
    let (mut first_events, mut second_events) = (first.events(), second.events());
    for number in 0..20 {
        let handle = if number % 2 == 0 { &first } else { &second };
        handle.dispatch(Numbered(number)).await.unwrap();
    }
    over(&mut first_events, 10).await;
    over(&mut second_events, 10).await;
    soon(first.shutdown()).await.unwrap();
    second.dispatch(Numbered(21)).await.unwrap();
    over(&mut second_events, 1).await;
    soon(second.shutdown()).await.unwrap();
    assert!(left.order().iter().all(|number| number % 2 == 0));
    assert!(right.order().iter().all(|number| number % 2 == 1));
    assert_eq!((left.order().len(), right.order().len()), (10, 11));
}

/// Core edge case 46: "Two hosts on one store never execute the same row concurrently."
async fn two_runtimes_share_a_storage_and_run_each_task_once(shelf: Shelf) {
    let watch = Watch::open();
    let small = || shelf.queues([Queue::new(Queue::DEFAULT).parallelism(2).capacity(5)]);
    let first = small().handler(watch.clone()).start().await.unwrap();
    let second = small().handler(watch.clone()).start().await.unwrap();
    let (mut first_events, mut second_events) = (first.events(), second.events());
    let dispatches = (0..200).map(|number| {
        let handle = if number % 2 == 0 { &first } else { &second };
        handle.dispatch(Numbered(number)).into_future()
    });
    let ids = soon(join_all(dispatches)).await;
    let mut left = 200;
    while left > 0 {
        tokio::select! {
            () = over(&mut first_events, 1) => left -= 1,
            () = over(&mut second_events, 1) => left -= 1,
        }
    }
    for id in ids {
        assert_eq!(status(&first, id.unwrap().id).await, Status::Completed);
    }
    soon(first.shutdown()).await.unwrap();
    soon(second.shutdown()).await.unwrap();
    assert_eq!(watch.order().len(), 200);
    assert!(watch.counts().values().all(|count| *count == 1));
}
