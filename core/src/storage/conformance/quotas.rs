//! Which rows a claim passes over because enough of their type or key run already.

use super::World;
use super::generated::Dice;
use super::process::Process;
use super::sample::{AGEING, HOSTILE, at, everything, id, ids, task_due, task_named};
use crate::concurrency::{ClaimQuota, QuotaKeys, RunningLimit};
use crate::rank::Rank;
use crate::storage::{ClaimAnswer, ClaimTasks};
use crate::task::TaskRecord;

const MAIL: &str = "mail.send";

fn of_key(number: u128, key: Option<&str>) -> TaskRecord {
    let mut record = task_named(number, MAIL);
    record.definition.concurrency_key = key.map(str::to_owned);
    record
}

/// Of a type and of each of its keys.
fn limit(running: Option<usize>, running_per_key: Option<usize>) -> RunningLimit {
    RunningLimit {
        running,
        running_per_key,
    }
}

/// What may be taken of [`MAIL`], of which nothing runs.
fn quota(of_type: Option<usize>, per_key: Option<usize>) -> ClaimQuota {
    ClaimQuota::default().limit(&[MAIL], limit(of_type, per_key), 0, [])
}

async fn claim(process: &Process<'_>, limit: u32, quota: ClaimQuota) -> ClaimAnswer {
    let claim = ClaimTasks {
        limit,
        quota,
        ..everything(at(10))
    };
    process.claim(claim).await
}

pub async fn no_more_of_a_type_is_taken_than_may_run(world: &dyn World) {
    let process = Process::start(world).await;
    let mails = [1, 2, 4].map(|number| of_key(number, None));
    process.store(&mails).await;
    process
        .store(&[3, 5].map(|number| task_named(number, "other")))
        .await;
    let claimed = claim(&process, 100, quota(Some(2), None)).await;
    assert_eq!(ids(&claimed), [1, 2, 3, 5].map(id));
    assert!(claimed.exhausted && claimed.passed_over);
    assert_eq!(process.record(id(4)).await, mails[2], "it is left alone");
    let claimed = claim(&process, 100, quota(Some(1), None)).await;
    assert_eq!(ids(&claimed), [id(4)]);
    assert!(claimed.exhausted && !claimed.passed_over);
}

pub async fn no_more_of_a_key_is_taken_than_may_run(world: &dyn World) {
    let process = Process::start(world).await;
    let keys = [Some("a"), Some("a"), Some("b"), None, Some("b"), None];
    for (number, key) in (1..).zip(keys) {
        process.store(&[of_key(number, key)]).await;
    }
    let running = ClaimQuota::default().limit(&[MAIL], limit(None, Some(1)), 1, [("a", 1)]);
    let claimed = claim(&process, 100, running).await;
    assert_eq!(ids(&claimed), [3, 4, 6].map(id));
    assert!(claimed.exhausted && claimed.passed_over);
    let claimed = claim(&process, 100, quota(None, Some(1))).await;
    assert_eq!(ids(&claimed), [1, 5].map(id));
    assert!(claimed.exhausted && claimed.passed_over);
    let claimed = claim(&process, 100, quota(None, Some(1))).await;
    assert_eq!(ids(&claimed), [id(2)]);
    assert!(claimed.exhausted && !claimed.passed_over);
}

/// The key of another type is another key.
pub async fn a_key_counts_for_its_type_only(world: &dyn World) {
    let process = Process::start(world).await;
    let mut other = of_key(1, Some("a"));
    "other".clone_into(&mut other.definition.task);
    process.store(&[other, of_key(2, Some("a"))]).await;
    let full = ClaimQuota::default()
        .limit(&["other"], limit(None, Some(1)), 1, [("a", 1)])
        .limit(&[MAIL], limit(None, Some(1)), 0, []);
    let claimed = claim(&process, 100, full).await;
    assert_eq!(ids(&claimed), [id(2)]);
}

pub async fn the_names_of_a_type_count_together(world: &dyn World) {
    let process = Process::start(world).await;
    let names = [(1, MAIL), (2, "mail.post"), (3, MAIL)];
    process
        .store(&names.map(|(number, name)| task_named(number, name)))
        .await;
    let renamed = ClaimQuota::default().limit(&[MAIL, "mail.post"], limit(Some(2), None), 0, []);
    let claimed = claim(&process, 100, renamed).await;
    assert_eq!(ids(&claimed), [1, 2].map(id));
    let full = ClaimQuota::default().limit(&["mail.post", MAIL], limit(Some(2), None), 2, []);
    assert!(claim(&process, 100, full).await.tasks.is_empty());
}

