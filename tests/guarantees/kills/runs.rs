//! The runs that are stored of a series, held against its row.

use evertask_entities::{run, task};

/// Checks that each run that is stored has moved the series on, that no occurrence ran twice or comes
/// again, and that the row has counted its runs. A series that was revived counts anew, so the answer is
/// the runs of each of its lives in turn; there is at least one life, which may have none.
pub(super) fn hold(row: &task::Model, mut runs: Vec<run::Model>) -> Vec<Vec<run::Model>> {
    runs.sort_by_key(|run| run.scheduled_at);
    let mut occurrences: Vec<_> = runs.iter().map(|run| run.scheduled_at.unwrap()).collect();
    occurrences.extend(row.next_run_at);
    let ascending = occurrences.windows(2).all(|pair| pair[0] < pair[1]);
    assert!(ascending, "an occurrence ran twice or comes again: {row:?}");

    let mut lives: Vec<Vec<run::Model>> = Vec::new();
    for run in runs {
        match lives.last_mut() {
            Some(life) if run.number != 1 => life.push(run),
            Some(_) | None => lives.push(vec![run]),
        }
    }
    let count = row.run_count.unwrap_or_default();
    if count == 0 {
        // What has just begun, for the first time or anew, has nothing to show yet.
        lives.push(Vec::new());
    }
    for life in &lives {
        let numbers: Vec<_> = life.iter().map(|run| run.number).collect();
        let expected: Vec<_> = (1..).take(life.len()).collect();
        assert_eq!(numbers, expected, "runs are lost or doubled: {row:?}");
    }
    let counted = lives.last().map_or(0, Vec::len);
    let counted = i64::try_from(counted).unwrap();
    assert_eq!(count, counted, "its runs are not counted right: {row:?}");
    lives
}
