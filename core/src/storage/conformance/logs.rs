//! What a task logged is kept with it, once, and read by page.

use std::time::Duration;

use uuid::Uuid;

use super::World;
use super::process::Process;
use super::sample::{HOSTILE, at, attempt, id, new_task, task, task_of_series};
use crate::log::{LevelRange, LogCursor, LogLevel, LogLine, LogPage, LogSearch};
use crate::storage::{Answer, AppendLogs, AppendLogsAnswer, ChangeAnswer, StorageErrorKind, Write};
use crate::task::{AttemptOutcome, DeliveryId, TaskId};

const LEVELS: [LogLevel; 5] = LogLevel::ALL;

/// The line of that number of the delivery of that number, of a level that changes with the line.
fn line(run: u32, delivery: u128, sequence: u32) -> LogLine {
    let level = LEVELS[usize::try_from(sequence).unwrap() % LEVELS.len()];
    LogLine {
        delivery: DeliveryId(Uuid::from_u128(delivery)),
        run,
        attempt: 1,
        sequence,
        at: at(i64::from(sequence)) + Duration::from_micros(123_457),
        level,
        target: "app::mail".to_owned(),
        message: format!("line {run}.{delivery}.{sequence}"),
        fields: None,
    }
}

pub(super) fn lines(run: u32, delivery: u128, count: u32) -> Vec<LogLine> {
    (0..count)
        .map(|number| line(run, delivery, number))
        .collect()
}

pub(super) fn append(id: TaskId, lines: &[LogLine]) -> Write {
    Write::AppendLogs(AppendLogs {
        id,
        lines: lines.to_vec(),
    })
}

impl Process<'_> {
    async fn append_logs(&self, id: TaskId, lines: &[LogLine]) -> AppendLogsAnswer {
        let answers = self.apply(vec![append(id, lines)]).await;
        let Answer::AppendLogs(answer) = answers[0] else {
            panic!("log lines were answered with {answers:?}");
        };
        answer
    }

    /// Stores a task and lines of it.
    async fn store_logs(&self, number: u128, lines: &[LogLine]) {
        self.store(&[task(number)]).await;
        let answer = self.append_logs(id(number), lines).await;
        assert_eq!(answer, AppendLogsAnswer::Stored);
    }

    async fn page(&self, search: &LogSearch) -> LogPage {
        self.storage().queries().logs(search).await.unwrap()
    }

    async fn all_logs(&self, id: TaskId) -> Vec<LogLine> {
        let page = self.page(&LogSearch::of(id)).await;
        assert_eq!(page.total, page.lines.len() as u64);
        assert_eq!(page.next, None);
        page.lines
    }

    /// Reads page after page; answers the pages.
    async fn pages(&self, mut search: LogSearch) -> Vec<LogPage> {
        let mut pages = Vec::new();
        loop {
            let page = self.page(&search).await;
            search.after = page.next;
            pages.push(page);
            if search.after.is_none() {
                return pages;
            }
        }
    }
}

fn lines_of(pages: &[LogPage]) -> Vec<LogLine> {
    pages.iter().flat_map(|page| page.lines.clone()).collect()
}

/// C30, C33.
pub async fn lines_are_read_in_order_with_every_field(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lines = lines(1, 1, 20);
    for (line, number) in lines.iter_mut().zip(1..) {
        line.attempt = number;
        line.fields = (number % 2 == 0).then(|| "{\"error\":\"a: b: c\"}".to_owned());
    }
    let mut shuffled = lines.clone();
    shuffled.reverse();
    shuffled.swap(3, 11);
    process.store_logs(1, &shuffled).await;
    assert_eq!(process.all_logs(id(1)).await, lines);
}

/// C32.
pub async fn an_unknown_task_has_no_lines(world: &dyn World) {
    let process = Process::start(world).await;
    process.store_logs(1, &lines(1, 1, 2)).await;
    let page = process.page(&LogSearch::of(id(2))).await;
    assert_eq!(page, LogPage::default());
}

