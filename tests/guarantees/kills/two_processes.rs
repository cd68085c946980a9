//! Two processes on one database.

use super::load::{ENTRY, PARALLELISM};
use super::report::{Order, Report, What};
use super::scene::Scene;
use crate::dice::Dice;

const KILLS: u32 = 10;

/// Issue must-show 8, core edge case 46.
///
/// Both dispatch and run. The ledger follows every id through both of them.
#[actix::test]
async fn of_two_processes_one_that_is_killed_again_and_again_costs_the_other_nothing() {
    let mut scene = Scene::new();
    let mut dice = Dice::new(8);
    let survivor = scene.start(ENTRY, 40);
    let mut killed = Vec::new();
    for _ in 0..KILLS {
        let mut victim = scene.start(ENTRY, 10);
        let number = victim.number;
        let mut runs = 0..=dice.throw(40);
        while !runs.is_empty() {
            let is_own_run =
                |report: &Report| report.by == number && matches!(report.what, What::Left(_));
            let wanted =
                |report: &Report| report.what == What::Served(number) || is_own_run(report);
            if is_own_run(&scene.until(wanted)) {
                runs.next();
            } else {
                // An idle process is not told of what others store: one whose tasks are all taken by
                // the other one would have nothing to do any more.
                victim.order(Order::WorkMore(scene.ledger.served(number)));
            }
        }
        scene.kill(victim);
        scene.look().await;
        killed.push(number);
    }
    let last = scene.start(ENTRY, 10);
    let living = [survivor.number, last.number];
    let rows = scene.finish(vec![survivor, last]).await;
    let again = killed
        .into_iter()
        .map(|child| scene.ledger.started_again(child));
    let again: Vec<_> = again.collect();
    println!(
        "{} tasks, {KILLS} kills of one of two processes; started again per kill: {again:?}",
        rows.len()
    );
    assert!(again.iter().all(|again| *again <= PARALLELISM), "{again:?}");
    for child in living {
        assert_eq!(scene.ledger.started_again(child), 0);
    }
}
