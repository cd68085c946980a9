use std::time::Duration;

use uuid::Uuid;

use super::*;
use crate::task::TaskId;
use crate::time::Timestamp;

fn open_window(capacity: usize, parallelism: usize) -> Window {
    let mut window = Window::new(capacity, parallelism);
    assert_eq!(window.begin_claim(None), Some(capacity + parallelism));
    window.end_claim(0, None, true);
    window
}

/// Ranks sort like their numbers.
fn rank(number: u64) -> Rank {
    let due = Timestamp::UNIX_EPOCH + Duration::from_secs(number);
    Rank::new(due, 0, TaskId(Uuid::nil()), Duration::ZERO)
}

/// A window in which nothing more fits, in the ranks from 10 on.
fn full_window(capacity: usize, parallelism: usize) -> Window {
    let mut window = open_window(capacity, parallelism);
    while window.take_place() {}
    while window.take_slot() {}
    window
}

#[test]
fn what_ranks_before_a_full_window_is_claimed_at_once_beyond_its_size() {
    let mut window = full_window(4, 2);
    window.begin_spill();
    window.end_spill(rank(20));
    assert_eq!(window.begin_claim(Some(rank(13))), None, "it comes last");
    window.begin_spill();
    window.end_spill(rank(12));
    assert_eq!(window.begin_claim(Some(rank(13))), Some(2));
    window.end_claim(2, Some(rank(20)), false);
    assert_eq!(
        window.begin_claim(Some(rank(20))),
        None,
        "the rest comes after what was taken"
    );
}

#[test]
fn what_a_claim_left_and_may_rank_before_the_window_is_claimed_as_places_become_free() {
    let mut window = full_window(4, 2);
    for number in 1..=4 {
        window.begin_spill();
        window.end_spill(rank(number));
    }
    assert_eq!(window.begin_claim(Some(rank(13))), Some(2));
    window.end_claim(2, Some(rank(2)), false);
    assert_eq!(window.begin_claim(Some(rank(13))), None, "no place is free");
    window.free_place();
    assert_eq!(window.begin_claim(Some(rank(13))), Some(1));
}

#[test]
fn a_failed_claim_does_not_forget_what_ranks_before_the_window() {
    let mut window = full_window(4, 2);
    window.begin_spill();
    window.end_spill(rank(1));
    assert_eq!(window.begin_claim(Some(rank(13))), Some(2));
    window.fail_claim();
    assert_eq!(window.begin_claim(Some(rank(13))), Some(2));
}

#[test]
fn a_short_claim_leaves_nothing_that_ranks_before_the_window() {
    let mut window = full_window(4, 2);
    window.begin_spill();
    window.end_spill(rank(1));
    assert_eq!(window.begin_claim(Some(rank(13))), Some(2));
    window.end_claim(1, Some(rank(1)), true);
    assert!(!window.has_backlog());
    window.set_backlog();
    assert_eq!(window.begin_claim(Some(rank(13))), None);
}

#[test]
fn no_live_dispatch_gets_a_place_before_the_stored_rows_were_looked_at() {
    let mut window = Window::new(4, 2);
    assert!(!window.take_place());
}

#[test]
fn a_short_claim_opens_the_window() {
    let mut window = open_window(1, 2);
    assert!(!window.has_backlog());
    assert!((0..3).all(|_| window.take_place()));
    assert!(!window.take_place());
}

#[test]
fn a_spill_that_is_under_way_keeps_the_flag_set() {
    let mut window = open_window(1, 1);
    window.begin_spill();
    assert_eq!(
        window.begin_claim(None),
        None,
        "the last short claim is as good as a new one"
    );
    window.end_spill(rank(0));
    assert_eq!(window.begin_claim(None), Some(2));
    window.begin_spill();
    window.end_claim(1, None, true);
    assert!(window.take_slot());
    assert!(window.has_backlog());
    assert_eq!(
        window.begin_claim(None),
        None,
        "the spill has not been reported yet"
    );
    window.end_spill(rank(0));
    assert_eq!(window.begin_claim(None), Some(1));
    window.end_claim(0, None, true);
    assert!(!window.has_backlog());
}