/// C4, for lines.
pub async fn lines_of_an_unknown_task_are_missing_and_create_nothing(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[task(1)]).await;
    let (known, unknown) = (lines(1, 1, 2), lines(1, 2, 2));
    let group = vec![append(id(2), &unknown), append(id(1), &known)];
    let answers = process.apply(group).await;
    let [Answer::AppendLogs(first), Answer::AppendLogs(second)] = answers[..] else {
        panic!("{answers:?}");
    };
    assert_eq!(first, AppendLogsAnswer::Missing);
    assert_eq!(second, AppendLogsAnswer::Stored);
    assert_eq!(process.all_logs(id(1)).await, known);
    assert_eq!(process.find(id(2)).await, None);
    process.store(&[task(2)]).await;
    assert!(process.all_logs(id(2)).await.is_empty());
}

/// C34.
pub async fn no_lines_are_no_write(world: &dyn World) {
    let process = Process::start(world).await;
    process.store_logs(1, &[]).await;
    assert!(process.all_logs(id(1)).await.is_empty());
    let answer = process.append_logs(id(2), &[]).await;
    assert_eq!(answer, AppendLogsAnswer::Missing);
}

pub async fn lines_written_again_change_nothing(world: &dyn World) {
    let process = Process::start(world).await;
    let lines = lines(1, 1, 5);
    process.store_logs(1, &lines[..3]).await;
    let mut other = lines[2].clone();
    other.message.push_str(", in other words");
    let again = [&lines[1..2], &[other], &lines[3..], &lines[4..]].concat();
    let answer = process.append_logs(id(1), &again).await;
    assert_eq!(answer, AppendLogsAnswer::Stored);
    assert_eq!(process.all_logs(id(1)).await, lines);
}

pub async fn the_lines_of_two_tasks_are_kept_apart(world: &dyn World) {
    let process = Process::start(world).await;
    // Ids that repeat between tasks, which the runtime never makes, must not meet either.
    let (one, two) = (lines(1, 1, 3), lines(1, 1, 5));
    process.store_logs(1, &one).await;
    process.store_logs(2, &two).await;
    assert_eq!(process.all_logs(id(1)).await, one);
    assert_eq!(process.all_logs(id(2)).await, two);
}

pub async fn lines_commit_with_the_outcome_of_their_group(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.store_queued(task(1)).await;
    let lines = lines(1, 1, 2);
    let success = attempt(process.id, 1, AttemptOutcome::Succeeded);
    let complete = lease.complete(success, None, at(2));
    let change = |change| Write::Change(Box::new(change));
    let occurrence = task_of_series(8, 7, at(0));
    process.store(&[occurrence]).await;
    let conflict = new_task(&task_of_series(9, 7, at(0)));
    let rejected = vec![append(id(1), &lines), change(complete.clone()), conflict];
    let error = process.try_apply(rejected).await.unwrap_err();
    assert_eq!(error.kind(), StorageErrorKind::Rejected);
    assert!(process.all_logs(id(1)).await.is_empty());
    let group = vec![append(id(1), &lines), change(complete)];
    let answers = process.apply(group).await;
    let is_expected = matches!(
        answers[..],
        [
            Answer::AppendLogs(AppendLogsAnswer::Stored),
            Answer::Change(ChangeAnswer::Applied)
        ]
    );
    assert!(is_expected, "{answers:?}");
    assert_eq!(process.all_logs(id(1)).await, lines);
}

pub async fn lines_see_the_insert_of_their_group(world: &dyn World) {
    let process = Process::start(world).await;
    let lines = lines(1, 1, 2);
    let answers = process
        .apply(vec![append(id(1), &lines), new_task(&task(1))])
        .await;
    let is_stored = matches!(answers[0], Answer::AppendLogs(AppendLogsAnswer::Stored));
    assert!(is_stored, "{answers:?}");
    assert_eq!(process.all_logs(id(1)).await, lines);
}

