//! Lists of tasks show what their filter means.

use super::World;
use super::generated::{self, Dice};
use super::process::Process;
use super::sample::{
    HOSTILE, at, failure, id, keyed, series, task, task_in, task_named, task_with,
};
use crate::storage::query::{PageLimit, TaskFilter, TaskSearch, TaskSort, TaskSummary};
use crate::task::{Status, TaskId, TaskRecord};
use crate::time::Timestamp;

/// What a filter finds, in the order of the ids.
async fn found(process: &Process<'_>, filter: TaskFilter) -> Vec<TaskId> {
    let longest = PageLimit::new(PageLimit::MAX).unwrap();
    let search = TaskSearch::new(filter, TaskSort::default(), longest);
    let page = process.search(&search).await;
    assert_eq!(page.next, None, "a case stores less than a page");
    let mut ids: Vec<_> = page.tasks.iter().map(|task| task.id).collect();
    ids.sort_unstable();
    ids
}

fn ids(numbers: &[u128]) -> Vec<TaskId> {
    numbers.iter().map(|number| id(*number)).collect()
}

pub async fn an_empty_storage_has_an_empty_page(world: &dyn World) {
    let process = Process::start(world).await;
    let page = process.search(&TaskSearch::default()).await;
    assert_eq!(page.tasks, []);
    assert_eq!(page.next, None);
}

/// The failure's text is the one field that is cut.
pub async fn a_task_is_summed_up_in_every_field(world: &dyn World) {
    let process = Process::start(world).await;
    let mut record = task_with(1, |state| {
        state.status = Status::Failed;
        state.owner = Some(process.id);
        state.wait_reason = Some(crate::task::WaitReason::NoHandler);
        state.attempts = 3;
        state.failure = Some(failure(&"é🚀\n".repeat(1_000)));
        state.error_fingerprint = Some("0123456789abcdef".to_owned());
        state.last_execution_at = Some(at(7));
        state.execution_time = Some(std::time::Duration::from_micros(1_234_567));
    });
    record.definition.task = format!("name {HOSTILE}");
    record.definition.scheduled_at = Some(at(1));
    record.definition.priority = -3;
    record.definition.tags = vec![HOSTILE.to_owned(), String::new()];
    record.definition.correlation_id = Some(format!("correlation {HOSTILE}"));
    record.definition.parent_id = Some(id(2));
    record.definition.series_id = Some(id(3));
    record.definition.occurrence_at = Some(at(2));
    record.definition.key = Some(format!("key {HOSTILE}"));
    record.definition.series = series(1, Some(7)).definition.series;
    record.state.run_count = 3;
    record.state.next_run_at = Some(at(9));
    process.store(std::slice::from_ref(&record)).await;
    let page = process.search(&TaskSearch::default()).await;
    assert_eq!(page.tasks, [TaskSummary::of(&record)]);
    let shown = page.tasks[0].failure.as_ref().unwrap();
    assert_eq!(shown.text.chars().count(), TaskSummary::EXCERPT);
}

/// The plain filter of the core is the meaning; a storage's SQL has to agree with it.
pub async fn every_filter_finds_what_it_means(world: &dyn World) {
    let process = Process::start(world).await;
    let mut dice = Dice::new(117);
    let rows = generated::rows(&mut dice, 120);
    process.store(&rows).await;
    let mut found_any = 0;
    for _ in 0..150 {
        let filter = generated::filter(&mut dice, &rows);
        let meant = |record: &&TaskRecord| filter.matches(record);
        let expected: Vec<_> = rows.iter().filter(meant).map(TaskRecord::id).collect();
        found_any += usize::from(!expected.is_empty());
        let found = found(&process, filter.clone()).await;
        assert_eq!(found, expected, "{filter:?}");
    }
    assert!(found_any > 50, "only {found_any} filters matched anything");
}

/// Storage specification 8.2: filters are added, statuses are alternatives.
pub async fn filters_must_all_hold_and_statuses_are_alternatives(world: &dyn World) {
    let process = Process::start(world).await;
    for (number, status, queue) in [
        (1, Status::Failed, "mail"),
        (2, Status::Completed, "mail"),
        (3, Status::Queued, "mail"),
        (4, Status::Failed, "other"),
    ] {
        let mut record = task_in(number, queue);
        record.state.status = status;
        process.store(&[record]).await;
    }
    let filter = TaskFilter {
        statuses: vec![Status::Failed, Status::Completed],
        queue: Some("mail".to_owned()),
        ..TaskFilter::default()
    };
    assert_eq!(found(&process, filter).await, ids(&[1, 2]));
}

