//! A cycle over a large past keeps nobody waiting.

use std::time::Duration;

use evertask::time::SystemClock;
use evertask::{RetentionPolicy, RetentionRules, Window};
use futures::future::join_all;

use super::world::{World, error, success};
use crate::stage::{Numbered, soon};

on_every_storage! {
    live_dispatches_go_on_during_a_cycle,
}

/// Storage scenario S14, storage edge case 85. How long the slowest dispatch took is printed: it is a
/// property of the machine, too.
async fn live_dispatches_go_on_during_a_cycle(world: World) {
    let at = world.days_ago(10);
    let lines = [vec![success(at); 1_000], vec![error(at); 250]].concat();
    let id = world.completed(10, lines).await;
    let rules = RetentionRules::new()
        .status_audit(Window::days(7))
        .errors(Window::days(30));
    let evertask = world.start(RetentionPolicy::new(rules)).await;
    let clock = SystemClock::shared();
    let dispatches = async {
        let mut slowest = Duration::ZERO;
        for round in 0..20 {
            let begun = clock.elapsed();
            let round = (0..50).map(|number| {
                let dispatch = evertask.dispatch(Numbered(round * 50 + number));
                dispatch.into_future()
            });
            for stored in join_all(round).await {
                stored.unwrap();
            }
            slowest = slowest.max(clock.elapsed().saturating_sub(begun));
        }
        slowest
    };
    let (report, slowest) = soon(futures::future::join(evertask.run_retention(), dispatches)).await;
    let report = report.unwrap();
    println!("50 dispatches during a cycle took {slowest:?} at most");
    assert_eq!(report.status_audit(), 1_000);
    assert!(report.steps[0].batches >= 10, "{report:?}");
    assert_eq!(world.lines(id).await, 250);
    soon(evertask.shutdown()).await.unwrap();
}
