//! Which rows a claim passes over because their limit key has no budget.

use std::collections::BTreeSet;

use super::World;
use super::generated::Dice;
use super::process::Process;
use super::sample::{AGEING, HOSTILE, at, everything, id, ids, task, task_due, task_named};
use crate::concurrency::{ClaimQuota, QuotaKeys, RunningLimit};
use crate::rank::Rank;
use crate::storage::{
    Answer, ChangeAnswer, ClaimAnswer, ClaimTasks, QueueSelector, Redefinition, Write,
};
use crate::task::TaskRecord;

const MAIL: &str = "mail.send";

fn limited(number: u128, key: &str) -> TaskRecord {
    let mut record = task_named(number, MAIL);
    record.definition.limit_key = Some(key.to_owned());
    record
}

fn throttled(keys: &[&str]) -> ClaimQuota {
    let quota = ClaimQuota::default();
    keys.iter()
        .fold(quota, |quota, key| quota.throttle(&[MAIL], key, 0))
}

fn named(keys: &[&str]) -> Vec<(String, String)> {
    let name = |key: &&str| (MAIL.to_owned(), (*key).to_owned());
    keys.iter().map(name).collect()
}

async fn claim(process: &Process<'_>, limit: u32, quota: ClaimQuota) -> ClaimAnswer {
    let claim = ClaimTasks {
        limit,
        quota,
        ..everything(at(10))
    };
    process.claim(claim).await
}

/// However many there are, ahead of everything else.
pub async fn rows_of_a_throttled_key_hold_up_nobody(world: &dyn World) {
    let process = Process::start(world).await;
    let mut rows: Vec<_> = (1..=150).map(|number| limited(number, "a")).collect();
    rows.extend([task_named(151, MAIL), limited(152, "b"), task(153)]);
    process.store(&rows).await;
    let claimed = claim(&process, 2, throttled(&["a"])).await;
    assert_eq!(ids(&claimed), [151, 152].map(id));
    assert!(!claimed.exhausted && !claimed.passed_over);
    let claimed = claim(&process, 2, throttled(&["a"])).await;
    assert_eq!(ids(&claimed), [id(153)]);
    assert!(claimed.exhausted && !claimed.passed_over);
    assert_eq!(claimed.throttled, named(&["a"]));
    assert_eq!(process.record(id(1)).await, rows[0], "it is left alone");
    let claimed = claim(&process, 3, ClaimQuota::default()).await;
    assert_eq!(ids(&claimed), [1, 2, 3].map(id));
}

pub async fn a_key_is_taken_as_long_as_it_has_room(world: &dyn World) {
    let process = Process::start(world).await;
    let mut rows: Vec<_> = (1..=130).map(|number| limited(number, "a")).collect();
    rows.extend([limited(131, "b"), limited(132, "b"), task(133)]);
    process.store(&rows).await;
    let room = || {
        let quota = ClaimQuota::default().throttle(&[MAIL], "a", 2);
        quota.throttle(&[MAIL], "b", 2)
    };
    let claimed = claim(&process, 100, room()).await;
    assert_eq!(ids(&claimed), [1, 2, 131, 132, 133].map(id));
    assert!(claimed.exhausted && !claimed.passed_over);
    assert_eq!(
        claimed.throttled,
        named(&["a"]),
        "of the other none is left"
    );
    let claimed = claim(&process, 100, room()).await;
    assert_eq!(ids(&claimed), [3, 4].map(id));
}

pub async fn the_names_of_a_type_share_the_room_of_a_key(world: &dyn World) {
    let process = Process::start(world).await;
    let rows = [(1, MAIL), (2, "mail.post"), (3, MAIL), (4, "mail.post")].map(|(number, name)| {
        let mut record = limited(number, "a");
        name.clone_into(&mut record.definition.task);
        record
    });
    process.store(&rows).await;
    let room = |room| ClaimQuota::default().throttle(&["mail.post", MAIL], "a", room);
    let both = ["mail.post", MAIL].map(|name| (name.to_owned(), "a".to_owned()));
    let claimed = claim(&process, 100, room(2)).await;
    assert_eq!(ids(&claimed), [1, 2].map(id));
    assert_eq!(claimed.throttled, both);
    let claimed = claim(&process, 100, room(1)).await;
    assert_eq!(ids(&claimed), [id(3)]);
    assert_eq!(claimed.throttled, both[..1]);
}

