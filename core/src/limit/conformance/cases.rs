use super::Make;

/// Makes a test of every case, run against the limiter that a function makes.
///
/// The argument names that function; it takes the most scopes to track and answers a
/// `Box<dyn Limiter>`, new for every call. The tests land in a module for each subject, so a second
/// limiter needs a module of its own around the line.
#[macro_export]
macro_rules! limiter_conformance_tests {
    ($make:ident) => {
        $crate::limiter_conformance_tests! { @with tests $make }
    };
    // The one list of all cases, given to whatever is to be made of them.
    (@with $made:ident $($make:ident)?) => {
        $crate::limiter_conformance_tests! {
            @$made $($make)?;
            figures {
                fifteen_a_minute_start_at_once_and_the_next_waits_four_seconds
                six_a_minute_without_a_burst_have_slots_ten_seconds_apart
                a_redeemed_slot_moves_no_other
                a_slot_beyond_the_horizon_is_refused_and_not_booked
                of_forty_at_once_five_start_and_the_others_have_slots_of_their_own
                a_key_that_starts_empty_begins_steadily
                a_strict_limit_keeps_its_number_in_any_period
                seven_a_minute_do_not_drift
            }
            slots {
                who_comes_early_is_told_the_same_slot
                who_comes_on_time_is_granted
                who_comes_later_than_the_expiry_still_redeems
                a_slot_that_nobody_comes_for_is_forgotten_in_the_end
                who_comes_late_keeps_its_place
                who_comes_late_waits_if_others_were_just_served
                after_a_stall_all_are_served_in_their_order
                the_newest_booking_is_given_back_whole
                another_booking_leaves_its_interval_unused
                who_has_no_slot_releases_nothing
                what_is_granted_is_not_booked_any_more
            }
            allowance {
                no_window_has_more_grants_than_the_allowance_however_late_they_come
                no_budget_is_wasted_on_those_who_come_on_time
                slots_never_go_backwards
            }
            refusal {
                what_is_discarded_books_nothing
                a_slot_at_the_end_of_its_series_is_too_late
                an_owner_that_is_moved_past_the_end_gives_its_slot_up
                a_series_faster_than_the_refill_asks_once_per_refill
            }
            scopes {
                a_scope_without_budget_is_in_nobodys_way
                scopes_are_told_apart_exactly
                a_cost_counts_as_so_many_starts
                a_look_at_a_budget_spends_nothing
                an_overview_counts_who_waits
            }
            several {
                nothing_is_spent_unless_all_of_it_is
                a_task_is_booked_where_it_waits_longest
                at_its_slot_a_task_spends_everything_at_once
                who_is_short_of_another_budget_is_moved_on
                two_saturated_limits_starve_nobody
                a_task_with_several_limits_leaves_nothing_behind
            }
            change {
                a_pause_lets_nothing_start_before_it_ends
                a_shorter_pause_does_not_end_a_longer_one
                a_reset_gives_the_burst_back_and_moves_slots_up
                a_faster_limit_moves_slots_up_in_their_order
                a_slower_limit_moves_slots_back_in_their_order
                a_demand_brings_its_limit
                a_limit_of_every_key_of_a_type_is_changed_at_once
            }
            bounds {
                the_bound_on_tracked_keys_is_exact
                of_sixteen_keys_at_once_exactly_four_are_tracked
                an_idle_key_makes_room_for_a_new_one
                a_key_that_waits_or_has_spent_is_never_forgotten
                the_ends_of_time_are_no_problem
            }
        }
    };
    (@tests $make:ident; $($subject:ident { $($case:ident)* })*) => {
        $(mod $subject {
            $(#[test]
            fn $case() {
                $crate::limit::conformance::$subject::$case(&super::$make);
            })*
        })*
    };
    (@list; $($subject:ident { $($case:ident)* })*) => {
        &[$($(Case {
            subject: stringify!($subject),
            name: stringify!($case),
            run: super::$subject::$case,
        },)*)*]
    };
}

/// One case of the suite, for those who want to do more with it than to run it as a test.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// What it is about: the module it lies in.
    pub subject: &'static str,
    /// What it says.
    pub name: &'static str,
    /// Runs it; it fails by a panic.
    pub run: fn(Make<'_>),
}

/// Every case of the suite, in the order of the subjects.
pub const CASES: &[Case] = crate::limiter_conformance_tests!(@with list);
