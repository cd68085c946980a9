//! What kills found and left, and what has to be true of it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write;

use evertask::TaskId;
use evertask_entities::task;

use super::super::database::{Rows, is_over, is_series, status};
use super::super::report::How;
use super::super::scene::Scene;
use super::PARALLELISM;
use super::promises::{
    all_work_was_done_that_was_taken_up, count_runs, every_one_shot_ended_as_it_should,
    no_key_is_held_twice, no_row_is_stranded,
};

/// What there has to be of every kind at some kill.
const KINDS: [&str; 8] = [
    "one-shots in the window",
    "one-shots that were spilled",
    "delayed one-shots",
    "one-shots between two attempts",
    "one-shots with a key",
    "one-shots in progress",
    "series between two runs",
    "series in progress",
];

#[derive(Debug, Default)]
pub(super) struct Account {
    /// What each child that was killed had in progress, by its number.
    in_progress: BTreeMap<u32, HashSet<TaskId>>,
    /// How many tasks of each kind kills left open, all kills together.
    open: HashMap<&'static str, usize>,
}

impl Account {
    pub(super) fn kills(&self) -> u32 {
        u32::try_from(self.in_progress.len()).unwrap()
    }

    /// Takes in what a kill left, and holds it against what has to be true at any time.
    pub(super) async fn note_kill(&mut self, scene: &Scene, child: u32, rows: &Rows) {
        let in_progress = scene.ledger.in_progress(child, rows);
        for (id, row) in rows.iter().filter(|(_, row)| !is_over(row)) {
            for kind in kinds(row, in_progress.contains(id)) {
                *self.open.entry(kind).or_default() += 1;
            }
        }
        self.in_progress.insert(child, in_progress);
        no_row_is_stranded(rows);
        no_key_is_held_twice(rows);
        count_runs(scene, rows).await;
    }

    /// Each of these is a promise of its own.
    pub(super) fn check_the_end(&self, scene: &Scene, rows: &Rows) {
        no_row_is_stranded(rows);
        no_key_is_held_twice(rows);
        every_one_shot_ended_as_it_should(rows);
        all_work_was_done_that_was_taken_up(scene, rows);
        self.only_what_was_in_progress_at_a_kill_was_started_twice(scene);
    }

    fn only_what_was_in_progress_at_a_kill_was_started_twice(&self, scene: &Scene) {
        for (child, in_progress) in &self.in_progress {
            // There are two queues.
            let at_most = 2 * PARALLELISM;
            let duplicates: HashSet<_> = scene.ledger.duplicates(*child).collect();
            assert!(
                duplicates.is_subset(in_progress) && duplicates.len() <= at_most,
                "the kill of child {child} found {in_progress:?} in progress, and started again were \
                 {duplicates:?}"
            );
        }
    }

    /// A soak in which nothing happened would pass all checks.
    pub(super) fn check_that_it_was_a_mix(&self, scene: &Scene) {
        for kind in KINDS {
            assert!(
                self.open.contains_key(kind),
                "no kill found {kind}: {:?}",
                self.open
            );
        }
        let answers = answers(scene);
        for how in [How::Created, How::Updated, How::Revived, How::LeftToSeries] {
            assert!(
                answers.contains_key(&how),
                "nobody was answered {how:?}: {answers:?}"
            );
        }
        let busy = [How::LeftInFlight, How::LeftRunning];
        assert!(
            busy.iter().any(|how| answers.contains_key(how)),
            "no key was busy: {answers:?}"
        );
        let others = [How::LeftOtherwise, How::Converted];
        assert!(
            others.iter().all(|how| !answers.contains_key(how)),
            "no dispatch gives reason for these: {answers:?}"
        );
        let cancelled = &scene.ledger.known().cancelled;
        assert!(!cancelled.is_empty(), "nothing was cancelled");
        let again = self.in_progress.keys();
        let again: usize = again.map(|child| scene.ledger.started_again(*child)).sum();
        assert!(again > 0, "no kill cut anything short");
    }

    pub(super) async fn summary(&self, scene: &Scene, rows: &Rows) -> String {
        let runs = count_runs(scene, rows).await;
        let series = rows.values().filter(|row| is_series(row)).count();
        let keyed = rows.values().filter(|row| row.task_key.is_some()).count() - series;
        let again = self.in_progress.keys();
        let again: Vec<_> = again
            .map(|child| scene.ledger.started_again(*child))
            .collect();
        let mut text = String::new();
        let mut say = |line| writeln!(text, "{line}").unwrap();
        say(format!(
            "{} tasks that run once, {keyed} of them with a key; {series} series with {runs} runs",
            rows.len() - series
        ));
        say(format!(
            "what dispatches were answered: {:?}",
            answers(scene)
        ));
        let cancelled = scene.ledger.known().cancelled.len();
        say(format!("{cancelled} tasks cancelled"));
        say(format!(
            "{} kills; started again per kill: {again:?}",
            again.len()
        ));
        let open = self.open.iter().collect::<BTreeMap<_, _>>();
        say(format!("open at kills, all together: {open:?}"));
        text
    }
}

/// What a row is that a kill left open.
fn kinds(row: &task::Model, is_in_progress: bool) -> Vec<&'static str> {
    if is_series(row) {
        let between = status(row).is_terminal() && row.owner.is_none();
        let kinds = [
            (between, "series between two runs"),
            (is_in_progress, "series in progress"),
        ];
        return kinds
            .into_iter()
            .filter_map(|(is, kind)| is.then_some(kind))
            .collect();
    }
    let is_free = row.owner.is_none();
    let is_fresh = row.attempts == 0;
    let is_delayed = row.scheduled_at.is_some();
    let kinds = [
        (!is_free, "one-shots in the window"),
        (
            is_free && is_fresh && !is_delayed,
            "one-shots that were spilled",
        ),
        (is_free && is_fresh && is_delayed, "delayed one-shots"),
        (!is_fresh, "one-shots between two attempts"),
        (row.task_key.is_some(), "one-shots with a key"),
        (is_in_progress, "one-shots in progress"),
    ];
    kinds
        .into_iter()
        .filter_map(|(is, kind)| is.then_some(kind))
        .collect()
}

fn answers(scene: &Scene) -> BTreeMap<How, usize> {
    let mut answers = BTreeMap::new();
    for answered in &scene.ledger.answers {
        *answers.entry(answered.how).or_default() += 1;
    }
    answers
}
