//! Who is blamed for a crash.

use evertask::{FailureKind, Status};

use super::database::{Rows, status};
use super::report::{Assignment, Report, Run, What};
use super::scene::Scene;
use super::steady::{ENTRY, POISON};
use crate::dice::Dice;

const INNOCENT: u32 = 7;

fn enters_poison(report: &Report) -> bool {
    matches!(report.what, What::Entered(Run { id, .. }) if id == POISON)
}

/// Lets the poison take one process after the other down until it is quarantined.
///
/// The first crash finds everything running at once, so nobody can be blamed for it. From then on
/// they run one after the other, and only the poison is ever started last and not outlived.
async fn poison_is_quarantined(quarantine_after: Option<u32>, blamed_crashes: i64) {
    let mut scene = Scene::new();
    let assignment = |tasks, poison| Assignment {
        tasks,
        poison,
        // However slow the machine is, the poison does not outlive its probation.
        untimed_probation: true,
        quarantine_after,
        ..Assignment::default()
    };
    let first = scene.start_with(ENTRY, assignment(INNOCENT, true));
    scene.until(enters_poison);
    assert!(!scene.bury(first), "the poison did nothing");
    scene.look().await;
    for blamed in 0..blamed_crashes {
        let child = scene.start_with(ENTRY, assignment(0, false));
        let mut innocent = 0;
        scene.until(|report| {
            innocent += u32::from(matches!(report.what, What::Entered(_)));
            enters_poison(report)
        });
        assert!(!scene.bury(child), "the poison did nothing");
        assert_eq!(innocent, INNOCENT + 1, "all the others outlast it");
        let rows = scene.look().await;
        for (id, row) in &rows {
            let (counted, suspected) = if *id == POISON {
                (blamed, true)
            } else {
                (0, false)
            };
            assert!(!status(row).is_terminal(), "{row:?}");
            assert_eq!(row.interruptions, counted, "{row:?}");
            assert_eq!(row.on_probation, suspected, "{row:?}");
        }
    }
    let last = scene.start_with(ENTRY, assignment(0, false));
    for _ in 0..INNOCENT {
        let entered = scene.until(|report| matches!(report.what, What::Entered(_)));
        assert!(!enters_poison(&entered), "it is started once more");
    }
    let mut rows = scene.finish(vec![last]).await;
    let poison = rows.remove(&POISON).unwrap();
    assert_eq!(status(&poison), Status::Failed);
    let kind = poison.error_kind.as_deref();
    assert_eq!(kind, Some(FailureKind::Quarantined.as_str()));
    assert_eq!(poison.interruptions, blamed_crashes);
    assert_all_completed(&rows, INNOCENT);
}

fn assert_all_completed(rows: &Rows, tasks: u32) {
    assert_eq!(rows.len(), tasks as usize);
    for row in rows.values() {
        assert_eq!(status(row), Status::Completed, "{row:?}");
    }
}

/// Issue must-show 7, first half.
#[actix::test]
async fn only_the_task_that_aborts_the_process_is_quarantined_after_five_crashes() {
    poison_is_quarantined(None, 5).await;
}

/// Issue must-show 7, first half.
#[actix::test]
async fn the_number_of_crashes_until_a_task_is_quarantined_can_be_configured() {
    poison_is_quarantined(Some(2), 2).await;
}

/// Issue must-show 7, second half.
///
/// Every kill comes just after some task has been started alone and before it could prove its
/// innocence; the first, the second and so on are hit about equally often. Kills that hit the same
/// task each time it is started look like its own doing, and nothing in the process could tell.
#[actix::test]
async fn twenty_kills_from_outside_quarantine_nobody() {
    const KILLS: usize = 20;
    let mut scene = Scene::new();
    let mut most_blamed = 0;
    let mut moments = Dice::new(11).shuffle((0..=INNOCENT).cycle().take(KILLS).collect());
    // Kill the first one when all of them run.
    moments[0] = INNOCENT;
    for (kill, moment) in moments.into_iter().enumerate() {
        let child = scene.start(ENTRY, if kill == 0 { INNOCENT + 1 } else { 0 });
        for _ in 0..=moment {
            scene.until(|report| matches!(report.what, What::Entered(_)));
        }
        scene.kill(child);
        let rows = scene.look().await;
        assert!(rows.values().all(|row| !status(row).is_terminal()));
        let blamed = rows.values().map(|row| row.interruptions).max();
        most_blamed = most_blamed.max(blamed.unwrap_or_default());
    }
    assert!(most_blamed > 0, "no kill hit a task on probation");
    println!("{KILLS} kills, at most {most_blamed} in a row blamed on one task");
    let last = scene.start(ENTRY, 0);
    let rows = scene.finish(vec![last]).await;
    assert_all_completed(&rows, INNOCENT + 1);
}
