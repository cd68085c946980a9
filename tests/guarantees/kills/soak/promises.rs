//! What has to be true of the rows, whatever was killed and when.

use std::collections::{HashMap, HashSet};

use evertask::Status;
use evertask_entities::task;

use super::super::database::{self, Rows, is_over, is_series, status};
use super::super::report::How;
use super::super::runs;
use super::super::scene::Scene;
use super::work::{Kind, Piece};

/// What is not over is owned by somebody, dead or alive, or has an instant from which on it is claimed.
pub(super) fn no_row_is_stranded(rows: &Rows) {
    for row in rows.values().filter(|row| !is_over(row)) {
        assert!(
            row.owner.is_some() || row.available_at.is_some(),
            "not over, and nobody would ever run it: {row:?}"
        );
    }
}

pub(super) fn no_key_is_held_twice(rows: &Rows) {
    let mut holders: HashMap<_, &task::Model> = HashMap::new();
    for row in rows.values().filter(|row| is_series(row) || !is_over(row)) {
        let Some(key) = &row.task_key else { continue };
        assert_eq!(
            row.active_key.as_ref(),
            Some(key),
            "it lost its key: {row:?}"
        );
        if let Some(other) = holders.insert(key, row) {
            panic!("two tasks have one key: {row:?}, {other:?}");
        }
    }
}

/// Counts the runs of all series, which have to be as many as their rows say.
pub(super) async fn count_runs(scene: &Scene, rows: &Rows) -> usize {
    let mut count = 0;
    for (id, row) in rows.iter().filter(|(_, row)| is_series(row)) {
        let stored = database::runs(&scene.database(), *id).await;
        let lives = runs::hold(row, stored);
        count += lives.iter().map(Vec::len).sum::<usize>();
    }
    count
}

fn piece(row: &task::Model) -> Piece {
    serde_json::from_str(&row.payload).unwrap()
}

pub(super) fn every_one_shot_ended_as_it_should(rows: &Rows) {
    for row in rows.values().filter(|row| !is_series(row)) {
        let expected = match piece(row).kind {
            Kind::Hopeless => Status::Failed,
            Kind::Quick | Kind::Lengthy | Kind::Stubborn | Kind::Patient => Status::Completed,
        };
        let is_expected = [expected, Status::Cancelled].contains(&status(row));
        assert!(is_expected, "it should be {expected}: {row:?}");
    }
}

/// Every one-shot was executed that was not cancelled, with the work that it was given last, and no work
/// was done of which a dispatch was told that it would not be.
pub(super) fn all_work_was_done_that_was_taken_up(scene: &Scene, rows: &Rows) {
    let done = &scene.ledger.works;
    for row in rows.values().filter(|row| !is_series(row)) {
        let is_done = done.contains(&piece(row).work);
        assert!(
            is_done || status(row) == Status::Cancelled,
            "it was never executed: {row:?}"
        );
    }
    let answers = &scene.ledger.answers;
    for answered in answers.iter().filter(|one| !one.how.is_taken_up()) {
        let is_done = done.contains(&answered.work);
        assert!(!is_done, "it was executed all the same: {answered:?}");
    }
    let updated = answers.iter().filter(|one| one.how == How::Updated);
    let updated: HashSet<_> = updated.map(|one| one.id).collect();
    for created in answers.iter().filter(|one| one.how == How::Created) {
        let row = &rows[&created.id];
        if is_series(row) {
            continue;
        }
        let is_kept = piece(row).work == created.work;
        let is_replaced = updated.contains(&created.id);
        assert!(
            !is_kept || !is_replaced,
            "it was not given new work: {row:?}"
        );
        // With a key, it may have been given some by a dispatch whose answer a kill has lost.
        let may_be_other = is_replaced || row.task_key.is_some();
        assert!(is_kept || may_be_other, "its work is another one: {row:?}");
    }
}
