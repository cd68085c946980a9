use std::time::Duration;

use super::sample::{at, failure, id, series};
use crate::storage::query::TaskFilter;
use crate::task::{Failure, ProcessId, Status, TaskRecord, WaitReason, fingerprint};
use crate::time::Timestamp;

/// Numbers that look random and are the same in every run.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `sides`.
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        let multiplied = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = multiplied.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn is_lucky(&mut self) -> bool {
        self.roll(3) == 0
    }

    fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        let choices_left = u64::try_from(choices.len()).unwrap();
        choices[usize::try_from(self.roll(choices_left)).unwrap()].clone()
    }

    fn maybe<T: Clone>(&mut self, choices: &[T]) -> Option<T> {
        (!self.is_lucky()).then(|| self.pick(choices))
    }

    fn instant(&mut self) -> Timestamp {
        let seconds = i64::try_from(self.roll(8)).unwrap();
        at(seconds) + Duration::from_micros(self.roll(2))
    }
}

const TASKS: [&str; 6] = [
    "mail.send",
    "Mail.Send",
    "MÁIL",
    "máil",
    "100% {\"a_b\"} \\ '",
    "k",
];
const QUEUES: [&str; 5] = ["default", "Default", "mail ", "mail", "日本"];
const TAGS: [&str; 8] = ["eu", "EU", ",", "\"", "e", "a,b", "\\u0041", "\u{1F680} %"];
const CORRELATIONS: [&str; 3] = ["order-1", "ORDER-1", "order-1 "];
const KEYS: [&str; 3] = ["Mail-7", "é_%", "k"];
const PARTS: [&str; 12] = [
    "mail", "MAIL", "á", "Á", "%", "_", "\\", "'", "", "i", "\u{212A}", "a_b",
];

/// Rows of every kind, with many ties; most fields are absent now and then.
pub(super) fn rows(dice: &mut Dice, count: u128) -> Vec<TaskRecord> {
    (1..=count).map(|number| row(dice, number)).collect()
}

fn row(dice: &mut Dice, number: u128) -> TaskRecord {
    let mut record = series(number, None);
    let series = record.definition.series.take().unwrap();
    let definition = &mut record.definition;
    definition.created_at = dice.instant();
    dice.pick(&TASKS).clone_into(&mut definition.task);
    dice.pick(&QUEUES).clone_into(&mut definition.queue);
    definition.scheduled_at = dice.is_lucky().then(|| dice.instant());
    let tags = 0..dice.roll(3);
    definition.tags = tags.map(|_| dice.pick(&TAGS).to_owned()).collect();
    definition.correlation_id = dice.maybe(&CORRELATIONS).map(str::to_owned);
    definition.key = dice.maybe(&KEYS).map(str::to_owned);
    definition.series = dice.is_lucky().then(|| series.clone());
    definition.parent_id = dice.maybe(&[id(1), id(2)]);
    let state = &mut record.state;
    state.status = dice.pick(&Status::ALL);
    state.owner = dice.is_lucky().then(|| ProcessId(id(99).0));
    state.available_at = dice.is_lucky().then(|| dice.instant());
    state.wait_reason = dice.is_lucky().then(|| dice.pick(&WaitReason::ALL));
    state.last_execution_at = dice.is_lucky().then(|| dice.instant());
    if dice.is_lucky() {
        let failed = failed(dice);
        state.error_fingerprint = Some(fingerprint(&record.definition.task, &failed));
        state.failure = Some(failed);
    }
    record
}

fn failed(dice: &mut Dice) -> Failure {
    failure(dice.pick(&["é\n".repeat(300).as_str(), "short"]))
}

/// A filter that some of the rows may match; every field is set now and then.
pub(super) fn filter(dice: &mut Dice, rows: &[TaskRecord]) -> TaskFilter {
    let like = dice.pick(rows);
    let mut filter = TaskFilter::default();
    // Few at once, or nothing would match.
    for _ in 0..=dice.roll(2) {
        match dice.roll(12) {
            0 => filter.statuses = vec![like.state.status, dice.pick(&Status::ALL)],
            1 => filter.task = Some(dice.pick(&PARTS).to_owned()),
            2 => filter.queue = Some(dice.pick(&QUEUES).to_owned()),
            3 => filter.created_from = Some(dice.instant()),
            4 => filter.created_to = Some(dice.instant()),
            5 => filter.text = Some(dice.pick(&PARTS).to_owned()),
            6 => filter.text = Some(like.definition.id.to_string()),
            7 => filter.tag = Some(dice.pick(&TAGS).to_owned()),
            8 => filter.correlation_id = Some(dice.pick(&CORRELATIONS).to_owned()),
            9 => filter.parent_id = like.definition.parent_id,
            10 => filter.is_recurring = Some(like.definition.series.is_some()),
            _ => {
                let fingerprint = like.state.error_fingerprint.as_ref();
                filter.error_fingerprint = fingerprint.cloned();
                filter.wait_reason = like.state.wait_reason;
            }
        }
    }
    filter
}