/// A delivery that was superseded may have logged: that is kept, its outcome is not.
pub async fn lines_are_kept_although_the_change_beside_them_is_refused(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.store_queued(task(1)).await;
    process.cancel(id(1)).await;
    let before = process.record(id(1)).await;
    let lines = lines(1, 1, 2);
    let success = attempt(process.id, 1, AttemptOutcome::Succeeded);
    let complete = Write::Change(Box::new(lease.complete(success, None, at(2))));
    process.apply(vec![append(id(1), &lines), complete]).await;
    assert_eq!(process.record(id(1)).await, before);
    assert_eq!(process.all_logs(id(1)).await, lines);
}

/// C31.
pub async fn a_page_begins_after_its_cursor(world: &dyn World) {
    let process = Process::start(world).await;
    let lines = lines(1, 1, 10);
    process.store_logs(1, &lines).await;
    let search = LogSearch {
        after: Some(LogCursor::of(&lines[2])),
        limit: 3,
        ..LogSearch::of(id(1))
    };
    let page = process.page(&search).await;
    assert_eq!(page.lines, lines[3..6]);
    assert_eq!(page.total, 10);
    assert_eq!(page.next, Some(LogCursor::of(&lines[5])));
}

pub async fn the_last_page_says_that_it_is(world: &dyn World) {
    let process = Process::start(world).await;
    process.store_logs(1, &lines(1, 1, 6)).await;
    for (limit, expected) in [(6, vec![6]), (7, vec![6]), (3, vec![3, 3]), (5, vec![5, 1])] {
        let search = LogSearch {
            limit,
            ..LogSearch::of(id(1))
        };
        let pages = process.pages(search).await;
        let sizes: Vec<_> = pages.iter().map(|page| page.lines.len()).collect();
        assert_eq!(sizes, expected);
    }
}

/// Storage scenario S18.
pub async fn a_thousand_lines_of_three_runs_are_read_by_page(world: &dyn World) {
    let process = Process::start(world).await;
    // The second run has two deliveries; ids that sort against the runs must not decide.
    let parts = [(1, 40, 335), (2, 10, 300), (2, 20, 35), (3, 5, 335)];
    let expected: Vec<_> = parts
        .into_iter()
        .flat_map(|(run, delivery, count)| lines(run, delivery, count))
        .collect();
    process.store(&[task(1)]).await;
    for (run, delivery, count) in [parts[3], parts[2], parts[0], parts[1]] {
        let answer = process
            .append_logs(id(1), &lines(run, delivery, count))
            .await;
        assert_eq!(answer, AppendLogsAnswer::Stored);
    }
    let by_hundred = LogSearch {
        limit: 100,
        ..LogSearch::of(id(1))
    };
    let pages = process.pages(by_hundred.clone()).await;
    assert_eq!(pages.len(), 11);
    assert!(pages.iter().all(|page| page.total == 1_005));
    assert_eq!(lines_of(&pages), expected);
    let warnings = LogSearch {
        levels: LevelRange::Only(LogLevel::Warn),
        ..by_hundred.clone()
    };
    let pages = process.pages(warnings).await;
    assert!(pages.iter().all(|page| page.total == 201));
    let warned = expected.iter().filter(|line| line.level == LogLevel::Warn);
    assert_eq!(lines_of(&pages), warned.cloned().collect::<Vec<_>>());
    for run in 1..=3 {
        let of_run = LogSearch {
            run: Some(run),
            ..by_hundred.clone()
        };
        let pages = process.pages(of_run).await;
        assert!(pages.iter().all(|page| page.total == 335));
        let of_run = expected.iter().filter(|line| line.run == run);
        assert_eq!(lines_of(&pages), of_run.cloned().collect::<Vec<_>>());
    }
}

