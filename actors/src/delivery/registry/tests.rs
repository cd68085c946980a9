use futures::FutureExt;
use uuid::Uuid;

use super::*;

const ID: TaskId = TaskId(Uuid::nil());

#[test]
fn a_second_delivery_of_an_id_is_refused_until_the_first_is_over() {
    let registry = DeliveryRegistry::new();
    let first = registry.register(ID).expect("nothing is under way");
    assert!(registry.register(ID).is_none());
    drop(first);
    assert!(registry.register(ID).is_some());
}

#[test]
fn no_delivery_begins_of_an_id_that_is_barred() {
    let registry = DeliveryRegistry::new();
    let delivery = registry.register(ID).expect("nothing is under way");
    assert!(registry.bar(ID).is_none());
    drop(delivery);
    let bar = registry.bar(ID).expect("nothing is under way");
    assert!(registry.register(ID).is_none());
    assert!(registry.bar(ID).is_none());
    drop(bar);
    assert!(registry.register(ID).is_some());
}

fn because(text: &str) -> Cancellation {
    Cancellation {
        actor: None,
        reason: Some(text.to_owned()),
    }
}

#[test]
fn a_cancel_reaches_the_delivery_and_keeps_the_first_reason() {
    let registry = DeliveryRegistry::new();
    let delivery = registry.register(ID).expect("nothing is under way");
    assert!(delivery.begin());
    let first = registry.cancel(ID, because("first"));
    assert!(first.was_running && first.is_heard());
    let second = registry.cancel(ID, because("second"));
    assert!(second.was_running && !second.is_heard());
    assert!(delivery.cancelled().is_cancelled());
    let kept = delivery
        .cancellation()
        .and_then(|cancellation| cancellation.reason);
    assert_eq!(kept.as_deref(), Some("first"));
}

#[test]
fn a_task_that_is_cancelled_before_it_begins_does_not_begin() {
    let registry = DeliveryRegistry::new();
    let delivery = registry.register(ID).expect("nothing is under way");
    assert!(!registry.cancel(ID, because("in time")).was_running);
    assert!(!delivery.begin());
}

#[test]
fn a_cancel_reaches_a_delivery_that_a_claim_is_about_to_bring() {
    let registry = DeliveryRegistry::new();
    let claim = registry.begin_claim();
    let cancel = registry.cancel(ID, because("early"));
    assert!(!cancel.is_heard());
    drop(cancel);
    let late = registry.cancel(ID, because("late"));
    let delivery = registry.register(ID).expect("nothing is under way");
    assert!(late.is_heard());
    drop(late);
    assert!(delivery.cancelled().is_cancelled());
    drop((claim, delivery));
    let later = registry.register(ID).expect("nothing is under way");
    assert!(
        !later.cancelled().is_cancelled(),
        "the mark is forgotten after the claim"
    );
}

#[test]
fn a_cancel_without_a_claim_leaves_no_mark() {
    let registry = DeliveryRegistry::new();
    drop(registry.cancel(ID, because("nobody there")));
    let later_claim = registry.begin_claim();
    let delivery = registry.register(ID).expect("nothing is under way");
    assert!(!delivery.cancelled().is_cancelled());
    drop(later_claim);
}

#[test]
fn a_cancel_that_found_nothing_does_not_reach_what_comes_to_life_later() {
    let registry = DeliveryRegistry::new();
    let claim = registry.begin_claim();
    let mut cancel = registry.cancel(ID, because("it is over already"));
    cancel.found_nothing();
    drop(cancel);
    let delivery = registry.register(ID).expect("nothing is under way");
    assert!(!delivery.cancelled().is_cancelled());
    drop((claim, delivery));
}

#[test]
fn a_cancel_that_found_nothing_leaves_the_mark_of_one_that_did() {
    let registry = DeliveryRegistry::new();
    let claim = registry.begin_claim();
    let first = registry.cancel(ID, because("in time"));
    let mut second = registry.cancel(ID, because("too late"));
    drop(first);
    second.found_nothing();
    drop(second);
    let delivery = registry.register(ID).expect("nothing is under way");
    assert!(delivery.cancelled().is_cancelled());
    drop((claim, delivery));
}

#[actix::test]
async fn the_end_of_a_delivery_is_told_to_who_waits_for_it() {
    let registry = DeliveryRegistry::new();
    registry.ended(ID).await;
    let delivery = registry.register(ID).expect("nothing is under way");
    let ended = registry.ended(ID);
    assert!(registry.ended(ID).now_or_never().is_none());
    drop(delivery);
    ended.await;
}

#[actix::test]
async fn an_id_is_quiet_when_no_delivery_and_no_cancel_is_left_of_it() {
    let registry = DeliveryRegistry::new();
    assert!(registry.is_quiet(ID));
    registry.quiet(ID).await;
    let delivery = registry.register(ID).expect("nothing is under way");
    assert!(!registry.is_quiet(ID));
    let quiet = registry.quiet(ID);
    assert!(registry.quiet(ID).now_or_never().is_none());
    drop(delivery);
    quiet.await;
    let claim = registry.begin_claim();
    drop(registry.cancel(ID, because("early")));
    assert!(!registry.is_quiet(ID), "the claim may bring the task");
    let quiet = registry.quiet(ID);
    assert!(registry.quiet(ID).now_or_never().is_none());
    drop(claim);
    quiet.await;
    assert!(registry.is_quiet(ID));
}

#[actix::test]
async fn nobody_has_a_slot_once_every_started_delivery_is_dropped() {
    let registry = DeliveryRegistry::new();
    registry.none_started().await;
    let delivery = registry.register(ID).expect("nothing is under way");
    delivery.start();
    assert!(delivery.begin());
    assert_eq!(registry.started(), 1);
    drop(delivery);
    registry.none_started().await;
}

#[test]
fn what_is_recalled_before_its_instant_does_not_run() {
    let registry = DeliveryRegistry::new();
    let delivery = registry.register(ID).expect("nothing is under way");
    assert!(!registry.recall(ID), "it does not wait");
    delivery.park();
    assert!(!delivery.is_recalled());
    assert!(registry.recall(ID));
    assert!(registry.recall(ID), "two may want the row");
    assert!(delivery.is_recalled());
    assert!(!delivery.unpark());
}

#[test]
fn what_has_left_at_its_instant_is_not_recalled() {
    let registry = DeliveryRegistry::new();
    let delivery = registry.register(ID).expect("nothing is under way");
    delivery.park();
    assert!(delivery.unpark());
    assert!(!registry.recall(ID));
    assert!(!registry.recall(TaskId(Uuid::max())), "nobody knows of it");
}
