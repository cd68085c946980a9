//! What is stored in the end, held against what was expected.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use evertask::storage::query::{PageLimit, TaskFilter, TaskSearch, TaskSort};
use evertask::storage::{ProcessStart, StorageBackend, TaskStorage};
use evertask::task::ProcessId;
use evertask::time::Clock;
use evertask::{RunRecord, Status};
use uuid::Uuid;

use super::course::FAR;
use super::world::{World, id_of, instant};

/// Checks every series and answers how many runs there were and how many occurrences were left out.
pub(super) async fn check(world: &World) -> (usize, u64) {
    let start = ProcessStart {
        id: ProcessId(Uuid::from_u128(1)),
        at: world.clock.now(),
    };
    let storage = world.witness.open(start).await.unwrap();
    let (mut runs, mut missed) = (0, 0);
    for number in 0..world.courses.len() {
        check_runs(world, &*storage, number).await;
        check_beside(world, &*storage, number).await;
        check_row(world, &*storage, number).await;
        let course = &world.courses[number];
        runs += course.ran.len() + course.beside.len();
        missed += course.standing.missed;
    }
    check_calls(world);
    (runs, missed)
}

/// The occurrences that the series ran itself, in order, and how they ended.
async fn check_runs(world: &World, storage: &dyn TaskStorage, number: usize) {
    let course = &world.courses[number];
    let runs = storage.runs(id_of(number)).await.unwrap();
    let told = |run: &RunRecord| (run.scheduled_at.unwrap(), run.status);
    let found: Vec<_> = runs.iter().map(told).collect();
    let expect = |at: &i64| (instant(*at), ended(course.entry.fails_at(*at)));
    let expected: Vec<_> = course.ran.iter().map(expect).collect();
    same(world, number, "runs", &found, &expected);
    let numbers = runs.iter().map(|run| run.number);
    assert!(
        numbers.is_sorted_by(|one, next| one < next),
        "series {number}"
    );
}

/// Those that ran as tasks of their own.
async fn check_beside(world: &World, storage: &dyn TaskStorage, number: usize) {
    let course = &world.courses[number];
    let filter = TaskFilter {
        series_id: Some(id_of(number)),
        ..TaskFilter::default()
    };
    let limit = PageLimit::new(200).unwrap();
    let mut search = TaskSearch::new(filter, TaskSort::default(), limit);
    let mut found = BTreeMap::new();
    loop {
        let page = storage.queries().search(&search).await.unwrap();
        for task in &page.tasks {
            let record = storage.task(task.id).await.unwrap().unwrap();
            let at = record.definition.occurrence_at.unwrap();
            let before = found.insert(at, record.state.status);
            assert_eq!(before, None, "series {number} has two tasks for {at}");
        }
        let Some(cursor) = page.next else { break };
        search = search.after(cursor).unwrap();
    }
    let expect = |at: &i64| (instant(*at), ended(course.entry.fails_at(*at)));
    let expected: BTreeMap<_, _> = course.beside.iter().map(expect).collect();
    assert_eq!(expected.len(), course.beside.len(), "series {number}");
    let (found, expected) = (Vec::from_iter(found), Vec::from_iter(expected));
    same(world, number, "tasks beside it", &found, &expected);
    let doubled = world
        .witness
        .read(|book| book.series[&id_of(number)].doubled.clone());
    assert_eq!(
        doubled, [0; 0],
        "series {number} had tasks that ended twice"
    );
}

/// How often it ran, what it missed and when it goes on.
async fn check_row(world: &World, storage: &dyn TaskStorage, number: usize) {
    let course = &world.courses[number];
    let standing = course.standing;
    let state = storage.task(id_of(number)).await.unwrap().unwrap().state;
    let runs = u32::try_from(course.ran.len() + course.beside.len()).unwrap();
    assert_eq!(
        (state.run_count, standing.runs),
        (runs, runs),
        "series {number}"
    );
    assert_eq!(state.is_over(), standing.due.is_none(), "series {number}");
    if standing.due.is_some_and(|due| due != FAR) {
        assert_eq!(
            state.next_run_at,
            standing.due.map(instant),
            "series {number}"
        );
    }
    if standing.due.is_some() {
        // Each of them ran once or was missed, and there is no third.
        let occurrences = course.within(0, world.now()).len() as u64;
        assert_eq!(
            u64::from(runs) + standing.missed,
            occurrences,
            "series {number}"
        );
    }
}

/// Nothing was called for but what ran, and once, but for what was cut short.
fn check_calls(world: &World) {
    let mut ran = BTreeSet::new();
    for (number, course) in world.courses.iter().enumerate() {
        let all = course.ran.iter().chain(&course.beside);
        ran.extend(all.map(|at| (number, *at)));
    }
    let mut cuts: HashMap<_, u32> = HashMap::new();
    for run in &world.cut {
        *cuts.entry(*run).or_default() += 1;
    }
    let calls = world.performer.calls();
    for (run, calls) in &calls {
        let most = u32::from(ran.contains(run)) + cuts.get(run).copied().unwrap_or_default();
        let (number, at) = (run.0, instant(run.1));
        assert!(
            *calls <= most,
            "series {number} was called {calls} times for {at}, not {most}"
        );
    }
    for run in &ran {
        assert!(calls.contains_key(run), "{run:?} ran without its handler");
    }
}

fn ended(fails: bool) -> Status {
    if fails {
        Status::Failed
    } else {
        Status::Completed
    }
}

/// Compares, and names the first that differs: all of them would be thousands of lines.
fn same<V: std::fmt::Debug + PartialEq>(
    world: &World,
    number: usize,
    what: &str,
    found: &[V],
    expected: &[V],
) {
    let pairs = found.iter().zip(expected);
    let at = pairs
        .take_while(|(found, expected)| found == expected)
        .count();
    let (one, other) = (found.get(at), expected.get(at));
    let (seed, schedule) = (world.seed, &world.courses[number].entry.schedule);
    assert!(
        one.is_none() && other.is_none(),
        "seed {seed}, series {number}, {schedule}: {what} differ at {at}: {one:?} instead of {other:?}"
    );
}