pub async fn lines_are_found_by_level_run_and_attempt(world: &dyn World) {
    let process = Process::start(world).await;
    let mut all: Vec<_> = (1..=3).flat_map(|run| lines(run, run.into(), 30)).collect();
    for line in &mut all {
        line.attempt = line.sequence / 10 + 1;
    }
    process.store_logs(1, &all).await;
    let ranges = LEVELS
        .into_iter()
        .flat_map(|level| [LevelRange::AtLeast(level), LevelRange::Only(level)]);
    for levels in ranges.chain([LevelRange::All]) {
        for run in [None, Some(2), Some(9)] {
            for attempt in [None, Some(3), Some(9)] {
                let search = LogSearch {
                    run,
                    attempt,
                    levels,
                    ..LogSearch::of(id(1))
                };
                let expected = all.iter().filter(|line| search.matches(line)).cloned();
                let expected: Vec<_> = expected.collect();
                let page = process.page(&search).await;
                assert_eq!(page.lines, expected, "{search:?}");
                assert_eq!(page.total, expected.len() as u64, "{search:?}");
            }
        }
    }
}

pub async fn a_page_of_none_or_too_many_lines_is_rejected(world: &dyn World) {
    let process = Process::start(world).await;
    process.store_logs(1, &lines(1, 1, 2)).await;
    for (limit, is_answered) in [(0, false), (1, true), (1_000, true), (1_001, false)] {
        let search = LogSearch {
            limit,
            ..LogSearch::of(id(1))
        };
        let answer = process.storage().queries().logs(&search).await;
        assert_eq!(answer.is_ok(), is_answered, "{limit}");
        let kind = answer.map_err(|error| error.kind()).err();
        assert!(kind.is_none_or(|kind| kind == StorageErrorKind::Rejected));
    }
}

/// Storage edge cases 89 and 98, as far as a storage is concerned.
pub async fn hostile_lines_are_read_back_byte_for_byte(world: &dyn World) {
    let process = Process::start(world).await;
    let controls: String = (1..0x20_u8).map(char::from).collect();
    let texts = [
        HOSTILE.to_owned(),
        "{0:Q} {{ } %s $1 :a ?".to_owned(),
        controls,
        "𝒳\u{FFFD}\u{FEFF}\u{202E}\u{10FFFF}".to_owned(),
        "é🚀".repeat(5_000),
        String::new(),
        " ends in a blank ".to_owned(),
    ];
    let lines: Vec<_> = (0..)
        .zip(&texts)
        .map(|(number, text)| LogLine {
            message: text.clone(),
            target: text.chars().take(100).collect(),
            fields: Some(serde_json::json!({ "text": text }).to_string()),
            ..line(1, 1, number)
        })
        .collect();
    process.store_logs(1, &lines).await;
    assert_eq!(process.all_logs(id(1)).await, lines);
}

pub async fn the_ends_of_every_number_are_read_back(world: &dyn World) {
    let process = Process::start(world).await;
    let least = LogLine {
        attempt: 0,
        ..line(0, 0, 0)
    };
    let most = LogLine {
        delivery: DeliveryId(Uuid::max()),
        run: u32::MAX,
        attempt: u32::MAX,
        sequence: u32::MAX,
        ..line(1, 1, 0)
    };
    let lines = [least, most];
    process.store_logs(1, &lines).await;
    assert_eq!(process.all_logs(id(1)).await, lines);
}

pub async fn lines_outlive_the_process_that_wrote_them(world: &dyn World) {
    let crashed = Process::start(world).await;
    let lines = lines(1, 1, 3);
    crashed.store_logs(1, &lines).await;
    let other = Process::start(world).await;
    assert_eq!(other.all_logs(id(1)).await, lines);
    crashed.crash().await;
    let process = Process::start(world).await;
    assert_eq!(process.all_logs(id(1)).await, lines);
}
