/// Makes a test of every case, run against the storage that an async function gives.
///
/// The argument names that function; it takes nothing and answers something that is a
/// [`World`](crate::storage::conformance::World), new for every call. The tests land in a module
/// for each subject, so a second storage needs a module of its own around the line.
#[macro_export]
macro_rules! conformance_tests {
    ($world:ident) => {
        $crate::conformance_tests! {
            @cases $world;
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
            insert {
                a_task_inserted_again_is_left_alone
                a_task_twice_in_a_group_is_stored_once
                an_occurrence_gets_no_second_task
                an_occurrence_gets_no_second_task_within_a_group
                a_finished_task_keeps_its_occurrence
                other_occurrences_and_other_series_are_free
                an_occurrence_inserted_again_by_its_own_task_is_no_conflict
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
                only_what_is_claimable_is_claimed
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
            timing {
                a_row_is_claimed_from_its_very_instant_on
                the_next_instant_is_the_earliest_of_those_to_come
                rows_that_are_due_already_are_not_to_come
                the_next_instant_is_that_of_the_claimed_queues
                rows_that_cannot_be_claimed_then_are_not_to_come
                the_rows_of_a_dead_process_are_to_come
                a_delayed_row_is_claimed_by_the_next_process
                an_open_row_without_an_instant_is_not_claimed
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
            concurrency {
                two_processes_claiming_at_once_share_no_row
                of_two_changes_from_one_generation_one_is_applied
                of_two_inserts_of_one_task_one_is_stored
                of_two_tasks_for_one_occurrence_one_is_stored
            }
        }
    };
    (@cases $world:ident; $($subject:ident { $($case:ident)* })*) => {
        $(mod $subject {
            $(#[test]
            fn $case() {
                $crate::storage::conformance::block_on(async {
                    let world = super::$world().await;
                    $crate::storage::conformance::$subject::$case(&world).await;
                });
            })*
        })*
    };
}
