//! What a dispatch refuses, and what it stores.

use std::sync::Arc;

use evertask::{
    DispatchError, EverTask, Queue, RetryPolicy, Stored, Task, TaskContext, TaskHandler, TaskResult,
};
use futures::future::join_all;
use serde::{Deserialize, Serialize, Serializer};

use super::shelf::Shelf;
use crate::stage::{Numbered, Watch, over, soon};

on_each_storage!(
    a_payload_over_the_limit_is_refused,
    what_can_not_run_is_refused
);

/// A text of any length.
#[derive(Debug, Serialize, Deserialize)]
struct Letter(String);

impl Task for Letter {
    const NAME: &'static str = "test.letter";
}

/// Can't be encoded.
#[derive(Debug, Deserialize)]
struct Unspeakable;

impl Serialize for Unspeakable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("there are no words"))
    }
}

impl Task for Unspeakable {
    const NAME: &'static str = "test.unspeakable";
}

struct Reader;

impl TaskHandler<Letter> for Reader {
    async fn handle(&self, _: &Letter, _: &TaskContext) -> TaskResult {
        Ok(())
    }
}

impl TaskHandler<Unspeakable> for Reader {
    async fn handle(&self, _: &Unspeakable, _: &TaskContext) -> TaskResult {
        Ok(())
    }
}

async fn a_payload_over_the_limit_is_refused(shelf: Shelf) {
    let builder = shelf.queues([]).handler_for::<Letter, _>(Reader);
    let evertask = builder.max_payload(100).start().await.unwrap();
    let mut events = evertask.events();
    // Two more bytes are the quotes.
    let fits = evertask.dispatch(Letter("x".repeat(98))).await;
    fits.unwrap();
    over(&mut events, 1).await;
    let error = evertask.dispatch(Letter("x".repeat(99))).await.unwrap_err();
    assert_eq!(error.stored(), Stored::No);
    assert!(
        matches!(
            error,
            DispatchError::PayloadTooLarge {
                size: 101,
                limit: 100,
                ..
            }
        ),
        "{error:?}"
    );
    soon(evertask.shutdown()).await.unwrap();
}

/// Core edge case 69: "Payload that cannot be serialised fails the dispatch".
async fn what_can_not_run_is_refused(shelf: Shelf) {
    let builder = shelf.queues([]).handler_for::<Unspeakable, _>(Reader);
    let evertask = builder.start().await.unwrap();
    let refused = [
        evertask.dispatch(Unspeakable).await,
        evertask.dispatch(Numbered(1)).await,
    ];
    let [Err(encoding), Err(unknown)] = refused else {
        panic!("{refused:?}");
    };
    assert!(matches!(encoding, DispatchError::Encoding { .. }));
    assert!(encoding.to_string().contains("there are no words"));
    assert!(matches!(unknown, DispatchError::UnknownTask { .. }));
    for error in [encoding, unknown] {
        assert_eq!(error.stored(), Stored::No);
    }
    soon(evertask.shutdown()).await.unwrap();
}

#[actix::test]
async fn an_option_that_can_not_be_stored_is_refused() {
    let evertask = Shelf::memory()
        .runtime(&Watch::open())
        .start()
        .await
        .unwrap();
    let long = "x".repeat(201);
    let refused = [
        evertask.dispatch(Numbered(1)).tag(&long).await,
        evertask.dispatch(Numbered(1)).correlation_id(&long).await,
        evertask
            .dispatch(Numbered(1))
            .retry(RetryPolicy::Linear {
                retries: 0,
                delay: std::time::Duration::from_secs(1),
            })
            .await,
    ];
    for error in refused {
        assert_eq!(error.unwrap_err().stored(), Stored::No);
    }
    soon(evertask.shutdown()).await.unwrap();
}

/// Architecture rule 12: "Dispatches beyond a bound get a typed `Overloaded`."
#[actix::test]
async fn dispatches_beyond_the_bound_are_refused_as_overload() {
    let shelf = Shelf::memory();
    let watch = Watch::open();
    let builder = shelf.runtime(&watch).max_dispatches(3);
    let evertask = Arc::new(builder.start().await.unwrap());
    let mut events = evertask.events();
    shelf.hold();
    let dispatch = |number| {
        let evertask = EverTask::clone(&evertask);
        actix::spawn(async move { evertask.dispatch(Numbered(number)).await })
    };
    let dispatches: Vec<_> = (0..10).map(dispatch).collect();
    // Those that are refused are answered although nothing can be stored.
    let (refused, mut waiting) = (7, Vec::new());
    let mut answered = 0;
    let mut left = dispatches;
    while answered < refused {
        let (answer, _, others) = soon(futures::future::select_all(left)).await;
        let error = answer.unwrap().unwrap_err();
        assert!(
            matches!(error, DispatchError::Overloaded { limit: 3 }),
            "{error:?}"
        );
        assert_eq!(error.stored(), Stored::No);
        answered += 1;
        left = others;
    }
    waiting.append(&mut left);
    shelf.release();
    for stored in soon(join_all(waiting)).await {
        stored.unwrap().unwrap();
    }
    over(&mut events, 3).await;
    assert_eq!(watch.order().len(), 3);
    evertask.dispatch(Numbered(10)).await.unwrap();
    soon(evertask.shutdown()).await.unwrap();
}

#[actix::test]
async fn a_queue_that_rejects_stores_nothing_that_does_not_fit() {
    let watch = Watch::held();
    let shelf = Shelf::memory();
    let queue = Queue::new(Queue::DEFAULT)
        .parallelism(1)
        .capacity(1)
        .when_full(evertask::WhenFull::Reject);
    let builder = shelf.queues([queue]).handler(watch.clone());
    let evertask = builder.start().await.unwrap();
    let mut events = evertask.events();
    for number in 0..2 {
        evertask.dispatch(Numbered(number)).await.unwrap();
    }
    let error = evertask.dispatch(Numbered(2)).await.unwrap_err();
    assert!(
        matches!(error, DispatchError::QueueFull { .. }),
        "{error:?}"
    );
    assert_eq!(error.stored(), Stored::No);
    watch.release(3);
    over(&mut events, 2).await;
    soon(evertask.shutdown()).await.unwrap();
    assert_eq!(watch.order(), [0, 1]);
}