pub async fn a_name_is_found_by_any_part_in_any_case(world: &dyn World) {
    let process = Process::start(world).await;
    let names = ["mail.Welcome", "MAIL.bye", "photo.resize", "mäil"];
    for (number, name) in (1..).zip(names) {
        process.store(&[task_named(number, name)]).await;
    }
    for (part, expected) in [
        ("mail", ids(&[1, 2])),
        ("L.W", ids(&[1])),
        ("WELCOME", ids(&[1])),
        ("", ids(&[1, 2, 3, 4])),
        ("maill", ids(&[])),
    ] {
        for filter in [
            TaskFilter {
                task: Some(part.to_owned()),
                ..TaskFilter::default()
            },
            TaskFilter {
                text: Some(part.to_owned()),
                ..TaskFilter::default()
            },
        ] {
            assert_eq!(found(&process, filter).await, expected, "{part:?}");
        }
    }
}

/// Databases fold letters of other alphabets each in their own way; none of them may here.
pub async fn only_the_letters_of_ascii_have_no_case(world: &dyn World) {
    let process = Process::start(world).await;
    let names = ["É", "é", "e", "Σ", "σ", "ς", "\u{212A}", "k"];
    for (number, name) in (1..).zip(names) {
        process.store(&[task_named(number, name)]).await;
    }
    for (part, expected) in [
        ("é", [2].as_slice()),
        ("É", &[1]),
        ("E", &[3]),
        ("σ", &[5]),
        ("K", &[8]),
        ("\u{212A}", &[7]),
    ] {
        let filter = TaskFilter {
            task: Some(part.to_owned()),
            ..TaskFilter::default()
        };
        assert_eq!(found(&process, filter).await, ids(expected), "{part:?}");
    }
}

pub async fn wildcards_and_quotes_stand_for_themselves(world: &dyn World) {
    let process = Process::start(world).await;
    process
        .store(&[task_named(1, HOSTILE), task_named(2, "plain")])
        .await;
    let parts = [
        "%", "_", "\\", "'", "\"", "`", "?1", "$1", ":name", "--", "{", "%_", "日本", "🚀", " end ",
    ];
    for part in parts {
        let filter = TaskFilter {
            task: Some(part.to_owned()),
            ..TaskFilter::default()
        };
        assert_eq!(found(&process, filter).await, ids(&[1]), "{part:?}");
    }
}

/// A database that keeps text up to the first NUL would find everything that begins like it.
pub async fn text_with_a_nul_finds_nothing(world: &dyn World) {
    let process = Process::start(world).await;
    let mut record = task_named(1, "mail");
    record.definition.tags = vec!["mail".to_owned()];
    record.definition.correlation_id = Some("mail".to_owned());
    "mail".clone_into(&mut record.definition.queue);
    process.store(&[record]).await;
    let asks: [fn(&mut TaskFilter) -> &mut Option<String>; 6] = [
        |filter| &mut filter.task,
        |filter| &mut filter.queue,
        |filter| &mut filter.text,
        |filter| &mut filter.tag,
        |filter| &mut filter.correlation_id,
        |filter| &mut filter.error_fingerprint,
    ];
    for (text, expected) in [("mail\0", [].as_slice()), ("\0", &[]), ("mail", &[1])] {
        for ask in &asks[..5] {
            let mut filter = TaskFilter::default();
            *ask(&mut filter) = Some(text.to_owned());
            assert_eq!(
                found(&process, filter.clone()).await,
                ids(expected),
                "{filter:?}"
            );
            let count = process.count(&filter, 10).await;
            assert_eq!(count.count, u64::try_from(expected.len()).unwrap());
        }
    }
    let mut filter = TaskFilter::default();
    *asks[5](&mut filter) = Some("\0".to_owned());
    assert_eq!(found(&process, filter).await, []);
}