#[test]
fn a_window_whose_room_is_held_for_a_claim_is_not_full() {
    let mut window = Window::new(1, 1);
    assert_eq!(window.begin_claim(None), Some(2));
    assert!(!window.is_full());
    window.begin_spill();
    assert!(!window.is_full());
    window.begin_spill();
    assert!(window.is_full());
    window.end_claim(0, None, true);
    window.end_spill(rank(0));
    window.end_spill(rank(0));
    assert!(window.is_full(), "what was stored waits to be claimed");
    assert_eq!(window.begin_claim(None), Some(2));
    window.end_claim(2, None, true);
    window.free_place();
    assert!(!window.is_full());
}

#[test]
fn a_failed_claim_gives_its_places_back_and_can_be_repeated() {
    let mut window = Window::new(3, 1);
    assert_eq!(window.begin_claim(None), Some(4));
    assert_eq!(window.begin_claim(None), None);
    window.fail_claim();
    assert_eq!(window.places(), 0);
    assert_eq!(window.begin_claim(None), Some(4));
}

#[test]
fn claims_wait_until_half_of_the_capacity_is_free() {
    let mut window = Window::new(4, 1);
    assert_eq!(window.begin_claim(None), Some(5));
    window.end_claim(5, None, false);
    assert!(window.take_slot());
    assert_eq!(window.begin_claim(None), None);
    window.free_place();
    window.free_slot();
    assert!(window.take_slot());
    window.free_place();
    window.free_slot();
    assert!(window.take_slot());
    assert_eq!(window.begin_claim(None), Some(2));
}

#[test]
fn a_paused_window_hands_out_neither_places_nor_slots() {
    let mut window = open_window(1, 1);
    assert!(window.take_place());
    window.set_paused(true);
    assert!(!window.take_place());
    assert!(!window.take_slot());
    window.set_paused(false);
    assert!(window.take_slot());
    assert!(!window.take_place(), "the stored rows come first");
    assert_eq!(window.begin_claim(None), Some(1));
    window.end_claim(0, None, true);
    assert!(window.take_place());
}

#[test]
fn a_look_in_vain_is_not_repeated_before_something_is_stored() {
    let mut window = Window::new(1, 1);
    window.set_paused(true);
    assert_eq!(window.begin_claim(None), Some(2));
    window.end_look();
    assert_eq!(window.begin_claim(None), None);
    assert_eq!(window.places(), 0);
    window.begin_spill();
    window.end_spill(rank(1));
    assert_eq!(window.begin_claim(None), Some(2));
    window.end_look();
    window.set_paused(false);
    assert_eq!(window.begin_claim(None), Some(2));
}

#[test]
fn what_was_given_back_still_counts_towards_a_full_window() {
    let mut window = open_window(1, 1);
    assert!(window.take_place() && window.take_place());
    window.set_paused(true);
    window.give_back(2);
    window.free_place();
    window.free_place();
    assert!(window.is_full());
}

#[test]
fn a_smaller_parallelism_stops_nobody_and_lets_fewer_begin() {
    let mut window = open_window(4, 3);
    assert!((0..4).all(|_| window.take_place()));
    assert!((0..3).all(|_| window.take_slot()));
    window.set_parallelism(1);
    for _ in 0..2 {
        window.free_slot();
        window.free_place();
        assert!(!window.take_slot(), "{} run", window.running());
    }
    window.free_slot();
    assert!(window.take_slot());
    window.set_parallelism(2);
    assert!(window.take_slot());
}

#[test]
fn rows_that_found_no_turn_are_looked_for_without_keeping_others_from_a_place() {
    let mut window = open_window(4, 2);
    assert!(window.take_place());
    window.set_recheck();
    assert!(window.take_place());
    assert_eq!(window.begin_claim(Some(rank(1))), Some(6));
    assert_eq!(window.begin_claim(None), None);
    window.end_claim(1, Some(rank(1)), true);
    assert!(window.take_place());
    assert_eq!(window.begin_claim(None), None);
}

#[test]
fn a_look_for_rows_that_finds_more_than_fit_is_followed_by_another() {
    let mut window = open_window(4, 2);
    window.set_recheck();
    assert_eq!(window.begin_claim(None), Some(6));
    window.end_claim(6, Some(rank(1)), false);
    assert!(window.has_backlog());
    assert!(!window.take_place());
}

#[test]
fn a_look_for_rows_that_was_asked_for_during_another_is_made() {
    let mut window = open_window(4, 2);
    window.set_recheck();
    assert_eq!(window.begin_claim(None), Some(6));
    window.set_recheck();
    window.end_claim(0, None, true);
    assert_eq!(window.begin_claim(None), Some(6));
}
