//! Lists go on by cursor: every row once, in one order, whatever happens meanwhile.

use super::World;
use super::generated::{self, Dice};
use super::process::Process;
use super::sample::{at, id, task, task_due, task_with};
use crate::storage::query::{
    PageLimit, SortDirection, SortKey, TaskCursor, TaskFilter, TaskSearch, TaskSort,
};
use crate::task::{Status, TaskId, TaskRecord};

const DIRECTIONS: [SortDirection; 2] = [SortDirection::Ascending, SortDirection::Descending];

fn by(key: SortKey, direction: SortDirection) -> TaskSort {
    TaskSort { key, direction }
}

fn first_page(filter: &TaskFilter, sort: TaskSort, rows: u32) -> TaskSearch {
    TaskSearch::new(filter.clone(), sort, PageLimit::new(rows).unwrap())
}

/// Walks from page to page and answers what they showed.
async fn walk(
    process: &Process<'_>,
    filter: &TaskFilter,
    sort: TaskSort,
    rows: u32,
) -> Vec<TaskId> {
    let mut seen = Vec::new();
    let mut search = first_page(filter, sort, rows);
    loop {
        let page = process.search(&search).await;
        seen.extend(page.tasks.iter().map(|task| task.id));
        let Some(next) = page.next else {
            return seen;
        };
        assert_eq!(page.tasks.len(), usize::try_from(rows).unwrap());
        // A cursor is handed to a caller and back as text.
        let next = next.to_string().parse().unwrap();
        search = first_page(filter, sort, rows).after(next).unwrap();
    }
}

/// What the order means, in plain code.
fn sorted(rows: &[TaskRecord], sort: TaskSort) -> Vec<TaskId> {
    let value = |record: &TaskRecord| sort.key.value_of(record);
    let (mut with, mut without): (Vec<_>, Vec<_>) =
        rows.iter().partition(|record| value(record).is_some());
    with.sort_by_key(|record| (value(record), record.id()));
    without.sort_by_key(|record| record.id());
    if sort.direction == SortDirection::Descending {
        with.reverse();
        without.reverse();
    }
    with.into_iter()
        .chain(without)
        .map(TaskRecord::id)
        .collect()
}

/// Storage edge case 74, and the defect of 8.2 that ties have no order.
pub async fn every_order_shows_every_task_once(world: &dyn World) {
    let process = Process::start(world).await;
    let rows = generated::rows(&mut Dice::new(74), 60);
    process.store(&rows).await;
    for key in SortKey::ALL {
        for direction in DIRECTIONS {
            let sort = by(key, direction);
            let expected = sorted(&rows, sort);
            for limit in [1, 7, 60, 200] {
                let seen = walk(&process, &TaskFilter::default(), sort, limit).await;
                assert_eq!(seen, expected, "{sort:?}, {limit} a page");
            }
        }
    }
}

pub async fn a_filtered_list_is_walked_in_its_order(world: &dyn World) {
    let process = Process::start(world).await;
    let mut dice = Dice::new(24);
    let rows = generated::rows(&mut dice, 80);
    process.store(&rows).await;
    for key in SortKey::ALL {
        for direction in DIRECTIONS {
            let filter = generated::filter(&mut dice, &rows);
            let meant: Vec<_> = rows
                .iter()
                .filter(|record| filter.matches(record))
                .cloned()
                .collect();
            let sort = by(key, direction);
            let seen = walk(&process, &filter, sort, 3).await;
            assert_eq!(seen, sorted(&meant, sort), "{sort:?} {filter:?}");
        }
    }
}

pub async fn tasks_of_one_instant_follow_each_other_by_id(world: &dyn World) {
    let process = Process::start(world).await;
    let mut rows: Vec<_> = (1..=12).map(task).collect();
    rows.rotate_left(5);
    process.store(&rows).await;
    let expected: Vec<_> = (1..=12).map(id).collect();
    let ascending = by(SortKey::CreatedAt, SortDirection::Ascending);
    let seen = walk(&process, &TaskFilter::default(), ascending, 1).await;
    assert_eq!(seen, expected);
    let descending = by(SortKey::CreatedAt, SortDirection::Descending);
    let seen = walk(&process, &TaskFilter::default(), descending, 5).await;
    assert!(seen.iter().rev().eq(&expected), "{seen:?}");
}