pub async fn the_same_key_of_another_type_is_not_throttled(world: &dyn World) {
    let process = Process::start(world).await;
    let mut other = limited(2, "a");
    "other".clone_into(&mut other.definition.task);
    process.store(&[limited(1, "a"), other]).await;
    let claimed = claim(&process, 100, throttled(&["a"])).await;
    assert_eq!(ids(&claimed), [id(2)]);
    assert_eq!(claimed.throttled, named(&["a"]));
}

pub async fn keys_that_are_throttled_are_told_apart_exactly(world: &dyn World) {
    let process = Process::start(world).await;
    let longest = "\u{1F680}".repeat(200);
    let keys = [
        "",
        "key",
        "Key",
        "key ",
        "k\u{e9}y",
        "ke\u{301}y",
        "key\n",
        "\nkey",
        "NULL",
        "'\";--",
        HOSTILE,
        &longest,
        &longest[4..],
    ];
    for (number, key) in (1..).zip(keys) {
        process.store(&[limited(number, key)]).await;
    }
    for (number, key) in (1..).zip(keys) {
        let others: Vec<_> = keys.into_iter().filter(|other| *other != key).collect();
        let claimed = claim(&process, 100, throttled(&others)).await;
        assert_eq!(ids(&claimed), [id(number)], "{key:?}");
        let mut expected = named(&keys[usize::try_from(number).unwrap()..]);
        expected.sort_unstable();
        assert_eq!(claimed.throttled, expected, "{key:?}");
    }
}

/// Neither those whose rows are to come, are somebody's or in another queue, nor those without rows.
pub async fn only_keys_with_rows_that_are_due_are_named(world: &dyn World) {
    let process = Process::start(world).await;
    let mut later = limited(2, "later");
    later.state.available_at = Some(at(20));
    let mut elsewhere = limited(3, "elsewhere");
    "other".clone_into(&mut elsewhere.definition.queue);
    let mut urgent = limited(5, "due");
    urgent.definition.priority = 7;
    process
        .store(&[limited(1, "due"), later, elsewhere, urgent])
        .await;
    process.store_queued(limited(4, "owned")).await;
    let quota = || throttled(&["due", "later", "elsewhere", "owned", "none"]);
    let of = |queues| ClaimTasks {
        quota: quota(),
        queues,
        ..everything(at(10))
    };
    let default = QueueSelector::Only("default".to_owned());
    let except = QueueSelector::AllExcept(vec!["other".to_owned()]);
    for queues in [default, except] {
        let claimed = process.claim(of(queues)).await;
        assert!(claimed.tasks.is_empty() && claimed.exhausted && !claimed.passed_over);
        assert_eq!(claimed.throttled, named(&["due"]));
    }
    let claimed = process
        .claim(of(QueueSelector::AllExcept(Vec::new())))
        .await;
    assert_eq!(claimed.throttled, named(&["due", "elsewhere"]));
}

pub async fn a_claim_that_is_not_exhausted_names_no_key(world: &dyn World) {
    let process = Process::start(world).await;
    process
        .store(&[limited(1, "a"), limited(2, "b"), limited(3, "b")])
        .await;
    let claimed = claim(&process, 1, throttled(&["a"])).await;
    assert_eq!(ids(&claimed), [id(2)]);
    assert!(!claimed.exhausted);
    assert_eq!(claimed.throttled, []);
}

