//! The suite is tested, too: storages with one mistake each fail the cases that are meant for it.

mod bent;
mod changes;
mod claims;
mod groups;
mod logs;
mod queries;
mod reads;
mod reconsiderations;
mod results;
mod rows;
mod series;
mod ties;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use evertask_core::storage::StorageBackend;
use evertask_core::storage::conformance::{CASES, Case, block_on};

use self::bent::Bent;

fn title(case: &Case) -> String {
    format!("{}::{}", case.subject, case.name)
}

/// Runs every case against a storage of its own and compares those that fail with what is listed.
///
/// Behind a question mark is a case that a race decides: it may fail or not.
#[track_caller]
fn assert_fails_exactly(storage: impl Fn() -> Bent, listed: &[&str]) {
    let fails = |case: &&Case| {
        let world: Box<dyn StorageBackend> = Box::new(storage());
        catch_unwind(AssertUnwindSafe(|| block_on((case.run)(&world)))).is_err()
    };
    let failing: BTreeSet<_> = CASES.iter().filter(fails).map(title).collect();
    let unexpected = |case: &&String| {
        let certain = listed.contains(&case.as_str());
        !certain && !listed.contains(&format!("?{case}").as_str())
    };
    let unexpected: Vec<_> = failing.iter().filter(unexpected).collect();
    assert!(unexpected.is_empty(), "these fail as well: {unexpected:#?}");
    let passing = |case: &&&str| !case.starts_with('?') && !failing.contains(**case);
    let passing: Vec<_> = listed.iter().filter(passing).collect();
    assert!(passing.is_empty(), "these should fail: {passing:#?}");
}

#[test]
fn every_case_is_failed_by_a_wrong_storage() {
    let listed = FAILED.iter().chain(retention::FAILED).copied();
    let failed: BTreeSet<_> = listed.map(str::to_owned).collect();
    let cases: BTreeSet<_> = CASES.iter().map(title).collect();
    let unfailed: Vec<_> = cases.difference(&failed).collect();
    assert!(unfailed.is_empty(), "nothing fails {unfailed:#?}");
    let named = failed
        .iter()
        .map(|case| case.trim_start_matches('?').to_owned());
    let unknown: Vec<_> = named.filter(|case| !cases.contains(case)).collect();
    assert!(unknown.is_empty(), "no such cases: {unknown:#?}");
}

/// Makes a test of each wrong storage, and the list of all cases that one of them fails.
macro_rules! wrong_storages {
    ($($name:ident: $mistake:expr => [$($case:literal),* $(,)?],)*) => {
        $(#[test]
        fn $name() {
            assert_fails_exactly(|| Bent::by($mistake), &[$($case),*]);
        })*

        pub(super) const FAILED: &[&str] = &[$($($case,)*)*];
    };
}

// Below the macro, which it uses.
mod retention;

