//! A dispatch whose caller loses interest stores the task or does not, and nothing in between.

use std::pin::pin;

use evertask::{Status, TaskEventKind, TaskId};
use futures::poll;
use uuid::Uuid;

use super::shelf::Shelf;
use crate::stage::{Numbered, Watch, event, over, soon};

on_each_storage!(
    a_dispatch_dropped_at_any_moment_stores_all_or_nothing,
    a_dispatch_dropped_after_its_commit_runs,
);

/// "A dropped dispatch future stores all or nothing": dropped after each number of polls, with time
/// for the runtime between them.
async fn a_dispatch_dropped_at_any_moment_stores_all_or_nothing(shelf: Shelf) {
    const DISPATCHES: u32 = 300;
    let watch = Watch::open();
    let evertask = shelf.runtime(&watch).start().await.unwrap();
    let id = |number| TaskId(Uuid::from_u128(u128::from(number)));
    for number in 0..DISPATCHES {
        let dispatch = evertask.dispatch(Numbered(number)).id(id(number));
        let mut dispatch = pin!(dispatch.into_future());
        for _ in 0..number % 5 {
            if poll!(&mut dispatch).is_ready() {
                break;
            }
            for _ in 0..number {
                tokio::task::yield_now().await;
            }
        }
    }
    let mut events = evertask.events();
    evertask.dispatch(Numbered(DISPATCHES)).await.unwrap();
    event(&mut events, |event| event.kind == TaskEventKind::Completed).await;
    // Everything that is under way comes to its end.
    soon(evertask.shutdown()).await.unwrap();
    let evertask = shelf.runtime(&watch).start().await.unwrap();
    let mut stored = 0;
    for number in 0..DISPATCHES {
        let found = soon(evertask.task(id(number))).await.unwrap();
        let runs = watch.counts().get(&number).copied().unwrap_or_default();
        match found {
            Some(view) if view.record.state.status == Status::Completed => {
                assert_eq!(runs, 1);
                stored += 1;
            }
            // Not yet run when the runtime was shut down.
            Some(view) => assert!(!view.record.state.status.is_terminal()),
            None => assert_eq!(runs, 0),
        }
    }
    assert!(
        (1..DISPATCHES).contains(&stored),
        "{stored} of {DISPATCHES}"
    );
    soon(evertask.shutdown()).await.unwrap();
}

async fn a_dispatch_dropped_after_its_commit_runs(shelf: Shelf) {
    let watch = Watch::open();
    let evertask = shelf.runtime(&watch).start().await.unwrap();
    let mut events = evertask.events();
    {
        let dispatch = evertask.dispatch(Numbered(1));
        let mut dispatch = pin!(dispatch.into_future());
        // Sends it; the answer is most likely still to come.
        drop(poll!(&mut dispatch));
        event(&mut events, |event| event.kind == TaskEventKind::Dispatched).await;
    }
    over(&mut events, 1).await;
    soon(evertask.shutdown()).await.unwrap();
    assert_eq!(watch.order(), [1]);
}