pub async fn a_tag_is_found_as_a_whole(world: &dyn World) {
    let process = Process::start(world).await;
    let tags = [
        vec!["a", "b"],
        vec!["x,", ",y"],
        vec![","],
        vec!["a\",\"b"],
        vec!["\\u0061"],
        vec![],
        vec!["A"],
        vec!["a "],
    ];
    for (number, tags) in (1..).zip(tags) {
        let mut record = task(number);
        record.definition.tags = tags.into_iter().map(str::to_owned).collect();
        process.store(&[record]).await;
    }
    for (tag, expected) in [
        ("a", [1].as_slice()),
        (",", &[3]),
        ("\",\"", &[]),
        ("a\",\"b", &[4]),
        ("\\u0061", &[5]),
        ("A", &[7]),
        ("a ", &[8]),
        ("", &[]),
        ("[\"a\"]", &[]),
    ] {
        let filter = TaskFilter {
            tag: Some(tag.to_owned()),
            ..TaskFilter::default()
        };
        assert_eq!(found(&process, filter).await, ids(expected), "{tag:?}");
    }
}

/// Storage specification 8.2; the name of the type does not have it.
pub async fn a_task_is_found_by_any_part_of_its_key(world: &dyn World) {
    let process = Process::start(world).await;
    let rows = [keyed(1, "Report-2026_%"), keyed(2, "invoice"), task(3)];
    process.store(&rows).await;
    for (part, expected) in [
        ("report", [1].as_slice()),
        ("_%", &[1]),
        ("INVOICE", &[2]),
        ("mail.welcome", &[1, 2, 3]),
        ("reports", &[]),
    ] {
        let filter = TaskFilter {
            text: Some(part.to_owned()),
            ..TaskFilter::default()
        };
        assert_eq!(found(&process, filter).await, ids(expected), "{part:?}");
    }
}

pub async fn series_are_told_from_tasks_that_run_once(world: &dyn World) {
    let process = Process::start(world).await;
    let mut between_runs = series(2, None);
    between_runs.state.status = Status::Completed;
    process
        .store(&[task(1), between_runs, series(3, Some(2))])
        .await;
    let of = |is_recurring, statuses: &[Status]| TaskFilter {
        is_recurring: Some(is_recurring),
        statuses: statuses.to_vec(),
        ..TaskFilter::default()
    };
    assert_eq!(found(&process, of(true, &[])).await, ids(&[2, 3]));
    assert_eq!(found(&process, of(false, &[])).await, ids(&[1]));
    let completed = found(&process, of(true, &[Status::Completed])).await;
    assert_eq!(completed, ids(&[2]));
}

/// C2.
pub async fn the_holder_of_a_key_is_found_by_it(world: &dyn World) {
    let process = Process::start(world).await;
    let mut over = keyed(3, "gone");
    over.state.active_key = None;
    process
        .store(&[keyed(1, "report"), keyed(2, "Report "), over])
        .await;
    for (key, holder) in [("report", 1), ("Report ", 2)] {
        let found = process.task_by_key(key).await;
        assert_eq!(found, Some(process.record(id(holder)).await), "{key:?}");
    }
    for unknown in ["Report", "repor", "", "gone", "%", "report\0"] {
        assert_eq!(process.task_by_key(unknown).await, None, "{unknown:?}");
    }
}

/// Part of an id is no id: it would be found in every task of the same minute.
pub async fn a_task_is_found_by_the_text_of_its_id(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[task(0xabcd), task(2)]).await;
    let whole = id(0xabcd).to_string();
    for (text, expected) in [
        (whole.clone(), ids(&[0xabcd])),
        (whole.to_uppercase(), ids(&[0xabcd])),
        (whole.replace('-', ""), ids(&[0xabcd])),
        (whole[..20].to_owned(), ids(&[])),
        (id(3).to_string(), ids(&[])),
    ] {
        let filter = TaskFilter {
            text: Some(text.clone()),
            ..TaskFilter::default()
        };
        assert_eq!(found(&process, filter).await, expected, "{text}");
    }
}

/// Storage edge case 72: an instant given at +05:00 is the same instant.
pub async fn the_ends_of_a_span_of_creation_are_part_of_it(world: &dyn World) {
    let process = Process::start(world).await;
    for (number, seconds) in [(1, 9), (2, 10), (3, 20), (4, 21)] {
        let mut record = task(number);
        record.definition.created_at = at(seconds);
        process.store(&[record]).await;
    }
    let zone = chrono::FixedOffset::east_opt(5 * 3600).unwrap();
    let written = |at: Timestamp| at.with_timezone(&zone).to_rfc3339();
    let read = |text: String| {
        chrono::DateTime::parse_from_rfc3339(&text)
            .unwrap()
            .to_utc()
    };
    let filter = TaskFilter {
        created_from: Some(at(10)),
        created_to: Some(read(written(at(20)))),
        ..TaskFilter::default()
    };
    assert_eq!(found(&process, filter).await, ids(&[2, 3]));
}