pub async fn a_throttled_row_that_is_due_later_is_to_come(world: &dyn World) {
    let process = Process::start(world).await;
    let mut later = limited(1, "a");
    later.state.available_at = Some(at(20));
    process.store(&[later, task_due(2, at(30))]).await;
    let claimed = claim(&process, 100, throttled(&["a"])).await;
    assert!(claimed.tasks.is_empty() && claimed.exhausted);
    assert_eq!(claimed.throttled, []);
    assert_eq!(claimed.next_available_at, Some(at(20)));
    let claim = ClaimTasks {
        quota: throttled(&["a"]),
        ..everything(at(20))
    };
    let claimed = process.claim(claim).await;
    assert!(claimed.tasks.is_empty() && claimed.exhausted);
    assert_eq!(claimed.throttled, named(&["a"]));
    assert_eq!(claimed.next_available_at, Some(at(30)));
}

/// A row that waits for budget waits for no turn.
pub async fn what_is_saturated_is_not_passed_over_under_a_throttled_key(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[limited(1, "a")]).await;
    let none = RunningLimit {
        running: Some(0),
        running_per_key: None,
    };
    let full = |keys: &[&str]| throttled(keys).limit(&[MAIL], none, 0, []);
    let claimed = claim(&process, 100, full(&["a"])).await;
    assert!(claimed.tasks.is_empty() && claimed.exhausted && !claimed.passed_over);
    assert_eq!(claimed.throttled, named(&["a"]));
    process.store(&[limited(2, "b")]).await;
    let claimed = claim(&process, 100, full(&["a"])).await;
    assert!(claimed.tasks.is_empty() && claimed.exhausted && claimed.passed_over);
    assert_eq!(claimed.throttled, named(&["a"]));
}

/// Many more keys than a claim takes rows, and rows without one between them.
pub async fn rows_of_many_keys_are_taken_in_the_order_of_their_ranks(world: &dyn World) {
    let process = Process::start(world).await;
    let mut dice = Dice::new(13);
    let mut roll = |sides| i32::try_from(dice.roll(sides)).unwrap();
    let rows: Vec<_> = (1..=400)
        .map(|number| {
            let mut record = limited(number, &format!("tenant {}", roll(120)));
            record.definition.priority = roll(5) - 2;
            record.state.available_at = Some(at(roll(600).into()));
            if roll(10) == 0 {
                record.definition.limit_key = None;
            }
            record
        })
        .collect();
    process.store(&rows).await;
    let mut expected: Vec<_> = rows
        .iter()
        .map(|row| (Rank::of(row, AGEING), row.id()))
        .collect();
    expected.sort_unstable();
    let expected: Vec<_> = expected.into_iter().map(|(_, id)| id).collect();
    let mut taken = Vec::new();
    while taken.len() < rows.len() {
        let claim = ClaimTasks {
            limit: 17,
            quota: throttled(&["tenant 500"]),
            ..everything(at(600))
        };
        let claimed = process.claim(claim).await;
        assert!(!claimed.tasks.is_empty());
        assert_eq!(claimed.throttled, []);
        taken.extend(ids(&claimed));
    }
    assert_eq!(taken, expected);
}

