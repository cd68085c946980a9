//! Dispatching and running.

use evertask::{MemoryStorage, Status};

use crate::stage::{Numbered, Watch, over, runtime, soon, status, task};

#[actix::test]
async fn a_dispatched_task_runs_and_its_outcome_is_stored() {
    let watch = Watch::open();
    let evertask = runtime(&MemoryStorage::new(), &watch)
        .start()
        .await
        .unwrap();
    let mut events = evertask.events();
    let id = evertask.dispatch(Numbered(7)).await.unwrap().id;
    over(&mut events, 1).await;
    assert_eq!(status(&evertask, id).await, Status::Completed);
    assert_eq!(task(&evertask, id).await.attempts.len(), 1);
    assert_eq!(watch.order(), [7]);
    soon(evertask.shutdown()).await.unwrap();
    evertask.stopped().await.unwrap();
}
