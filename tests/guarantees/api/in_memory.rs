//! What tests can ask a runtime about its memory.

use evertask::InMemory;
use futures::future::join;

use super::shelf::Shelf;
use crate::stage::{Numbered, Watch, soon};

on_each_storage!(what_is_under_way_is_counted_in_memory_and_nothing_of_it_when_it_is_over);

/// Waits until that is what is kept in memory.
async fn holds(evertask: &evertask::EverTask, expected: InMemory) {
    let changed = async {
        while evertask.in_memory() != expected {
            tokio::task::yield_now().await;
        }
    };
    soon(changed).await;
}

async fn what_is_under_way_is_counted_in_memory_and_nothing_of_it_when_it_is_over(shelf: Shelf) {
    let watch = Watch::held();
    let evertask = shelf.runtime(&watch).start().await.unwrap();
    let nothing = InMemory::default();
    holds(&evertask, nothing).await;
    let running = InMemory {
        deliveries: 1,
        places: 1,
        slots: 1,
        ..nothing
    };
    let id = evertask.dispatch(Numbered(7)).await.unwrap().id;
    holds(&evertask, running).await;
    let ended = async {
        let awaited = InMemory {
            awaited: 1,
            ..running
        };
        holds(&evertask, awaited).await;
        let tail = evertask.tail(id).await.unwrap();
        let followed = InMemory {
            followed: 1,
            ..awaited
        };
        holds(&evertask, followed).await;
        watch.release(1);
        tail
    };
    let (waited, _tail) = soon(join(evertask.wait_for(id), ended)).await;
    waited.unwrap();
    holds(&evertask, nothing).await;
    soon(evertask.shutdown()).await.unwrap();
}
