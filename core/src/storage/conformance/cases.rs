use futures::future::LocalBoxFuture;

use super::World;

/// Makes a test of every case, run against the storage that an async function gives.
///
/// The argument names that function; it takes nothing and answers something that is a
/// [`World`](crate::storage::conformance::World), new for every call, or an `Option` of one. The tests land in a module
/// for each subject, so a second storage needs a module of its own around the line.
#[macro_export]
macro_rules! conformance_tests {
    ($world:ident) => {
        $crate::conformance_tests! { @with tests $world }
    };
    // The one list of all cases, given to whatever is to be made of them.
    (@with $make:ident $($world:ident)?) => {
        $crate::conformance_tests! {
            @$make $($world)?;
            round_trip {
                a_task_with_every_field_is_read_back
                what_is_absent_stays_absent
                what_is_empty_or_zero_is_not_absent
                the_ends_of_every_range_are_read_back
                every_status_and_wait_reason_is_read_back
                a_payload_of_a_mebibyte_is_read_back
                a_payload_is_not_rewritten
                names_are_told_apart_exactly
            }
            results {
                a_result_is_stored_with_its_outcome
                a_series_has_the_result_of_its_last_run
                a_result_of_a_mebibyte_is_read_back
                a_result_is_not_rewritten
                the_last_progress_is_read_back_until_a_new_start
                a_cancel_leaves_the_progress
            }
            insert {
                a_task_inserted_again_is_left_alone
                a_task_twice_in_a_group_is_stored_once
                an_occurrence_gets_no_second_task
                an_occurrence_gets_no_second_task_within_a_group
                a_finished_task_keeps_its_occurrence
                other_occurrences_and_other_series_are_free
                an_occurrence_inserted_again_by_its_own_task_is_no_conflict
            }
            all_or_nothing {
                tasks_that_are_stored_together_are_read_back
                an_id_that_another_task_has_keeps_all_of_them_out
                a_key_that_is_taken_keeps_all_of_them_out
                of_one_key_twice_none_of_them_is_stored
                tasks_that_are_stored_already_are_in_nobodys_way
                a_set_that_is_refused_leaves_its_group_alone
            }
            keys {
                a_taken_key_is_answered_with_its_holder
                of_one_key_twice_in_a_group_the_first_is_stored
                any_number_of_tasks_have_no_key
                keys_are_told_apart_exactly
                a_task_that_is_over_gives_up_its_key
                a_series_keeps_its_key_when_it_is_over
                a_key_for_a_time_outlives_its_task
            }
            series {
                a_run_that_ends_moves_the_series_on
                a_series_is_claimed_for_its_next_run
                a_series_that_is_over_is_not_claimed
                a_cancelled_series_is_not_claimed
                a_finished_row_without_a_next_run_is_not_claimed
                a_skipped_occurrence_leaves_no_run
                the_counter_of_runs_stands_still_at_its_end
                a_rejected_group_moves_no_series_on
                a_run_that_is_stored_already_is_left_alone
                runs_are_read_oldest_first_with_every_field
            }
            audit_levels {
                each_level_leaves_the_rows_it_should
                the_row_says_the_same_at_every_level
                the_counter_equals_the_rows_of_runs
                what_a_person_did_is_always_kept
                a_claim_goes_by_the_level_of_each_row
            }
            group {
                an_empty_group_is_answered_with_nothing
                a_rejected_write_leaves_nothing_of_its_group
                a_storage_works_on_after_a_rejected_group
                answers_come_in_the_order_of_the_writes
                a_whole_life_fits_into_one_group
                a_cancel_sees_the_changes_of_its_group
                a_claim_sees_everything_its_group_did
                two_claims_of_a_group_share_no_row
                a_group_of_thousands_of_writes_is_answered_one_by_one
            }
            lease {
                every_transition_is_stored_as_the_lease_says
                every_transition_from_an_old_generation_is_refused
                every_transition_written_again_changes_nothing
                a_transition_of_an_unknown_row_is_missing
            }
            change {
                a_chain_in_a_group_leaves_every_audit_line_and_attempt_once
                chains_of_several_rows_may_be_interleaved
                a_refused_change_does_not_stop_its_neighbours
                a_refused_chain_is_refused_as_a_whole
                what_follows_a_refused_change_in_a_later_group_is_refused_too
                a_change_after_a_gap_is_refused_and_the_one_before_is_applied
                a_generation_may_rise_by_more_than_one
                a_stale_change_is_not_mistaken_for_a_repeated_one
            }
            follow_ups {
                a_follow_up_is_stored_with_its_change
                a_change_that_is_refused_stores_no_follow_up
                a_rejected_group_stores_no_follow_up
                a_change_that_is_repeated_stores_its_follow_ups_once
                a_follow_up_whose_id_or_key_is_taken_is_left_out
                a_follow_up_takes_the_key_that_its_task_gives_up
                a_claim_of_the_group_takes_follow_ups
            }
            redefine {
                a_redefined_row_is_read_back_as_it_was_given
                a_redefinition_leaves_nothing_of_what_was_asked_for_before
                a_redefinition_from_an_old_generation_is_refused
                a_stale_redefinition_is_not_mistaken_for_a_repeated_one
                a_redefinition_written_again_changes_nothing
                a_redefinition_of_an_unknown_row_is_missing
                of_two_redefinitions_in_a_group_the_first_is_applied
                a_redefinition_supersedes_the_delivery_of_the_old_work
                a_redefinition_has_its_place_in_the_order_of_its_group
                a_redefined_row_is_claimed_at_its_new_time_and_in_its_new_queue
                a_redefinition_is_audited_at_its_new_level
                a_redefinition_by_a_person_is_audited_at_every_level
                a_redefined_row_is_changed_from_its_new_generation
            }
            delete {
                a_deleted_task_leaves_nothing_but_who_deleted_it
                a_deleted_task_gives_up_its_key_and_its_occurrence
                a_task_that_moved_on_is_not_deleted
                a_deletion_written_again_is_answered_alike
                a_deletion_of_an_unknown_row_is_missing
                a_deleted_id_may_be_used_and_deleted_again
                a_deletion_has_its_place_in_the_order_of_its_group
                each_deletion_of_a_group_is_answered
                a_rejected_group_deletes_nothing
            }
            history {
                audit_lines_of_one_instant_keep_their_order
                audit_lines_keep_their_order_when_a_clock_was_set_back
                every_field_of_an_audit_line_is_read_back
                attempts_are_read_oldest_first_with_every_field
                an_attempt_that_is_stored_already_is_left_alone
                the_histories_of_two_tasks_are_kept_apart
            }
            cancel {
                every_open_status_becomes_cancelled
                a_task_that_is_over_is_left_alone
                an_unknown_task_is_not_cancelled
                the_audit_says_who_cancelled_and_why
                a_second_cancel_finds_the_task_over
                a_cancelled_task_refuses_the_outcome_of_its_delivery
                a_cancelled_task_is_not_claimed
            }
            claim {
                a_claim_of_an_empty_storage_is_exhausted
                a_claimed_row_is_queued_and_owned
                every_open_status_without_an_owner_is_claimed
                a_parked_row_stays_in_progress
                a_stopped_row_is_queued_again
                a_row_that_waits_for_a_reason_is_passed_over
                only_takes_from_its_queue
                all_except_takes_from_the_other_queues
                all_except_none_takes_from_every_queue
                a_claim_tells_queues_apart_exactly
                only_what_is_claimable_is_claimed
                a_row_that_ended_meanwhile_is_never_set_back
            }
            claim_limits {
                rows_are_taken_by_availability_and_then_by_id
                a_claim_takes_no_more_rows_than_its_limit
                a_limit_that_is_just_enough_exhausts_the_rows
                the_largest_limits_are_no_problem
                a_claim_takes_no_more_payload_than_its_bound
                payload_is_measured_in_bytes
                one_row_is_taken_however_large
                no_row_is_passed_over_for_its_size
                paging_over_one_instant_neither_skips_nor_duplicates
                rows_stored_between_two_pages_take_their_place
            }
            priorities {
                a_higher_priority_is_taken_first
                a_row_that_has_waited_long_enough_overtakes_a_higher_priority
                rows_of_one_rank_are_taken_by_id
                without_ageing_the_priority_makes_no_difference
                with_much_ageing_nothing_but_the_priority_counts
                priorities_beyond_the_range_count_as_its_ends
                a_limit_leaves_those_who_come_last
                a_high_priority_is_not_taken_before_it_is_due
                queues_that_are_claimed_together_are_merged_by_rank
                rows_of_the_dead_are_merged_by_rank_with_those_of_nobody
                claims_take_rows_in_the_order_of_their_ranks
            }
            quotas {
                no_more_of_a_type_is_taken_than_may_run
                no_more_of_a_key_is_taken_than_may_run
                a_key_counts_for_its_type_only
                the_names_of_a_type_count_together
                rows_that_are_passed_over_hold_up_nobody
                a_claim_takes_something_of_every_key
                keys_that_run_are_told_apart_exactly
                what_is_not_due_is_not_passed_over
                a_quota_is_spent_in_the_order_of_ranks
                a_claim_takes_exactly_what_its_quota_admits
            }
            throttled {
                rows_of_a_throttled_key_hold_up_nobody
                a_key_is_taken_as_long_as_it_has_room
                the_names_of_a_type_share_the_room_of_a_key
                the_same_key_of_another_type_is_not_throttled
                keys_that_are_throttled_are_told_apart_exactly
                only_keys_with_rows_that_are_due_are_named
                a_claim_that_is_not_exhausted_names_no_key
                a_throttled_row_that_is_due_later_is_to_come
                what_is_saturated_is_not_passed_over_under_a_throttled_key
                rows_of_many_keys_are_taken_in_the_order_of_their_ranks
                a_claim_takes_exactly_what_its_throttles_admit
                rows_of_the_dead_are_throttled_alike
                a_redefined_row_is_throttled_by_its_new_key
                what_a_start_costs_is_read_back
            }
            timing {
                a_row_is_claimed_from_its_very_instant_on
                the_next_instant_is_the_earliest_of_those_to_come
                rows_that_are_due_already_are_not_to_come
                the_next_instant_is_that_of_the_claimed_queues
                rows_that_cannot_be_claimed_then_are_not_to_come
                the_rows_of_a_dead_process_are_to_come
                a_delayed_row_is_claimed_by_the_next_process
                an_open_row_without_an_instant_is_not_claimed
                a_claim_ahead_takes_what_is_due_by_its_horizon
                a_claim_ahead_that_is_full_leaves_what_is_due_last
            }
            policies {
                a_claim_takes_exactly_what_is_claimable
                a_change_leaves_exactly_what_its_level_keeps
                a_claim_is_audited_exactly_as_levels_say
            }
            liveness {
                the_rows_of_a_living_process_are_its_own
                a_claimed_row_is_claimed_once
                the_rows_of_a_crashed_process_are_claimed_as_interrupted
                the_rows_of_a_stopped_process_are_claimed
                dead_and_living_owners_are_told_apart
                a_death_on_probation_is_counted
                a_death_after_the_probation_is_not_counted
                a_row_that_its_owner_gave_up_is_not_interrupted
                a_dead_judge_does_not_end_the_wait_by_itself
                a_claim_supersedes_the_delivery_of_the_dead
            }
            reconsider {
                a_task_whose_handler_is_now_known_runs
                a_handler_of_this_process_outweighs_a_living_judge_without
                an_undecodable_task_is_tried_again_by_the_next_process
                no_known_task_means_no_handler
                rows_that_do_not_wait_are_left_alone
                a_reconsidered_row_gets_no_audit_line
            }
            reads {
                an_unknown_task_has_no_row_and_no_history
                a_process_sees_what_another_committed
                everything_outlives_the_process_that_wrote_it
                owned_lists_the_open_rows_of_an_owner
                owned_counts_rows_that_are_not_due
                owned_answers_present_generations_and_follows_the_owner
                owned_keeps_to_the_queues_asked_for
            }
            retention {
                a_first_cycle_over_many_lines_goes_batch_by_batch
                a_line_is_kept_up_to_its_very_window
                a_longer_window_of_errors_keeps_errors_longer
                a_shorter_window_of_errors_lets_errors_go_sooner
                a_window_of_errors_alone_deletes_nothing
                a_failed_line_without_a_failure_is_an_error_too
                attempts_go_by_the_window_of_runs
                runs_go_by_their_window
                a_window_that_is_not_positive_deletes_nothing
                a_preview_changes_nothing
                a_batch_done_again_finds_nothing
                lines_are_looked_at_in_whatever_order_they_were_written
                a_thousand_old_lines_go_beside_live_inserts
                two_processes_doing_a_cycle_at_once_delete_each_line_once
            }
            retention_purge {
                a_completed_task_is_purged_after_the_longest_window
                a_task_without_history_waits_for_the_longest_window
                a_line_inside_its_window_holds_its_task
                a_status_line_without_a_window_holds_its_task
                a_task_whose_last_line_goes_is_purged_in_the_same_cycle
                attempts_inside_their_window_hold_their_task
                attempts_without_a_window_go_with_their_task
                a_task_that_never_ran_ages_from_its_creation
                without_a_window_nothing_is_purged
                without_being_asked_nothing_is_purged
                only_what_ended_as_asked_is_purged
                what_is_not_over_is_never_purged
                a_purged_task_leaves_nothing_behind
                an_occurrence_of_a_purged_task_is_free_again
                many_tasks_are_purged_batch_by_batch
                a_task_that_is_revived_during_a_purge_stays
            }
            retention_logs {
                lines_go_by_their_age_whatever_their_task
                a_limit_keeps_the_newest_lines_of_each_task
                a_limit_counts_over_all_runs
                among_lines_of_one_instant_the_same_ones_stay
                age_and_limit_both_let_lines_go
                a_log_knob_that_is_not_positive_does_nothing
                logs_inside_their_window_hold_their_task
                without_log_retention_logs_go_with_their_task
                a_limit_of_lines_holds_a_task_that_has_lines
                many_lines_go_with_many_tasks
                the_logs_of_a_type_have_rules_of_their_own
            }
            retention_series {
                a_finished_series_is_purged_only_if_that_is_asked_for
                a_series_between_two_runs_is_never_purged
                a_run_inside_its_window_holds_its_series
                a_run_without_a_window_holds_its_series
                the_key_of_a_purged_series_is_free_again
            }
            retention_scope {
                a_type_has_rules_of_its_own
                a_queue_has_rules_of_its_own
                the_rules_of_a_type_outweigh_those_of_its_queue
                rules_that_keep_everything_exempt_a_type
                names_of_scopes_are_told_apart_exactly
            }
            search {
                an_empty_storage_has_an_empty_page
                a_task_is_summed_up_in_every_field
                every_filter_finds_what_it_means
                filters_must_all_hold_and_statuses_are_alternatives
                a_name_is_found_by_any_part_in_any_case
                only_the_letters_of_ascii_have_no_case
                wildcards_and_quotes_stand_for_themselves
                text_with_a_nul_finds_nothing
                a_tag_is_found_as_a_whole
                a_task_is_found_by_any_part_of_its_key
                series_are_told_from_tasks_that_run_once
                the_holder_of_a_key_is_found_by_it
                a_task_is_found_by_the_text_of_its_id
                the_ends_of_a_span_of_creation_are_part_of_it
            }
            paging {
                every_order_shows_every_task_once
                a_filtered_list_is_walked_in_its_order
                tasks_of_one_instant_follow_each_other_by_id
                tasks_without_a_value_come_last_in_both_directions
                a_page_that_just_fits_is_the_last_one
                a_page_past_the_end_is_empty
                tasks_stored_between_two_pages_neither_repeat_nor_hide_others
                a_cursor_needs_no_row
            }
            counts {
                tasks_are_counted_by_queue_and_status
                only_tasks_created_from_an_instant_on_are_counted
                a_count_ends_at_its_cap
                a_count_is_of_what_the_filter_means
            }
            history_pages {
                the_audit_is_read_page_by_page_in_both_orders
                attempts_are_read_page_by_page_in_both_orders
                runs_are_read_page_by_page_in_both_orders
                a_history_is_filtered_before_it_is_cut_into_pages
                a_line_written_between_two_pages_repeats_nothing
                lines_removed_between_two_pages_hide_no_others
                an_unknown_task_has_an_empty_history
            }
            logs {
                lines_are_read_in_order_with_every_field
                an_unknown_task_has_no_lines
                lines_of_an_unknown_task_are_missing_and_create_nothing
                no_lines_are_no_write
                lines_written_again_change_nothing
                the_lines_of_two_tasks_are_kept_apart
                lines_commit_with_the_outcome_of_their_group
                lines_see_the_insert_of_their_group
                lines_are_kept_although_the_change_beside_them_is_refused
                a_page_begins_after_its_cursor
                the_last_page_says_that_it_is
                a_thousand_lines_of_three_runs_are_read_by_page
                lines_are_found_by_level_run_and_attempt
                a_page_of_none_or_too_many_lines_is_rejected
                hostile_lines_are_read_back_byte_for_byte
                the_ends_of_every_number_are_read_back
                lines_outlive_the_process_that_wrote_them
            }
            statistics {
                without_runs_there_are_no_buckets
                a_series_is_counted_by_its_runs
                a_run_is_counted_once_however_often_it_was_retried
                a_bucket_without_runs_is_left_out
                a_run_belongs_to_the_bucket_in_which_it_ended
                percentiles_are_the_times_of_runs
                interrupted_runs_are_counted_and_not_measured
                statistics_keep_to_the_queue_and_the_task_asked_for
                tasks_that_keep_no_successes_are_left_out
                statistics_agree_with_a_look_at_every_run
            }
            queues {
                a_queue_of_which_nothing_was_decided_has_no_settings
                a_change_is_read_back_with_who_and_why
                what_is_so_already_is_not_written
                a_change_written_again_is_made_once
                queues_are_told_apart_exactly
                changes_are_read_page_by_page_latest_first
                changes_of_a_group_follow_each_other
                a_rejected_group_changes_no_queue
                decisions_are_everybodys_and_outlive_their_process
                of_two_processes_that_change_a_queue_at_once_both_are_heard
            }
            concurrency {
                two_processes_claiming_at_once_share_no_row
                two_processes_claiming_many_limit_keys_at_once_share_no_row
                of_two_changes_from_one_generation_one_is_applied
                of_two_inserts_of_one_task_one_is_stored
                of_two_tasks_for_one_occurrence_one_is_stored
            }
        }
    };
    (@tests $world:ident; $($subject:ident { $($case:ident)* })*) => {
        $(mod $subject {
            $(#[test]
            fn $case() {
                $crate::storage::conformance::block_on(async {
                    let offer = super::$world().await;
                    let Some(world) = $crate::storage::conformance::Offer::accept(offer) else {
                        return;
                    };
                    $crate::storage::conformance::$subject::$case(&world).await;
                });
            })*
        })*
    };    (@list; $($subject:ident { $($case:ident)* })*) => {
        &[$($($crate::storage::conformance::Case {
            subject: stringify!($subject),
            name: stringify!($case),
            run: |world| Box::pin($crate::storage::conformance::$subject::$case(world)),
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
    pub run: for<'world> fn(&'world dyn World) -> LocalBoxFuture<'world, ()>,
}

/// Every case of the suite, in the order of the subjects.
pub const CASES: &[Case] = crate::conformance_tests!(@with list);
