//! A sweep lets go of rows that nobody works on. A row that is on its way from a claim looks so.

use std::time::Duration;

use evertask::time::{ManualClock, Timestamp};
use evertask::{EverTask, Phase, Provocation, Queue, Status, Target};

use super::world::{Runs, has_claimed, quiet};
use crate::ground::{Ground, Step};
use crate::stage::{Numbered, event, soon, status};

/// Guarantee 3, core edge case 10: the first sweep belongs to a life of the pool that is over, the
/// claim to the next one.
#[actix::test]
async fn a_sweep_of_an_earlier_life_leaves_alone_what_a_later_one_claims() {
    let clock = ManualClock::starting_at(Timestamp::UNIX_EPOCH);
    let ground = Ground::memory();
    let runs = Runs::held();
    let evertask = EverTask::builder()
        .storage(ground.clone())
        .clock(clock.clone())
        .queue(Queue::new(Queue::DEFAULT).parallelism(1).capacity(1))
        .handler(runs.clone())
        .start()
        .await
        .unwrap();
    let mut events = evertask.events();
    let crash = Provocation::Actor(Target::Pool, Phase::Message);
    soon(evertask.dispatch(Numbered(0)).into_future())
        .await
        .unwrap();
    runs.entered(0).await;

    let mut sweep = ground.hold(|step| matches!(step, Step::Owned));
    evertask.provoke(crash);
    sweep.reached().await;
    let id = evertask.dispatch(Numbered(1)).await.unwrap().id;
    let claim = ground.hold(has_claimed);
    evertask.provoke(crash);
    soon(evertask.crashed(2)).await;
    clock.advance(Duration::from_secs(1));
    quiet(&evertask).await;
    sweep.go();
    quiet(&evertask).await;
    claim.go();
    quiet(&evertask).await;

    runs.release(1);
    runs.entered(1).await;
    // Has the pool look for stored rows while it runs.
    evertask.provoke(Provocation::Actor(Target::Scheduler, Phase::Message));
    soon(evertask.crashed(3)).await;
    quiet(&evertask).await;
    runs.release(2);
    let completed = |event: &evertask::TaskEvent| {
        event.id == id && event.kind == evertask::TaskEventKind::Completed
    };
    event(&mut events, completed).await;
    quiet(&evertask).await;
    assert_eq!(status(&evertask, id).await, Status::Completed);
    soon(evertask.shutdown()).await.unwrap();
    assert_eq!(runs.order(), [0, 1], "nothing ran twice");
}