/// Row by row, the decision is that of [`ClaimQuota::admits`].
pub async fn a_claim_takes_exactly_what_its_throttles_admit(world: &dyn World) {
    let process = Process::start(world).await;
    let mut dice = Dice::new(21);
    let mut pick = |choices: &[Option<&'static str>]| {
        let place = dice.roll(u64::try_from(choices.len()).unwrap());
        choices[usize::try_from(place).unwrap()].map(str::to_owned)
    };
    let rows: Vec<_> = (1..=300)
        .map(|number| {
            let mut record = task_due(number, at(i64::try_from(number % 7).unwrap()));
            let name = pick(&[Some(MAIL), Some("mail.post"), Some("other")]);
            record.definition.task = name.unwrap();
            record.definition.limit_key = pick(&[None, Some("a"), Some("b"), Some("c")]);
            record.definition.concurrency_key = pick(&[None, Some("a"), Some("b")]);
            record
        })
        .collect();
    process.store(&rows).await;
    let per_key = RunningLimit {
        running: None,
        running_per_key: Some(5),
    };
    let given = ClaimQuota::default()
        .limit(&["mail.post"], per_key, 4, [("b", 4)])
        .throttle(&[MAIL, "mail.post"], "a", 9)
        .throttle(&["other"], "a", 0)
        .throttle(&[MAIL], "b", 3)
        .throttle(&["other", MAIL], "c", 100);
    let mut in_order: Vec<_> = rows
        .iter()
        .map(|row| (Rank::of(row, AGEING), row))
        .collect();
    in_order.sort_by_key(|(rank, _)| *rank);
    let mut left = given.clone();
    let (mut expected, mut passed_over) = (Vec::new(), Vec::new());
    for (_, row) in in_order {
        let keys = QuotaKeys::of(&row.definition);
        if left.admits(keys) {
            left.take(keys);
            expected.push(row.id());
        } else {
            passed_over.push(&row.definition);
        }
    }
    let (of_turns, of_lanes): (Vec<_>, Vec<_>) = passed_over
        .into_iter()
        .partition(|row| left.admits_lane(QuotaKeys::of(row)));
    let names: BTreeSet<_> = of_lanes
        .into_iter()
        .map(|row| (row.task.clone(), row.limit_key.clone().unwrap()))
        .collect();
    let claimed = claim(&process, 500, given).await;
    assert_eq!(ids(&claimed), expected);
    assert!(claimed.exhausted && claimed.passed_over && !of_turns.is_empty());
    assert_eq!(claimed.throttled, Vec::from_iter(names));
}

pub async fn rows_of_the_dead_are_throttled_alike(world: &dyn World) {
    let dead = Process::start(world).await;
    for (number, key) in [(1, "a"), (2, "b"), (4, "b")] {
        dead.store_queued(limited(number, key)).await;
    }
    dead.crash().await;
    let process = Process::start(world).await;
    process.store(&[limited(3, "b"), limited(5, "a")]).await;
    let claimed = claim(&process, 100, throttled(&["a"])).await;
    assert_eq!(ids(&claimed), [2, 3, 4].map(id));
    let interrupted: Vec<_> = claimed.tasks.iter().map(|task| task.interrupted).collect();
    assert_eq!(interrupted, [true, false, true]);
    assert_eq!(claimed.throttled, named(&["a"]));
    let one = ClaimQuota::default().throttle(&[MAIL], "a", 1);
    let claimed = claim(&process, 100, one).await;
    assert_eq!(ids(&claimed), [id(1)]);
    assert!(claimed.tasks[0].interrupted && claimed.exhausted);
    assert_eq!(claimed.throttled, named(&["a"]));
}

pub async fn a_redefined_row_is_throttled_by_its_new_key(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[limited(1, "a")]).await;
    for (before, after) in [(Some("a"), Some("b")), (Some("b"), None), (None, Some("c"))] {
        let found = process.record(id(1)).await;
        let mut record = found.clone();
        record.definition.limit_key = after.map(str::to_owned);
        record.definition.limit_cost += 1;
        record.generation = found.generation.superseded();
        let redefinition = Redefinition {
            expected: found.generation,
            record: record.clone(),
            audit: Vec::new(),
        };
        let writes = vec![Write::Redefine(Box::new(redefinition))];
        let answers = process.apply(writes).await;
        assert!(matches!(
            answers[..],
            [Answer::Redefine(ChangeAnswer::Applied)]
        ));
        assert_eq!(process.record(id(1)).await, record);
        let Some(key) = after else { continue };
        let claimed = claim(&process, 100, throttled(&[key])).await;
        assert_eq!(claimed.throttled, named(&[key]), "{before:?}");
        assert!(claimed.tasks.is_empty());
    }
    let claimed = claim(&process, 100, throttled(&["a", "b"])).await;
    assert_eq!(ids(&claimed), [id(1)]);
    assert_eq!(claimed.throttled, []);
}

pub async fn what_a_start_costs_is_read_back(world: &dyn World) {
    let process = Process::start(world).await;
    for (number, cost) in (1..).zip([0, 1, 7, u32::MAX]) {
        let mut record = limited(number, "a");
        record.definition.limit_cost = cost;
        process.store(&[record.clone()]).await;
        assert_eq!(process.record(id(number)).await, record);
    }
}
