//! The same dispatch more than once.

use evertask::{DispatchError, DispatchOutcome, KeptReason, Queue, Status, Stored, TaskId};
use futures::future::join_all;
use uuid::Uuid;

use super::shelf::Shelf;
use crate::stage::{Numbered, Watch, over, soon, status};

on_each_storage!(
    a_repeated_id_stores_the_task_once,
    twenty_dispatches_of_one_id_at_once_store_the_task_once,
    twenty_dispatches_of_one_id_into_a_full_queue_run_it_once,
    an_id_belongs_to_one_payload,
);

fn id(number: u128) -> TaskId {
    TaskId(Uuid::from_u128(number))
}

async fn a_repeated_id_stores_the_task_once(shelf: Shelf) {
    let watch = Watch::held();
    let evertask = shelf.runtime(&watch).start().await.unwrap();
    let mut events = evertask.events();
    let first = evertask.dispatch(Numbered(7)).id(id(7)).await.unwrap();
    assert_eq!((first.id, first.outcome), (id(7), DispatchOutcome::Created));
    let again = DispatchOutcome::Existing(KeptReason::SameId);
    for _ in 0..3 {
        // While it waits or runs.
        let stored = evertask.dispatch(Numbered(7)).id(id(7)).await.unwrap();
        assert_eq!((stored.id, stored.outcome), (id(7), again));
    }
    watch.release(10);
    over(&mut events, 1).await;
    // When it is over.
    let stored = evertask.dispatch(Numbered(7)).id(id(7)).await.unwrap();
    assert_eq!((stored.id, stored.outcome), (id(7), again));
    soon(evertask.shutdown()).await.unwrap();
    // In another life.
    let evertask = shelf.runtime(&watch).start().await.unwrap();
    let mut events = evertask.events();
    let stored = evertask.dispatch(Numbered(7)).id(id(7)).await;
    assert_eq!(stored.unwrap().id, id(7));
    evertask.dispatch(Numbered(8)).await.unwrap();
    over(&mut events, 1).await;
    soon(evertask.shutdown()).await.unwrap();
    assert_eq!(watch.order(), [7, 8]);
}

async fn twenty_dispatches_of_one_id_at_once_store_the_task_once(shelf: Shelf) {
    let watch = Watch::open();
    let evertask = shelf.runtime(&watch).start().await.unwrap();
    let mut events = evertask.events();
    for round in 0..20 {
        let again = || evertask.dispatch(Numbered(round)).id(id(u128::from(round)));
        let dispatches = (0..20).map(|_| again().into_future());
        for stored in soon(join_all(dispatches)).await {
            assert_eq!(stored.unwrap().id, id(u128::from(round)));
        }
    }
    over(&mut events, 20).await;
    soon(evertask.shutdown()).await.unwrap();
    assert_eq!(watch.order().len(), 20);
    assert!(watch.counts().values().all(|count| *count == 1));
}

async fn twenty_dispatches_of_one_id_into_a_full_queue_run_it_once(shelf: Shelf) {
    let watch = Watch::held();
    let queue = Queue::new(Queue::DEFAULT).parallelism(1).capacity(1);
    let builder = shelf.queues([queue]).handler(watch.clone());
    let evertask = builder.start().await.unwrap();
    let mut events = evertask.events();
    for number in 0..3 {
        evertask.dispatch(Numbered(number)).await.unwrap();
    }
    let again = || evertask.dispatch(Numbered(3)).id(id(3)).into_future();
    for stored in soon(join_all((0..20).map(|_| again()))).await {
        assert_eq!(stored.unwrap().id, id(3));
    }
    watch.release(100);
    over(&mut events, 4).await;
    // Whatever came of the others is before this one in every queue.
    evertask.dispatch(Numbered(4)).await.unwrap();
    over(&mut events, 1).await;
    assert_eq!(status(&evertask, id(3)).await, Status::Completed);
    soon(evertask.shutdown()).await.unwrap();
    assert_eq!(watch.order(), [0, 1, 2, 3, 4]);
}

async fn an_id_belongs_to_one_payload(shelf: Shelf) {
    let watch = Watch::open();
    let evertask = shelf.runtime(&watch).start().await.unwrap();
    let mut events = evertask.events();
    evertask.dispatch(Numbered(1)).id(id(1)).await.unwrap();
    let error = evertask.dispatch(Numbered(2)).id(id(1)).await.unwrap_err();
    assert!(matches!(error, DispatchError::IdTaken { .. }), "{error:?}");
    assert_eq!(error.stored(), Stored::No);
    over(&mut events, 1).await;
    soon(evertask.shutdown()).await.unwrap();
    assert_eq!(watch.order(), [1]);
}