/// However many rows may not run, those behind them are found.
pub async fn rows_that_are_passed_over_hold_up_nobody(world: &dyn World) {
    let process = Process::start(world).await;
    let mut rows: Vec<_> = (1..=150).map(|number| of_key(number, Some("a"))).collect();
    rows.extend((151..=300).map(|number| of_key(number, Some("b"))));
    rows.extend((301..=303).map(|number| task_named(number, "other")));
    process.store(&rows).await;
    let claimed = claim(&process, 4, quota(None, Some(1))).await;
    assert_eq!(ids(&claimed), [1, 151, 301, 302].map(id));
    assert!(!claimed.exhausted && !claimed.passed_over);
    let full = ClaimQuota::default().limit(&[MAIL], limit(None, Some(1)), 2, [("a", 1), ("b", 1)]);
    let claimed = claim(&process, 4, full).await;
    assert_eq!(ids(&claimed), [id(303)]);
    assert!(claimed.exhausted && claimed.passed_over);
}

pub async fn a_claim_takes_something_of_every_key(world: &dyn World) {
    let process = Process::start(world).await;
    let rows: Vec<_> = (0..120)
        .map(|number| of_key(number + 1, Some(&format!("key {}", number / 4))))
        .collect();
    process.store(&rows).await;
    let claimed = claim(&process, 100, quota(None, Some(1))).await;
    let first: Vec<_> = (0..30).map(|key| id(4 * key + 1)).collect();
    assert_eq!(ids(&claimed), first);
    assert!(claimed.exhausted && claimed.passed_over);
}

pub async fn keys_that_run_are_told_apart_exactly(world: &dyn World) {
    let process = Process::start(world).await;
    let keys = ["key", "Key", "key ", "k\u{e9}y", "ke\u{301}y", HOSTILE];
    for (number, key) in (1..).zip(keys) {
        process.store(&[of_key(number, Some(key))]).await;
    }
    for (number, key) in (1..).zip(keys) {
        let others = keys.iter().filter(|other| **other != key);
        let others = others.map(|other| (*other, 1));
        let full = ClaimQuota::default().limit(&[MAIL], limit(None, Some(1)), 5, others);
        let claimed = claim(&process, 100, full).await;
        assert_eq!(ids(&claimed), [id(number)], "{key:?}");
    }
}

/// A row that is not due is not passed over, and when it is due is said all the same.
pub async fn what_is_not_due_is_not_passed_over(world: &dyn World) {
    let process = Process::start(world).await;
    let mut later = of_key(1, Some("a"));
    later.state.available_at = Some(at(20));
    process.store(&[later]).await;
    let full = || ClaimQuota::default().limit(&[MAIL], limit(Some(1), None), 1, []);
    let claimed = claim(&process, 100, full()).await;
    assert!(claimed.tasks.is_empty() && claimed.exhausted);
    assert!(!claimed.passed_over);
    assert_eq!(claimed.next_available_at, Some(at(20)));
    let claim = ClaimTasks {
        quota: full(),
        ..everything(at(20))
    };
    let claimed = process.claim(claim).await;
    assert!(claimed.tasks.is_empty() && claimed.exhausted);
    assert!(claimed.passed_over);
    assert_eq!(claimed.next_available_at, None);
}

pub async fn a_quota_is_spent_in_the_order_of_ranks(world: &dyn World) {
    let process = Process::start(world).await;
    let rows = [(1, 0), (2, 5), (3, -1), (4, 9)].map(|(number, priority)| {
        let mut record = of_key(number, Some("a"));
        record.definition.priority = priority;
        record
    });
    process.store(&rows).await;
    let claimed = claim(&process, 100, quota(None, Some(2))).await;
    assert_eq!(ids(&claimed), [4, 2].map(id));
}

/// Row by row, the decision is that of [`ClaimQuota::admits`].
pub async fn a_claim_takes_exactly_what_its_quota_admits(world: &dyn World) {
    let process = Process::start(world).await;
    let mut dice = Dice::new(7);
    let mut pick = |choices: &[Option<&'static str>]| {
        let place = dice.roll(u64::try_from(choices.len()).unwrap());
        choices[usize::try_from(place).unwrap()]
    };
    let rows: Vec<_> = (1..=200)
        .map(|number| {
            let mut record = task_due(number, at(i64::try_from(number % 7).unwrap()));
            let name = pick(&[Some(MAIL), Some("mail.post"), Some("other")]);
            name.unwrap().clone_into(&mut record.definition.task);
            let key = pick(&[None, Some("a"), Some("b"), Some("c"), Some("d")]);
            record.definition.concurrency_key = key.map(str::to_owned);
            record
        })
        .collect();
    process.store(&rows).await;
    let given = ClaimQuota::default()
        .limit(&[MAIL], limit(Some(9), Some(4)), 1, [("a", 1)])
        .limit(&["mail.post"], limit(None, Some(3)), 2, [("b", 2)]);
    let mut in_order: Vec<_> = rows
        .iter()
        .map(|row| (Rank::of(row, AGEING), row))
        .collect();
    in_order.sort_by_key(|(rank, _)| *rank);
    let mut left = given.clone();
    let mut expected = Vec::new();
    for (_, row) in in_order {
        let keys = QuotaKeys::of(&row.definition);
        if left.admits(keys) {
            left.take(keys);
            expected.push(row.id());
        }
    }
    let claimed = claim(&process, 500, given).await;
    assert_eq!(ids(&claimed), expected);
    assert!(claimed.exhausted && claimed.passed_over);
}
