//! One process under load, killed again and again.

use std::collections::HashMap;

use evertask_entities::task;
use uuid::Uuid;

use super::database::status;
use super::load::{CAPACITY, ENTRY, PARALLELISM, WINDOW};
use super::report::What;
use super::scene::Scene;
use crate::dice::Dice;

const KILLS: u32 = 20;

/// How many tasks are open at any time.
const LOAD: u32 = 80;

/// What a kill left open.
#[derive(Debug, Default)]
struct Load {
    /// By process: what one that was killed earlier had in its window may not be claimed again yet.
    windowed: HashMap<Uuid, usize>,
    spilled: usize,
    delayed: usize,
    retrying: usize,
}

impl Load {
    fn add(&mut self, row: &task::Model) {
        if let Some(owner) = row.owner {
            *self.windowed.entry(owner).or_default() += 1;
        } else if row.scheduled_at.is_some() {
            self.delayed += 1;
        } else if row.attempts == 0 {
            self.spilled += 1;
        }
        self.retrying += usize::from(row.attempts > 0);
    }

    fn largest_window(&self) -> usize {
        self.windowed.values().copied().max().unwrap_or_default()
    }
}

/// Issue must-show 3, core edge case 42.
///
/// What the ledger checks at every report and every look at the rows is part of it: an id that was
/// given is stored, one that was over never starts again, no attempt that is stored is repeated,
/// nothing is started twice by one process, no two runs of one id overlap.
#[actix::test]
async fn nothing_is_lost_or_doubled_beyond_what_ran_by_twenty_kills_under_load() {
    let mut scene = Scene::new();
    let mut dice = Dice::new(3);
    let mut open = 0;
    let mut kills_with_unstored_ends = 0;
    let mut loads = Vec::new();
    for _ in 0..KILLS {
        let child = scene.start(ENTRY, LOAD.saturating_sub(open));
        let number = child.number;
        for _ in 0..=dice.throw(60) {
            scene.until(|report| matches!(report.what, What::Left(_)));
        }
        scene.kill(child);
        let rows = scene.look().await;
        open = 0;
        let mut load = Load::default();
        for row in rows.values().filter(|row| !status(row).is_terminal()) {
            open += 1;
            load.add(row);
        }
        // As many again may wait in memory for their time.
        assert!(load.largest_window() <= WINDOW + CAPACITY, "{load:?}");
        loads.push(load);
        kills_with_unstored_ends += u32::from(scene.ledger.unstored_ends(number, &rows) > 0);
    }
    let last = scene.start(ENTRY, LOAD.saturating_sub(open));
    let rows = scene.finish(vec![last]).await;
    let again: Vec<_> = (1..=KILLS)
        .map(|child| scene.ledger.started_again(child))
        .collect();
    println!(
        "{} tasks, {KILLS} kills, {kills_with_unstored_ends} between an end and its commit; \
         started again per kill: {again:?}",
        rows.len()
    );
    println!("the last kill left open: {:?}", loads.last());
    for kinds in [
        // It is filled up again whenever half of what waits in it has been started.
        |load: &Load| load.largest_window() >= WINDOW - CAPACITY / 2,
        |load: &Load| load.spilled > 0,
        |load: &Load| load.delayed > 0,
        |load: &Load| load.retrying > 0,
    ] {
        assert!(loads.iter().any(kinds), "it was not that much of a load");
    }
    assert!(again.iter().all(|again| *again <= PARALLELISM), "{again:?}");
    assert!(
        kills_with_unstored_ends >= KILLS / 2,
        "only {kills_with_unstored_ends} kills came between an end and its commit"
    );
}