pub async fn tasks_without_a_value_come_last_in_both_directions(world: &dyn World) {
    let process = Process::start(world).await;
    let over = |number| {
        task_with(number, |state| {
            state.status = Status::Completed;
            state.available_at = None;
        })
    };
    let rows = [over(1), task_due(2, at(20)), over(3), task_due(4, at(10))];
    process.store(&rows).await;
    for (direction, expected) in [
        (SortDirection::Ascending, [4, 2, 1, 3]),
        (SortDirection::Descending, [2, 4, 3, 1]),
    ] {
        for limit in [1, 2, 3, 4] {
            let sort = by(SortKey::AvailableAt, direction);
            let seen = walk(&process, &TaskFilter::default(), sort, limit).await;
            assert_eq!(seen, expected.map(id), "{direction:?}, {limit} a page");
        }
    }
}

pub async fn a_page_that_just_fits_is_the_last_one(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[task(1), task(2), task(3)]).await;
    for (rows, has_next) in [(2, true), (3, false), (4, false)] {
        let search = first_page(&TaskFilter::default(), TaskSort::default(), rows);
        let page = process.search(&search).await;
        assert_eq!(page.next.is_some(), has_next, "{rows} a page");
    }
}

/// Storage edge case 116.
pub async fn a_page_past_the_end_is_empty(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[task(1), task_due(2, at(5))]).await;
    for key in SortKey::ALL {
        let sort = by(key, SortDirection::Ascending);
        let last = walk(&process, &TaskFilter::default(), sort, 200).await;
        let record = process.record(*last.last().unwrap()).await;
        let cursor = TaskCursor::at(sort, key.value_of(&record), record.id());
        let search = first_page(&TaskFilter::default(), sort, 5);
        let page = process.search(&search.after(cursor).unwrap()).await;
        assert_eq!(page.tasks, [], "{key:?}");
        assert_eq!(page.next, None);
    }
}

/// A page number would show a row again for every row that came before it.
pub async fn tasks_stored_between_two_pages_neither_repeat_nor_hide_others(world: &dyn World) {
    let process = Process::start(world).await;
    let created = |number: u128, seconds| {
        let mut record = task(number);
        record.definition.created_at = at(seconds);
        record
    };
    let before: Vec<_> = (1..=6)
        .map(|number| created(number, i64::try_from(number).unwrap() * 10))
        .collect();
    process.store(&before).await;
    let sort = TaskSort::default();
    let search = |after: Option<TaskCursor>| {
        let search = first_page(&TaskFilter::default(), sort, 2);
        match after {
            None => search,
            Some(cursor) => search.after(cursor).unwrap(),
        }
    };
    let first = process.search(&search(None)).await;
    process
        .store(&[created(7, 70), created(8, 45), created(9, 1)])
        .await;
    let mut seen: Vec<_> = first.tasks.iter().map(|task| task.id).collect();
    let mut next = first.next;
    while let Some(cursor) = next {
        let page = process.search(&search(Some(cursor))).await;
        seen.extend(page.tasks.iter().map(|task| task.id));
        next = page.next;
    }
    assert_eq!(seen, [6, 5, 8, 4, 3, 2, 1, 9].map(id));
}

/// The row a page ended with may have moved or gone by the time of the next one.
pub async fn a_cursor_needs_no_row(world: &dyn World) {
    let process = Process::start(world).await;
    process
        .store(&[
            task_due(1, at(10)),
            task_due(3, at(10)),
            task_due(5, at(30)),
        ])
        .await;
    let sort = by(SortKey::AvailableAt, SortDirection::Ascending);
    let value = SortKey::AvailableAt.value_of(&task_due(2, at(10)));
    let cursor = TaskCursor::at(sort, value, id(2));
    let search = first_page(&TaskFilter::default(), sort, 9).after(cursor);
    let page = process.search(&search.unwrap()).await;
    let seen: Vec<_> = page.tasks.iter().map(|task| task.id).collect();
    assert_eq!(seen, [id(3), id(5)]);
}