wrong_storages! {
    a_storage_that_loses_audit: changes::LosesAudit => [
        "audit_levels::each_level_leaves_the_rows_it_should",
        "change::a_chain_in_a_group_leaves_every_audit_line_and_attempt_once",
        "claim::a_parked_row_stays_in_progress",
        "claim::a_stopped_row_is_queued_again",
        "concurrency::of_two_changes_from_one_generation_one_is_applied",
        "group::a_group_of_thousands_of_writes_is_answered_one_by_one",
        "group::a_whole_life_fits_into_one_group",
        "history::audit_lines_keep_their_order_when_a_clock_was_set_back",
        "history::audit_lines_of_one_instant_keep_their_order",
        "history::every_field_of_an_audit_line_is_read_back",
        "history_pages::a_history_is_filtered_before_it_is_cut_into_pages",
        "history_pages::a_line_written_between_two_pages_repeats_nothing",
        "history_pages::the_audit_is_read_page_by_page_in_both_orders",
        "insert::a_task_inserted_again_is_left_alone",
        "lease::every_transition_is_stored_as_the_lease_says",
        "policies::a_change_leaves_exactly_what_its_level_keeps",
        "series::a_run_that_ends_moves_the_series_on",
    ],
    a_storage_that_loses_audit_of_chains: changes::LosesAuditOfChains => [
        "change::a_chain_in_a_group_leaves_every_audit_line_and_attempt_once",
        "group::a_group_of_thousands_of_writes_is_answered_one_by_one",
        "group::a_whole_life_fits_into_one_group",
    ],
    a_storage_that_ignores_generation: changes::IgnoresGeneration => [
        "cancel::a_cancelled_task_refuses_the_outcome_of_its_delivery",
        "change::a_chain_in_a_group_leaves_every_audit_line_and_attempt_once",
        "change::a_change_after_a_gap_is_refused_and_the_one_before_is_applied",
        "change::a_refused_chain_is_refused_as_a_whole",
        "change::a_refused_change_does_not_stop_its_neighbours",
        "change::a_stale_change_is_not_mistaken_for_a_repeated_one",
        "change::what_follows_a_refused_change_in_a_later_group_is_refused_too",
        "claim::a_row_that_ended_meanwhile_is_never_set_back",
        "concurrency::of_two_changes_from_one_generation_one_is_applied",
        "lease::every_transition_from_an_old_generation_is_refused",
        "lease::every_transition_written_again_changes_nothing",
        "liveness::a_claim_supersedes_the_delivery_of_the_dead",
        "logs::lines_are_kept_although_the_change_beside_them_is_refused",
    ],
    a_storage_that_compares_generations_only: changes::ComparesGenerationsOnly => [
        "change::a_stale_change_is_not_mistaken_for_a_repeated_one",
        "concurrency::of_two_changes_from_one_generation_one_is_applied",
    ],
    a_storage_that_hides_refusals: changes::HidesRefusals => [
        "cancel::a_cancelled_task_refuses_the_outcome_of_its_delivery",
        "change::a_change_after_a_gap_is_refused_and_the_one_before_is_applied",
        "change::a_refused_chain_is_refused_as_a_whole",
        "change::a_refused_change_does_not_stop_its_neighbours",
        "change::a_stale_change_is_not_mistaken_for_a_repeated_one",
        "change::what_follows_a_refused_change_in_a_later_group_is_refused_too",
        "claim::a_row_that_ended_meanwhile_is_never_set_back",
        "concurrency::of_two_changes_from_one_generation_one_is_applied",
        "lease::every_transition_from_an_old_generation_is_refused",
        "liveness::a_claim_supersedes_the_delivery_of_the_dead",
    ],
    a_storage_that_applies_to_nothing: changes::AppliesToNothing => [
        "change::a_refused_change_does_not_stop_its_neighbours",
        "lease::a_transition_of_an_unknown_row_is_missing",
        "retention_purge::a_task_that_is_revived_during_a_purge_stays",
    ],
    a_storage_that_repeats_attempts: changes::RepeatsAttempts::default() => [
        "history::an_attempt_that_is_stored_already_is_left_alone",
        "retention_purge::a_purged_task_leaves_nothing_behind",
    ],
    a_storage_that_refuses_repetitions: changes::RefusesRepetitions => [
        "change::a_chain_in_a_group_leaves_every_audit_line_and_attempt_once",
        "lease::every_transition_written_again_changes_nothing",
        "series::a_run_that_is_stored_already_is_left_alone",
    ],
    a_storage_that_splits_groups: groups::SplitsGroups => [
        "change::a_chain_in_a_group_leaves_every_audit_line_and_attempt_once",
        "group::a_rejected_write_leaves_nothing_of_its_group",
    ],
    a_storage_that_ignores_the_order_of_kinds: groups::IgnoresTheOrderOfKinds => [
        "group::a_cancel_sees_the_changes_of_its_group",
        "group::a_claim_sees_everything_its_group_did",
        "group::a_whole_life_fits_into_one_group",
        "group::answers_come_in_the_order_of_the_writes",
        "logs::lines_commit_with_the_outcome_of_their_group",
        "logs::lines_see_the_insert_of_their_group",
    ],
    a_storage_that_answers_in_the_wrong_order: groups::AnswersInTheWrongOrder => [
        "group::a_cancel_sees_the_changes_of_its_group",
        "group::a_claim_sees_everything_its_group_did",
        "group::a_group_of_thousands_of_writes_is_answered_one_by_one",
        "group::a_whole_life_fits_into_one_group",
        "group::answers_come_in_the_order_of_the_writes",
        "logs::lines_commit_with_the_outcome_of_their_group",
        "logs::lines_see_the_insert_of_their_group",
    ],
    a_storage_that_overwrites_on_insert: groups::OverwritesOnInsert => [
        "insert::a_task_inserted_again_is_left_alone",
        "insert::a_task_twice_in_a_group_is_stored_once",
        "insert::an_occurrence_inserted_again_by_its_own_task_is_no_conflict",
    ],
    a_storage_that_hides_what_exists: groups::HidesWhatExists => [
        "concurrency::of_two_inserts_of_one_task_one_is_stored",
        "group::answers_come_in_the_order_of_the_writes",
        "insert::a_task_inserted_again_is_left_alone",
        "insert::a_task_twice_in_a_group_is_stored_once",
        "insert::an_occurrence_inserted_again_by_its_own_task_is_no_conflict",
    ],
    a_storage_that_repeats_occurrences: groups::RepeatsOccurrences::default() => [
        "concurrency::of_two_tasks_for_one_occurrence_one_is_stored",
        "group::a_rejected_write_leaves_nothing_of_its_group",
        "group::a_storage_works_on_after_a_rejected_group",
        "insert::a_finished_task_keeps_its_occurrence",
        "insert::an_occurrence_gets_no_second_task",
        "insert::an_occurrence_gets_no_second_task_within_a_group",
        "logs::lines_commit_with_the_outcome_of_their_group",
        "series::a_rejected_group_moves_no_series_on",
    ],
    a_storage_that_cancels_what_is_over: groups::CancelsWhatIsOver => [
        "cancel::a_second_cancel_finds_the_task_over",
        "cancel::a_task_that_is_over_is_left_alone",
        "group::a_cancel_sees_the_changes_of_its_group",
        "group::a_group_of_thousands_of_writes_is_answered_one_by_one",
        "series::a_cancelled_series_is_not_claimed",
        "series::a_series_that_is_over_is_not_claimed",
    ],
    a_storage_that_cancels_behind_the_delivery: groups::CancelsBehindTheDelivery => [
        "cancel::a_cancelled_task_refuses_the_outcome_of_its_delivery",
        "cancel::every_open_status_becomes_cancelled",
        "change::a_refused_chain_is_refused_as_a_whole",
        "change::a_refused_change_does_not_stop_its_neighbours",
        "change::a_stale_change_is_not_mistaken_for_a_repeated_one",
        "change::what_follows_a_refused_change_in_a_later_group_is_refused_too",
        "logs::lines_are_kept_although_the_change_beside_them_is_refused",
    ],
    a_storage_that_forgets_who_cancelled: groups::ForgetsWhoCancelled => [
        "audit_levels::what_a_person_did_is_always_kept",
        "cancel::the_audit_says_who_cancelled_and_why",
    ],
    a_storage_that_reconsiders_everything: groups::ReconsidersEverything::default() => [
        "reconsider::a_task_whose_handler_is_now_known_runs",
        "reconsider::no_known_task_means_no_handler",
    ],
    a_storage_that_claims_early: claims::ClaimsEarly::new() => [
        "claim::a_parked_row_stays_in_progress",
        "claim::a_row_that_ended_meanwhile_is_never_set_back",
        "claim::only_what_is_claimable_is_claimed",
        "policies::a_claim_takes_exactly_what_is_claimable",
        "series::a_series_is_claimed_for_its_next_run",
        "timing::a_delayed_row_is_claimed_by_the_next_process",
        "timing::a_row_is_claimed_from_its_very_instant_on",
        "timing::rows_that_are_due_already_are_not_to_come",
        "timing::the_next_instant_is_that_of_the_claimed_queues",
        "timing::the_next_instant_is_the_earliest_of_those_to_come",
        "timing::the_rows_of_a_dead_process_are_to_come",
    ],
    a_storage_that_claims_from_the_living: claims::ClaimsFromTheLiving::default() => [
        "claim::only_what_is_claimable_is_claimed",
        "claim_limits::a_claim_takes_no_more_payload_than_its_bound",
        "claim_limits::a_claim_takes_no_more_rows_than_its_limit",
        "claim_limits::no_row_is_passed_over_for_its_size",
        "claim_limits::one_row_is_taken_however_large",
        "claim_limits::paging_over_one_instant_neither_skips_nor_duplicates",
        "claim_limits::payload_is_measured_in_bytes",
        "claim_limits::rows_stored_between_two_pages_take_their_place",
        "concurrency::two_processes_claiming_at_once_share_no_row",
        "liveness::a_claimed_row_is_claimed_once",
        "liveness::a_death_after_the_probation_is_not_counted",
        "liveness::a_death_on_probation_is_counted",
        "liveness::dead_and_living_owners_are_told_apart",
        "liveness::the_rows_of_a_crashed_process_are_claimed_as_interrupted",
        "liveness::the_rows_of_a_living_process_are_its_own",
        "liveness::the_rows_of_a_stopped_process_are_claimed",
        "policies::a_claim_takes_exactly_what_is_claimable",
        "timing::a_delayed_row_is_claimed_by_the_next_process",
        "timing::rows_that_cannot_be_claimed_then_are_not_to_come",
    ],
    a_storage_that_claims_twice: claims::ClaimsTwice => [
        "claim::a_claimed_row_is_queued_and_owned",
        "claim_limits::a_claim_takes_no_more_payload_than_its_bound",
        "claim_limits::a_claim_takes_no_more_rows_than_its_limit",
        "claim_limits::no_row_is_passed_over_for_its_size",
        "claim_limits::one_row_is_taken_however_large",
        "claim_limits::paging_over_one_instant_neither_skips_nor_duplicates",
        "claim_limits::payload_is_measured_in_bytes",
        "claim_limits::rows_stored_between_two_pages_take_their_place",
        "concurrency::two_processes_claiming_at_once_share_no_row",
        "liveness::a_claimed_row_is_claimed_once",
        "liveness::the_rows_of_a_crashed_process_are_claimed_as_interrupted",
        "reads::owned_answers_present_generations_and_follows_the_owner",
        "timing::a_delayed_row_is_claimed_by_the_next_process",
    ],
    a_storage_that_claims_one_too_many: claims::ClaimsOneTooMany => [
        "claim_limits::a_claim_takes_no_more_rows_than_its_limit",
        "claim_limits::paging_over_one_instant_neither_skips_nor_duplicates",
        "claim_limits::rows_stored_between_two_pages_take_their_place",
        "group::two_claims_of_a_group_share_no_row",
        "timing::rows_that_are_due_already_are_not_to_come",
    ],
    a_storage_that_ignores_size: claims::IgnoresSize => [
        "claim_limits::a_claim_takes_no_more_payload_than_its_bound",
        "claim_limits::no_row_is_passed_over_for_its_size",
        "claim_limits::one_row_is_taken_however_large",
        "claim_limits::payload_is_measured_in_bytes",
    ],
    a_storage_that_ignores_wait_reasons: claims::IgnoresWaitReasons::default() => [
        "claim::a_row_that_waits_for_a_reason_is_passed_over",
        "claim::only_what_is_claimable_is_claimed",
        "liveness::a_dead_judge_does_not_end_the_wait_by_itself",
        "policies::a_claim_takes_exactly_what_is_claimable",
        "reconsider::a_task_whose_handler_is_now_known_runs",
        "timing::rows_that_cannot_be_claimed_then_are_not_to_come",
    ],
    a_storage_that_is_case_blind: claims::IsCaseBlind::default() => [
        "claim::a_claim_tells_queues_apart_exactly",
    ],
    a_storage_that_guesses_what_is_left: claims::GuessesWhatIsLeft => [
        "claim_limits::a_claim_takes_no_more_payload_than_its_bound",
        "claim_limits::a_limit_that_is_just_enough_exhausts_the_rows",
        "claim_limits::no_row_is_passed_over_for_its_size",
    ],
    a_storage_that_forgets_what_is_to_come: claims::ForgetsWhatIsToCome => [
        "policies::a_claim_takes_exactly_what_is_claimable",
        "series::a_series_is_claimed_for_its_next_run",
        "timing::a_delayed_row_is_claimed_by_the_next_process",
        "timing::a_row_is_claimed_from_its_very_instant_on",
        "timing::rows_that_are_due_already_are_not_to_come",
        "timing::the_next_instant_is_that_of_the_claimed_queues",
        "timing::the_next_instant_is_the_earliest_of_those_to_come",
        "timing::the_rows_of_a_dead_process_are_to_come",
    ],
    a_storage_that_takes_due_for_to_come: claims::TakesDueForToCome => [
        "timing::rows_that_are_due_already_are_not_to_come",
    ],
    a_storage_that_forgets_the_dead: claims::ForgetsTheDead => [
        "liveness::a_death_after_the_probation_is_not_counted",
        "liveness::dead_and_living_owners_are_told_apart",
        "liveness::the_rows_of_a_crashed_process_are_claimed_as_interrupted",
        "liveness::the_rows_of_a_stopped_process_are_claimed",
    ],
    a_storage_that_never_notices_a_death: claims::NeverNoticesADeath::default() => [
        "liveness::a_claim_supersedes_the_delivery_of_the_dead",
        "liveness::a_death_after_the_probation_is_not_counted",
        "liveness::a_death_on_probation_is_counted",
        "liveness::dead_and_living_owners_are_told_apart",
        "liveness::the_rows_of_a_crashed_process_are_claimed_as_interrupted",
        "policies::a_claim_takes_exactly_what_is_claimable",
        "reconsider::an_undecodable_task_is_tried_again_by_the_next_process",
        "timing::the_rows_of_a_dead_process_are_to_come",
    ],
    a_storage_that_rewrites_payloads: reads::RewritesPayloads => [
        "round_trip::a_payload_is_not_rewritten",
    ],
    a_storage_that_cuts_instants: reads::CutsInstants => [
        "paging::every_order_shows_every_task_once",
        "round_trip::a_task_with_every_field_is_read_back",
        "round_trip::the_ends_of_every_range_are_read_back",
        "timing::the_next_instant_is_the_earliest_of_those_to_come",
    ],
    a_storage_that_takes_empty_for_nothing: reads::TakesEmptyForNothing => [
        "round_trip::what_is_empty_or_zero_is_not_absent",
    ],
    a_storage_that_sorts_audit_by_time: reads::SortsAuditByTime => [
        "history::audit_lines_keep_their_order_when_a_clock_was_set_back",
    ],
    a_storage_that_reads_audit_backwards: reads::ReadsAuditBackwards => [
        "change::a_chain_in_a_group_leaves_every_audit_line_and_attempt_once",
        "change::a_refused_chain_is_refused_as_a_whole",
        "claim::a_parked_row_stays_in_progress",
        "claim::a_stopped_row_is_queued_again",
        "group::a_whole_life_fits_into_one_group",
        "history::audit_lines_keep_their_order_when_a_clock_was_set_back",
        "history::audit_lines_of_one_instant_keep_their_order",
        "history::every_field_of_an_audit_line_is_read_back",
        "history_pages::the_audit_is_read_page_by_page_in_both_orders",
        "insert::a_task_inserted_again_is_left_alone",
        "lease::every_transition_is_stored_as_the_lease_says",
        "liveness::the_rows_of_a_crashed_process_are_claimed_as_interrupted",
        "retention::a_longer_window_of_errors_keeps_errors_longer",
        "retention::a_shorter_window_of_errors_lets_errors_go_sooner",
        "retention::a_window_of_errors_alone_deletes_nothing",
        "series::a_run_that_ends_moves_the_series_on",
    ],
    a_storage_that_reads_attempts_backwards: reads::ReadsAttemptsBackwards => [
        "change::a_chain_in_a_group_leaves_every_audit_line_and_attempt_once",
        "history::an_attempt_that_is_stored_already_is_left_alone",
        "history::attempts_are_read_oldest_first_with_every_field",
        "history_pages::attempts_are_read_page_by_page_in_both_orders",
        "retention::attempts_go_by_the_window_of_runs",
    ],
    a_storage_that_owns_in_every_queue: reads::OwnsInEveryQueue => [
        "reads::owned_keeps_to_the_queues_asked_for",
        "round_trip::names_are_told_apart_exactly",
    ],
    a_storage_that_forgets_what_is_in_progress: reads::ForgetsWhatIsInProgress => [
        "reads::owned_lists_the_open_rows_of_an_owner",
    ],
    a_storage_that_breaks_ties_backwards: ties::BreaksTiesBackwards => [
        "audit_levels::a_claim_goes_by_the_level_of_each_row",
        "claim::all_except_none_takes_from_every_queue",
        "claim::every_open_status_without_an_owner_is_claimed",
        "claim::only_what_is_claimable_is_claimed",
        "claim_limits::a_claim_takes_no_more_payload_than_its_bound",
        "claim_limits::a_claim_takes_no_more_rows_than_its_limit",
        "claim_limits::a_limit_that_is_just_enough_exhausts_the_rows",
        "claim_limits::no_row_is_passed_over_for_its_size",
        "claim_limits::one_row_is_taken_however_large",
        "claim_limits::paging_over_one_instant_neither_skips_nor_duplicates",
        "claim_limits::payload_is_measured_in_bytes",
        "claim_limits::rows_are_taken_by_availability_and_then_by_id",
        "claim_limits::rows_stored_between_two_pages_take_their_place",
        "claim_limits::the_largest_limits_are_no_problem",
        "group::a_claim_sees_everything_its_group_did",
        "group::two_claims_of_a_group_share_no_row",
        "liveness::a_death_on_probation_is_counted",
        "liveness::the_rows_of_a_crashed_process_are_claimed_as_interrupted",
        "paging::a_cursor_needs_no_row",
        "paging::a_filtered_list_is_walked_in_its_order",
        "paging::every_order_shows_every_task_once",
        "paging::tasks_of_one_instant_follow_each_other_by_id",
        "paging::tasks_without_a_value_come_last_in_both_directions",
        "policies::a_claim_takes_exactly_what_is_claimable",
        "reconsider::a_task_whose_handler_is_now_known_runs",
        "series::runs_are_read_oldest_first_with_every_field",
    ],
    a_storage_that_cuts_payloads: rows::CutsPayloads => [
        "round_trip::a_payload_of_a_mebibyte_is_read_back",
    ],
    a_storage_that_cuts_results: results::CutsResults => [
        "results::a_result_of_a_mebibyte_is_read_back",
    ],
    a_storage_that_rewrites_results: results::RewritesResults => [
        "results::a_result_is_not_rewritten",
    ],
    a_storage_that_loses_results: results::LosesResults => [
        "lease::every_transition_is_stored_as_the_lease_says",
        "results::a_result_is_not_rewritten",
        "results::a_result_is_stored_with_its_outcome",
        "results::a_result_of_a_mebibyte_is_read_back",
        "results::a_series_has_the_result_of_its_last_run",
    ],
    a_storage_that_keeps_progress: results::KeepsProgress::default() => [
        "results::the_last_progress_is_read_back_until_a_new_start",
    ],
    a_storage_that_forgets_the_progress_of_what_is_cancelled: results::ForgetsProgressOfCancelled => [
        "results::a_cancel_leaves_the_progress",
    ],
    a_storage_that_forgets_wait_reasons: rows::ForgetsWaitReasons => [
        "cancel::a_task_that_is_over_is_left_alone",
        "claim::a_row_that_waits_for_a_reason_is_passed_over",
        "claim::only_what_is_claimable_is_claimed",
        "counts::a_count_is_of_what_the_filter_means",
        "policies::a_claim_takes_exactly_what_is_claimable",
        "reads::owned_lists_the_open_rows_of_an_owner",
        "round_trip::a_task_with_every_field_is_read_back",
        "round_trip::every_status_and_wait_reason_is_read_back",
        "search::a_task_is_summed_up_in_every_field",
        "search::every_filter_finds_what_it_means",
        "timing::rows_that_cannot_be_claimed_then_are_not_to_come",
    ],
    a_storage_that_forgets_deadlines: rows::ForgetsDeadlines => [
        "round_trip::a_task_with_every_field_is_read_back",
        "round_trip::the_ends_of_every_range_are_read_back",
    ],
    a_storage_that_forgets_retry_delays: changes::ForgetsRetryDelays => [
        "change::chains_of_several_rows_may_be_interleaved",
        "claim::a_parked_row_stays_in_progress",
        "lease::every_transition_is_stored_as_the_lease_says",
    ],
    a_storage_that_forgets_snoozes: changes::ForgetsSnoozes => [
        "lease::every_transition_is_stored_as_the_lease_says",
    ],
    a_storage_that_takes_never_for_always: rows::TakesNeverForAlways => [
        "cancel::a_task_that_is_over_is_left_alone",
        "claim::only_what_is_claimable_is_claimed",
        "paging::a_filtered_list_is_walked_in_its_order",
        "paging::every_order_shows_every_task_once",
        "paging::tasks_without_a_value_come_last_in_both_directions",
        "policies::a_claim_takes_exactly_what_is_claimable",
        "retention_series::the_key_of_a_purged_series_is_free_again",
        "round_trip::what_is_absent_stays_absent",
        "timing::an_open_row_without_an_instant_is_not_claimed",
    ],
    a_storage_that_takes_nothing_for_empty: rows::TakesNothingForEmpty => [
        "cancel::a_task_that_is_over_is_left_alone",
        "cancel::every_open_status_becomes_cancelled",
        "claim::a_claimed_row_is_queued_and_owned",
        "claim::a_row_that_waits_for_a_reason_is_passed_over",
        "insert::a_task_twice_in_a_group_is_stored_once",
        "insert::an_occurrence_inserted_again_by_its_own_task_is_no_conflict",
        "keys::any_number_of_tasks_have_no_key",
        "liveness::the_rows_of_a_living_process_are_its_own",
        "policies::a_claim_takes_exactly_what_is_claimable",
        "reconsider::rows_that_do_not_wait_are_left_alone",
        "retention_series::the_key_of_a_purged_series_is_free_again",
        "round_trip::a_payload_is_not_rewritten",
        "round_trip::a_payload_of_a_mebibyte_is_read_back",
        "round_trip::every_status_and_wait_reason_is_read_back",
        "round_trip::the_ends_of_every_range_are_read_back",
        "round_trip::what_is_absent_stays_absent",
        "timing::an_open_row_without_an_instant_is_not_claimed",
    ],
    a_storage_that_ignores_which_occurrence: rows::IgnoresWhichOccurrence::default() => [
        "concurrency::of_two_tasks_for_one_occurrence_one_is_stored",
        "insert::other_occurrences_and_other_series_are_free",
        "retention_purge::an_occurrence_of_a_purged_task_is_free_again",
    ],
    a_storage_that_mixes_histories: rows::MixesHistories::default() => [
        "audit_levels::a_claim_goes_by_the_level_of_each_row",
        "audit_levels::each_level_leaves_the_rows_it_should",
        "audit_levels::what_a_person_did_is_always_kept",
        "concurrency::of_two_changes_from_one_generation_one_is_applied",
        "group::a_group_of_thousands_of_writes_is_answered_one_by_one",
        "group::a_rejected_write_leaves_nothing_of_its_group",
        "history::the_histories_of_two_tasks_are_kept_apart",
        "history_pages::the_audit_is_read_page_by_page_in_both_orders",
        "keys::a_series_keeps_its_key_when_it_is_over",
        "lease::every_transition_is_stored_as_the_lease_says",
        "policies::a_change_leaves_exactly_what_its_level_keeps",
        "policies::a_claim_is_audited_exactly_as_levels_say",
        "reconsider::rows_that_do_not_wait_are_left_alone",
        "retention::a_first_cycle_over_many_lines_goes_batch_by_batch",
        "retention::a_longer_window_of_errors_keeps_errors_longer",
        "retention::a_shorter_window_of_errors_lets_errors_go_sooner",
        "retention::a_window_of_errors_alone_deletes_nothing",
        "retention::lines_are_looked_at_in_whatever_order_they_were_written",
        "retention_scope::a_queue_has_rules_of_its_own",
        "retention_scope::a_type_has_rules_of_its_own",
        "retention_scope::names_of_scopes_are_told_apart_exactly",
        "retention_scope::rules_that_keep_everything_exempt_a_type",
        "retention_scope::the_rules_of_a_type_outweigh_those_of_its_queue",
    ],
    a_storage_that_keeps_processes_apart: rows::KeepsProcessesApart::default() => [
        "?concurrency::of_two_tasks_for_one_occurrence_one_is_stored",
        "?concurrency::two_processes_claiming_at_once_share_no_row",
        "liveness::a_claim_supersedes_the_delivery_of_the_dead",
        "liveness::the_rows_of_a_crashed_process_are_claimed_as_interrupted",
        "liveness::the_rows_of_a_living_process_are_its_own",
        "policies::a_claim_takes_exactly_what_is_claimable",
        "reads::a_process_sees_what_another_committed",
        "reads::everything_outlives_the_process_that_wrote_it",
        "reconsider::a_task_whose_handler_is_now_known_runs",
        "reconsider::an_undecodable_task_is_tried_again_by_the_next_process",
        "reconsider::no_known_task_means_no_handler",
    ],
    a_storage_that_fails_on_the_unknown: rows::FailsOnTheUnknown => [
        "cancel::an_unknown_task_is_not_cancelled",
        "concurrency::of_two_tasks_for_one_occurrence_one_is_stored",
        "group::a_rejected_write_leaves_nothing_of_its_group",
        "insert::an_occurrence_gets_no_second_task",
        "insert::an_occurrence_gets_no_second_task_within_a_group",
        "keys::a_series_keeps_its_key_when_it_is_over",
        "keys::a_taken_key_is_answered_with_its_holder",
        "keys::keys_are_told_apart_exactly",
        "lease::a_transition_of_an_unknown_row_is_missing",
        "logs::lines_of_an_unknown_task_are_missing_and_create_nothing",
        "reads::an_unknown_task_has_no_row_and_no_history",
        "retention_logs::a_limit_of_lines_holds_a_task_that_has_lines",
        "retention_logs::logs_inside_their_window_hold_their_task",
        "retention_logs::many_lines_go_with_many_tasks",
        "retention_logs::without_log_retention_logs_go_with_their_task",
        "retention_purge::a_completed_task_is_purged_after_the_longest_window",
        "retention_purge::a_line_inside_its_window_holds_its_task",
        "retention_purge::a_status_line_without_a_window_holds_its_task",
        "retention_purge::a_task_that_is_revived_during_a_purge_stays",
        "retention_purge::a_task_that_never_ran_ages_from_its_creation",
        "retention_purge::a_task_without_history_waits_for_the_longest_window",
        "retention_purge::attempts_inside_their_window_hold_their_task",
        "retention_purge::many_tasks_are_purged_batch_by_batch",
        "retention_purge::only_what_ended_as_asked_is_purged",
        "retention_purge::without_a_window_nothing_is_purged",
        "retention_purge::without_being_asked_nothing_is_purged",
        "retention_scope::a_queue_has_rules_of_its_own",
        "retention_scope::a_type_has_rules_of_its_own",
        "retention_scope::names_of_scopes_are_told_apart_exactly",
        "retention_scope::rules_that_keep_everything_exempt_a_type",
        "retention_scope::the_rules_of_a_type_outweigh_those_of_its_queue",
        "retention_series::a_finished_series_is_purged_only_if_that_is_asked_for",
        "retention_series::a_run_inside_its_window_holds_its_series",
        "retention_series::a_series_between_two_runs_is_never_purged",
    ],
    a_storage_that_forgets_what_is_due_later: rows::ForgetsWhatIsDueLater => [
        "reads::owned_counts_rows_that_are_not_due",
    ],
    a_storage_that_audits_every_look: reconsiderations::AuditsEveryLook::default() => [
        "reconsider::a_reconsidered_row_gets_no_audit_line",
    ],
    a_storage_that_reconsiders_what_runs: reconsiderations::ReconsidersWhatRuns::default() => [
        "reconsider::an_undecodable_task_is_tried_again_by_the_next_process",
        "reconsider::rows_that_do_not_wait_are_left_alone",
    ],
    a_storage_that_obeys_the_judge: reconsiderations::ObeysTheJudge::default() => [
        "reconsider::a_handler_of_this_process_outweighs_a_living_judge_without",
        "reconsider::a_reconsidered_row_gets_no_audit_line",
    ],
    a_storage_that_counts_generations: changes::CountsGenerations => [
        "change::a_generation_may_rise_by_more_than_one",
        "change::what_follows_a_refused_change_in_a_later_group_is_refused_too",
        "lease::every_transition_is_stored_as_the_lease_says",
    ],
    a_storage_that_breaks_interleaved_chains: changes::BreaksInterleavedChains => [
        "change::a_refused_change_does_not_stop_its_neighbours",
        "change::chains_of_several_rows_may_be_interleaved",
    ],
    a_storage_that_is_never_exhausted: claims::IsNeverExhausted => [
        "claim::a_claim_of_an_empty_storage_is_exhausted",
        "claim::a_row_that_waits_for_a_reason_is_passed_over",
        "claim::all_except_takes_from_the_other_queues",
        "claim::every_open_status_without_an_owner_is_claimed",
        "claim::only_takes_from_its_queue",
        "claim::only_what_is_claimable_is_claimed",
        "claim_limits::a_claim_takes_no_more_payload_than_its_bound",
        "claim_limits::a_claim_takes_no_more_rows_than_its_limit",
        "claim_limits::a_limit_that_is_just_enough_exhausts_the_rows",
        "claim_limits::paging_over_one_instant_neither_skips_nor_duplicates",
        "claim_limits::the_largest_limits_are_no_problem",
        "concurrency::two_processes_claiming_at_once_share_no_row",
        "group::a_claim_sees_everything_its_group_did",
        "group::two_claims_of_a_group_share_no_row",
        "liveness::a_dead_judge_does_not_end_the_wait_by_itself",
        "liveness::the_rows_of_a_crashed_process_are_claimed_as_interrupted",
        "liveness::the_rows_of_a_living_process_are_its_own",
        "policies::a_claim_takes_exactly_what_is_claimable",
        "timing::a_row_is_claimed_from_its_very_instant_on",
        "timing::an_open_row_without_an_instant_is_not_claimed",
        "timing::the_rows_of_a_dead_process_are_to_come",
    ],
    a_storage_that_ignores_queues: claims::IgnoresQueues => [
        "claim::a_claim_tells_queues_apart_exactly",
        "claim::all_except_takes_from_the_other_queues",
        "claim::only_takes_from_its_queue",
        "timing::the_next_instant_is_that_of_the_claimed_queues",
    ],
    a_storage_that_suspects_everybody: claims::SuspectsEverybody => [
        "claim::a_claimed_row_is_queued_and_owned",
        "claim::a_parked_row_stays_in_progress",
        "claim::a_stopped_row_is_queued_again",
        "liveness::a_row_that_its_owner_gave_up_is_not_interrupted",
        "liveness::dead_and_living_owners_are_told_apart",
        "reconsider::a_task_whose_handler_is_now_known_runs",
    ],
    a_storage_that_refuses_empty_groups: groups::RefusesEmptyGroups => [
        "group::an_empty_group_is_answered_with_nothing",
    ],
    a_storage_that_cancels_the_unknown: groups::CancelsTheUnknown => [
        "cancel::an_unknown_task_is_not_cancelled",
        "group::answers_come_in_the_order_of_the_writes",
    ],
    a_storage_that_cancels_on_paper_only: groups::CancelsOnPaperOnly => [
        "cancel::a_cancelled_task_is_not_claimed",
        "cancel::a_second_cancel_finds_the_task_over",
        "cancel::every_open_status_becomes_cancelled",
        "group::a_cancel_sees_the_changes_of_its_group",
        "keys::a_task_that_is_over_gives_up_its_key",
        "reads::owned_answers_present_generations_and_follows_the_owner",
        "series::a_cancelled_series_is_not_claimed",
    ],
    a_storage_that_ignores_audit_levels: series::IgnoresAuditLevels => [
        "audit_levels::each_level_leaves_the_rows_it_should",
        "policies::a_change_leaves_exactly_what_its_level_keeps",
    ],
    a_storage_that_hides_persons: series::HidesPersons => [
        "audit_levels::each_level_leaves_the_rows_it_should",
        "audit_levels::what_a_person_did_is_always_kept",
    ],
    a_storage_that_audits_every_claim: series::AuditsEveryClaim => [
        "audit_levels::a_claim_goes_by_the_level_of_each_row",
        "policies::a_change_leaves_exactly_what_its_level_keeps",
        "policies::a_claim_is_audited_exactly_as_levels_say",
    ],
    a_storage_that_loses_runs: series::LosesRuns => [
        "audit_levels::each_level_leaves_the_rows_it_should",
        "audit_levels::the_counter_equals_the_rows_of_runs",
        "history_pages::runs_are_read_page_by_page_in_both_orders",
        "policies::a_change_leaves_exactly_what_its_level_keeps",
        "retention::runs_go_by_their_window",
        "retention_series::a_run_inside_its_window_holds_its_series",
        "retention_series::a_run_without_a_window_holds_its_series",
        "series::a_run_that_ends_moves_the_series_on",
        "series::a_run_that_is_stored_already_is_left_alone",
        "series::a_series_is_claimed_for_its_next_run",
        "series::a_series_that_is_over_is_not_claimed",
        "series::runs_are_read_oldest_first_with_every_field",
        "series::the_counter_of_runs_stands_still_at_its_end",
    ],
    a_storage_that_reads_runs_backwards: series::ReadsRunsBackwards => [
        "history_pages::runs_are_read_page_by_page_in_both_orders",
        "series::a_series_is_claimed_for_its_next_run",
        "series::runs_are_read_oldest_first_with_every_field",
    ],
    a_storage_that_overflows_counters: series::OverflowsCounters => [
        "series::the_counter_of_runs_stands_still_at_its_end",
    ],
    a_storage_that_forgets_to_count: series::ForgetsToCount => [
        "audit_levels::the_counter_equals_the_rows_of_runs",
        "audit_levels::the_row_says_the_same_at_every_level",
        "series::a_run_that_ends_moves_the_series_on",
        "series::a_run_that_is_stored_already_is_left_alone",
        "series::a_series_is_claimed_for_its_next_run",
        "series::a_series_that_is_over_is_not_claimed",
        "series::the_counter_of_runs_stands_still_at_its_end",
    ],
    a_storage_that_ends_series_with_their_run: series::EndsSeriesWithTheirRun => [
        "audit_levels::each_level_leaves_the_rows_it_should",
        "audit_levels::the_counter_equals_the_rows_of_runs",
        "audit_levels::the_row_says_the_same_at_every_level",
        "paging::every_order_shows_every_task_once",
        "policies::a_claim_takes_exactly_what_is_claimable",
        "reconsider::rows_that_do_not_wait_are_left_alone",
        "results::a_series_has_the_result_of_its_last_run",
        "round_trip::every_status_and_wait_reason_is_read_back",
        "search::a_task_is_summed_up_in_every_field",
        "series::a_run_that_ends_moves_the_series_on",
        "series::a_series_is_claimed_for_its_next_run",
        "series::the_counter_of_runs_stands_still_at_its_end",
    ],
    a_storage_that_never_ends_a_series: series::NeverEndsASeries => [
        "claim::every_open_status_without_an_owner_is_claimed",
        "claim::only_what_is_claimable_is_claimed",
        "policies::a_claim_is_audited_exactly_as_levels_say",
        "policies::a_claim_takes_exactly_what_is_claimable",
        "reads::owned_lists_the_open_rows_of_an_owner",
        "reconsider::rows_that_do_not_wait_are_left_alone",
        "round_trip::every_status_and_wait_reason_is_read_back",
        "search::a_task_is_summed_up_in_every_field",
        "series::a_finished_row_without_a_next_run_is_not_claimed",
    ],
    a_storage_that_forgets_keys: series::ForgetsKeys => [
        "keys::a_series_keeps_its_key_when_it_is_over",
        "keys::a_taken_key_is_answered_with_its_holder",
        "keys::keys_are_told_apart_exactly",
        "keys::of_one_key_twice_in_a_group_the_first_is_stored",
        "retention_series::the_key_of_a_purged_series_is_free_again",
        "round_trip::a_task_with_every_field_is_read_back",
        "search::the_holder_of_a_key_is_found_by_it",
    ],
    a_storage_that_folds_keys: series::FoldsKeys => [
        "keys::keys_are_told_apart_exactly",
        "round_trip::a_task_with_every_field_is_read_back",
        "search::the_holder_of_a_key_is_found_by_it",
    ],
    a_storage_that_frees_keys_of_series: series::FreesKeysOfSeries => [
        "keys::a_series_keeps_its_key_when_it_is_over",
    ],
    a_storage_that_keeps_keys_for_ever: series::KeepsKeysForEver => [
        "keys::a_task_that_is_over_gives_up_its_key",
    ],
    a_storage_that_counts_what_is_skipped: series::CountsWhatIsSkipped => [
        "series::a_skipped_occurrence_leaves_no_run",
    ],
    a_storage_that_ignores_filters: queries::IgnoresFilters => [
        "counts::a_count_is_of_what_the_filter_means",
        "paging::a_filtered_list_is_walked_in_its_order",
        "search::a_name_is_found_by_any_part_in_any_case",
        "search::a_tag_is_found_as_a_whole",
        "search::a_task_is_found_by_any_part_of_its_key",
        "search::a_task_is_found_by_the_text_of_its_id",
        "search::every_filter_finds_what_it_means",
        "search::filters_must_all_hold_and_statuses_are_alternatives",
        "search::only_the_letters_of_ascii_have_no_case",
        "search::series_are_told_from_tasks_that_run_once",
        "search::text_with_a_nul_finds_nothing",
        "search::the_ends_of_a_span_of_creation_are_part_of_it",
        "search::wildcards_and_quotes_stand_for_themselves",
    ],
    a_storage_that_folds_every_alphabet: queries::FoldsEveryAlphabet => [
        "paging::a_filtered_list_is_walked_in_its_order",
        "search::every_filter_finds_what_it_means",
        "search::only_the_letters_of_ascii_have_no_case",
    ],
    a_storage_that_puts_absent_first: queries::PutsAbsentFirst => [
        "paging::every_order_shows_every_task_once",
        "paging::tasks_without_a_value_come_last_in_both_directions",
    ],
    a_storage_that_finds_nothing: queries::FindsNothing => [
        "counts::a_count_ends_at_its_cap",
        "counts::a_count_is_of_what_the_filter_means",
        "counts::only_tasks_created_from_an_instant_on_are_counted",
        "counts::tasks_are_counted_by_queue_and_status",
        "paging::a_cursor_needs_no_row",
        "paging::a_filtered_list_is_walked_in_its_order",
        "paging::a_page_past_the_end_is_empty",
        "paging::a_page_that_just_fits_is_the_last_one",
        "paging::every_order_shows_every_task_once",
        "paging::tasks_of_one_instant_follow_each_other_by_id",
        "paging::tasks_stored_between_two_pages_neither_repeat_nor_hide_others",
        "paging::tasks_without_a_value_come_last_in_both_directions",
        "search::a_name_is_found_by_any_part_in_any_case",
        "search::a_tag_is_found_as_a_whole",
        "search::a_task_is_found_by_any_part_of_its_key",
        "search::a_task_is_found_by_the_text_of_its_id",
        "search::a_task_is_summed_up_in_every_field",
        "search::every_filter_finds_what_it_means",
        "search::filters_must_all_hold_and_statuses_are_alternatives",
        "search::only_the_letters_of_ascii_have_no_case",
        "search::series_are_told_from_tasks_that_run_once",
        "search::text_with_a_nul_finds_nothing",
        "search::the_ends_of_a_span_of_creation_are_part_of_it",
        "search::the_holder_of_a_key_is_found_by_it",
        "search::wildcards_and_quotes_stand_for_themselves",
        "statistics::a_bucket_without_runs_is_left_out",
        "statistics::a_run_belongs_to_the_bucket_in_which_it_ended",
        "statistics::a_run_is_counted_once_however_often_it_was_retried",
        "statistics::a_series_is_counted_by_its_runs",
        "statistics::interrupted_runs_are_counted_and_not_measured",
        "statistics::percentiles_are_the_times_of_runs",
        "statistics::statistics_agree_with_a_look_at_every_run",
        "statistics::statistics_keep_to_the_queue_and_the_task_asked_for",
        "statistics::tasks_that_keep_no_successes_are_left_out",
    ],
    a_storage_that_fills_gaps: queries::FillsGaps => [
        "history_pages::an_unknown_task_has_an_empty_history",
        "paging::a_page_past_the_end_is_empty",
        "search::a_name_is_found_by_any_part_in_any_case",
        "search::a_tag_is_found_as_a_whole",
        "search::a_task_is_found_by_any_part_of_its_key",
        "search::a_task_is_found_by_the_text_of_its_id",
        "search::an_empty_storage_has_an_empty_page",
        "search::every_filter_finds_what_it_means",
        "search::text_with_a_nul_finds_nothing",
        "statistics::a_bucket_without_runs_is_left_out",
        "statistics::a_run_belongs_to_the_bucket_in_which_it_ended",
        "statistics::a_series_is_counted_by_its_runs",
        "statistics::statistics_keep_to_the_queue_and_the_task_asked_for",
        "statistics::without_runs_there_are_no_buckets",
    ],
    a_storage_that_counts_everything: queries::CountsEverything => [
        "counts::a_count_ends_at_its_cap",
    ],
    a_storage_that_takes_interruptions_for_failures: queries::TakesInterruptionsForFailures => [
        "statistics::interrupted_runs_are_counted_and_not_measured",
        "statistics::statistics_agree_with_a_look_at_every_run",
    ],
    a_storage_that_cuts_before_it_filters: queries::CutsBeforeItFilters => [
        "history_pages::a_history_is_filtered_before_it_is_cut_into_pages",
    ],
    a_storage_that_counts_lines_to_go_on: queries::CountsLinesToGoOn => [
        "history_pages::lines_removed_between_two_pages_hide_no_others",
    ],
    a_storage_that_begins_with_the_oldest: queries::BeginsWithTheOldest => [
        "history_pages::runs_are_read_page_by_page_in_both_orders",
        "history_pages::the_audit_is_read_page_by_page_in_both_orders",
    ],
    a_storage_that_loses_log_lines: logs::LosesLines => [
        "logs::a_page_begins_after_its_cursor",
        "logs::a_thousand_lines_of_three_runs_are_read_by_page",
        "logs::hostile_lines_are_read_back_byte_for_byte",
        "logs::lines_are_found_by_level_run_and_attempt",
        "logs::lines_are_kept_although_the_change_beside_them_is_refused",
        "logs::lines_are_read_in_order_with_every_field",
        "logs::lines_commit_with_the_outcome_of_their_group",
        "logs::lines_of_an_unknown_task_are_missing_and_create_nothing",
        "logs::lines_outlive_the_process_that_wrote_them",
        "logs::lines_see_the_insert_of_their_group",
        "logs::lines_written_again_change_nothing",
        "logs::the_ends_of_every_number_are_read_back",
        "logs::the_last_page_says_that_it_is",
        "logs::the_lines_of_two_tasks_are_kept_apart",
        "retention_logs::a_limit_counts_over_all_runs",
        "retention_logs::a_limit_keeps_the_newest_lines_of_each_task",
        "retention_logs::a_limit_of_lines_holds_a_task_that_has_lines",
        "retention_logs::a_log_knob_that_is_not_positive_does_nothing",
        "retention_logs::age_and_limit_both_let_lines_go",
        "retention_logs::among_lines_of_one_instant_the_same_ones_stay",
        "retention_logs::lines_go_by_their_age_whatever_their_task",
        "retention_logs::logs_inside_their_window_hold_their_task",
        "retention_logs::the_logs_of_a_type_have_rules_of_their_own",
        "retention_logs::without_log_retention_logs_go_with_their_task",
    ],
    a_storage_that_cuts_messages: logs::CutsMessages => [
        "logs::hostile_lines_are_read_back_byte_for_byte",
    ],
    a_storage_that_repeats_log_lines: logs::RepeatsLines::default() => [
        "logs::lines_commit_with_the_outcome_of_their_group",
        "logs::lines_written_again_change_nothing",
    ],
    a_storage_that_stores_lines_of_nobody: logs::StoresLinesOfNobody => [
        "logs::lines_of_an_unknown_task_are_missing_and_create_nothing",
        "logs::no_lines_are_no_write",
    ],
    a_storage_that_reads_lines_of_others: logs::ReadsLinesOfOthers::default() => [
        "logs::an_unknown_task_has_no_lines",
        "logs::lines_of_an_unknown_task_are_missing_and_create_nothing",
        "retention_logs::without_log_retention_logs_go_with_their_task",
    ],
    a_storage_that_ignores_log_filters: logs::IgnoresLogFilters => [
        "logs::a_thousand_lines_of_three_runs_are_read_by_page",
        "logs::lines_are_found_by_level_run_and_attempt",
    ],
    a_storage_that_begins_at_the_cursor: logs::BeginsAtTheCursor => [
        "logs::a_page_begins_after_its_cursor",
        "logs::a_thousand_lines_of_three_runs_are_read_by_page",
        "logs::the_last_page_says_that_it_is",
    ],
    a_storage_that_promises_lines: logs::PromisesLines => [
        "logs::a_thousand_lines_of_three_runs_are_read_by_page",
        "logs::hostile_lines_are_read_back_byte_for_byte",
        "logs::lines_are_kept_although_the_change_beside_them_is_refused",
        "logs::lines_are_read_in_order_with_every_field",
        "logs::lines_commit_with_the_outcome_of_their_group",
        "logs::lines_of_an_unknown_task_are_missing_and_create_nothing",
        "logs::lines_outlive_the_process_that_wrote_them",
        "logs::lines_see_the_insert_of_their_group",
        "logs::lines_written_again_change_nothing",
        "logs::the_ends_of_every_number_are_read_back",
        "logs::the_last_page_says_that_it_is",
        "logs::the_lines_of_two_tasks_are_kept_apart",
    ],
    a_storage_that_answers_any_number: logs::AnswersAnyNumber => [
        "logs::a_page_of_none_or_too_many_lines_is_rejected",
    ],
}
