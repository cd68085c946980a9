//! Storages that let go of the wrong things.

mod batches;
mod leftovers;
mod logs;
mod losses;
mod previews;
mod purges;
mod scopes;
mod tasks;
mod windows;

use self::leftovers::{Leaves, Table};
use self::purges::PurgesBy;
use super::assert_fails_exactly;
use super::bent::Bent;

wrong_storages! {
    a_storage_that_takes_at_for_before: windows::TakesAtForBefore => [
        "retention::a_line_is_kept_up_to_its_very_window",
        "retention_logs::lines_go_by_their_age_whatever_their_task",
        "retention_purge::a_completed_task_is_purged_after_the_longest_window",
    ],
    a_storage_that_ignores_the_window_of_errors: windows::IgnoresTheWindowOfErrors => [
        "retention::a_failed_line_without_a_failure_is_an_error_too",
        "retention::a_longer_window_of_errors_keeps_errors_longer",
        "retention::a_shorter_window_of_errors_lets_errors_go_sooner",
        "retention::a_thousand_old_lines_go_beside_live_inserts",
        "retention::attempts_go_by_the_window_of_runs",
        "retention::runs_go_by_their_window",
        "retention_purge::a_line_inside_its_window_holds_its_task",
        "retention_series::a_run_inside_its_window_holds_its_series",
    ],
    a_storage_that_knows_errors_by_their_text: windows::KnowsErrorsByTheirText::default() => [
        "retention::a_failed_line_without_a_failure_is_an_error_too",
    ],
    a_storage_that_stops_at_a_line_that_stays: windows::StopsAtALineThatStays::default() => [
        "retention::a_failed_line_without_a_failure_is_an_error_too",
        "retention::a_thousand_old_lines_go_beside_live_inserts",
        "retention::lines_are_looked_at_in_whatever_order_they_were_written",
    ],
    a_storage_that_expires_by_itself: windows::ExpiresByItself => [
        "retention::a_window_of_errors_alone_deletes_nothing",
        "retention::a_window_that_is_not_positive_deletes_nothing",
        "retention_logs::a_limit_of_lines_holds_a_task_that_has_lines",
        "retention_logs::logs_inside_their_window_hold_their_task",
        "retention_purge::a_line_inside_its_window_holds_its_task",
        "retention_purge::a_status_line_without_a_window_holds_its_task",
        "retention_purge::attempts_inside_their_window_hold_their_task",
        "retention_purge::many_tasks_are_purged_batch_by_batch",
        "retention_purge::only_what_ended_as_asked_is_purged",
        "retention_purge::without_a_window_nothing_is_purged",
        "retention_purge::without_being_asked_nothing_is_purged",
        "retention_series::a_run_inside_its_window_holds_its_series",
    ],
    a_storage_that_ignores_scopes: scopes::IgnoresScopes => [
        "retention_logs::the_logs_of_a_type_have_rules_of_their_own",
        "retention_scope::a_queue_has_rules_of_its_own",
        "retention_scope::a_type_has_rules_of_its_own",
        "retention_scope::names_of_scopes_are_told_apart_exactly",
        "retention_scope::rules_that_keep_everything_exempt_a_type",
        "retention_scope::the_rules_of_a_type_outweigh_those_of_its_queue",
    ],
    a_storage_that_folds_types: scopes::FoldsTypes::default() => [
        "retention_scope::names_of_scopes_are_told_apart_exactly",
    ],
    a_storage_that_does_all_at_once: batches::DoesAllAtOnce => [
        "retention::a_first_cycle_over_many_lines_goes_batch_by_batch",
        "retention::a_thousand_old_lines_go_beside_live_inserts",
        "retention::two_processes_doing_a_cycle_at_once_delete_each_line_once",
        "retention_logs::a_limit_keeps_the_newest_lines_of_each_task",
        "retention_logs::many_lines_go_with_many_tasks",
        "retention_purge::many_tasks_are_purged_batch_by_batch",
    ],
    a_storage_that_does_one_batch: batches::DoesOneBatch => [
        "retention::a_first_cycle_over_many_lines_goes_batch_by_batch",
        "retention::a_thousand_old_lines_go_beside_live_inserts",
        "retention::two_processes_doing_a_cycle_at_once_delete_each_line_once",
        "retention_logs::a_limit_keeps_the_newest_lines_of_each_task",
        "retention_logs::many_lines_go_with_many_tasks",
        "retention_purge::many_tasks_are_purged_batch_by_batch",
    ],
    a_storage_that_leaves_the_rest_of_a_task: batches::LeavesTheRestOfATask => [
        "retention::a_first_cycle_over_many_lines_goes_batch_by_batch",
        "retention::a_thousand_old_lines_go_beside_live_inserts",
        "retention::two_processes_doing_a_cycle_at_once_delete_each_line_once",
        "retention_logs::a_limit_keeps_the_newest_lines_of_each_task",
    ],
    a_storage_that_counts_what_is_gone: batches::CountsWhatIsGone::default() => [
        "retention::a_batch_done_again_finds_nothing",
        "retention::two_processes_doing_a_cycle_at_once_delete_each_line_once",
        "retention_logs::among_lines_of_one_instant_the_same_ones_stay",
    ],
    a_storage_that_counts_what_others_delete: batches::CountsWhatOthersDelete => [
        "retention::two_processes_doing_a_cycle_at_once_delete_each_line_once",
    ],
    a_storage_that_previews_by_doing: previews::PreviewsByDoing => [
        "history_pages::lines_removed_between_two_pages_hide_no_others",
        "retention::a_failed_line_without_a_failure_is_an_error_too",
        "retention::a_first_cycle_over_many_lines_goes_batch_by_batch",
        "retention::a_line_is_kept_up_to_its_very_window",
        "retention::a_longer_window_of_errors_keeps_errors_longer",
        "retention::a_preview_changes_nothing",
        "retention::a_shorter_window_of_errors_lets_errors_go_sooner",
        "retention::attempts_go_by_the_window_of_runs",
        "retention::lines_are_looked_at_in_whatever_order_they_were_written",
        "retention::runs_go_by_their_window",
        "retention_logs::a_limit_counts_over_all_runs",
        "retention_logs::a_limit_keeps_the_newest_lines_of_each_task",
        "retention_logs::a_limit_of_lines_holds_a_task_that_has_lines",
        "retention_logs::a_log_knob_that_is_not_positive_does_nothing",
        "retention_logs::age_and_limit_both_let_lines_go",
        "retention_logs::among_lines_of_one_instant_the_same_ones_stay",
        "retention_logs::lines_go_by_their_age_whatever_their_task",
        "retention_logs::logs_inside_their_window_hold_their_task",
        "retention_logs::many_lines_go_with_many_tasks",
        "retention_logs::the_logs_of_a_type_have_rules_of_their_own",
        "retention_logs::without_log_retention_logs_go_with_their_task",
        "retention_purge::a_completed_task_is_purged_after_the_longest_window",
        "retention_purge::a_line_inside_its_window_holds_its_task",
        "retention_purge::a_status_line_without_a_window_holds_its_task",
        "retention_purge::a_task_that_never_ran_ages_from_its_creation",
        "retention_purge::a_task_whose_last_line_goes_is_purged_in_the_same_cycle",
        "retention_purge::an_occurrence_of_a_purged_task_is_free_again",
        "retention_purge::attempts_inside_their_window_hold_their_task",
        "retention_purge::attempts_without_a_window_go_with_their_task",
        "retention_purge::many_tasks_are_purged_batch_by_batch",
        "retention_purge::only_what_ended_as_asked_is_purged",
        "retention_scope::a_queue_has_rules_of_its_own",
        "retention_scope::a_type_has_rules_of_its_own",
        "retention_scope::names_of_scopes_are_told_apart_exactly",
        "retention_scope::rules_that_keep_everything_exempt_a_type",
        "retention_scope::the_rules_of_a_type_outweigh_those_of_its_queue",
        "retention_series::a_finished_series_is_purged_only_if_that_is_asked_for",
        "retention_series::a_run_inside_its_window_holds_its_series",
        "retention_series::a_series_between_two_runs_is_never_purged",
        "retention_series::the_key_of_a_purged_series_is_free_again",
    ],
    a_storage_that_previews_each_step_alone: previews::PreviewsEachStepAlone => [
        "retention_logs::age_and_limit_both_let_lines_go",
        "retention_logs::logs_inside_their_window_hold_their_task",
        "retention_purge::a_line_inside_its_window_holds_its_task",
        "retention_purge::a_task_whose_last_line_goes_is_purged_in_the_same_cycle",
        "retention_purge::attempts_inside_their_window_hold_their_task",
        "retention_scope::a_queue_has_rules_of_its_own",
        "retention_scope::a_type_has_rules_of_its_own",
        "retention_scope::names_of_scopes_are_told_apart_exactly",
        "retention_scope::rules_that_keep_everything_exempt_a_type",
        "retention_scope::the_rules_of_a_type_outweigh_those_of_its_queue",
        "retention_series::a_run_inside_its_window_holds_its_series",
    ],
    a_storage_that_purges_in_the_next_cycle: previews::PurgesInTheNextCycle::default() => [
        "retention_logs::a_limit_of_lines_holds_a_task_that_has_lines",
        "retention_logs::age_and_limit_both_let_lines_go",
        "retention_logs::logs_inside_their_window_hold_their_task",
        "retention_purge::a_line_inside_its_window_holds_its_task",
        "retention_purge::a_task_whose_last_line_goes_is_purged_in_the_same_cycle",
        "retention_purge::attempts_inside_their_window_hold_their_task",
        "retention_scope::a_queue_has_rules_of_its_own",
        "retention_scope::a_type_has_rules_of_its_own",
        "retention_scope::names_of_scopes_are_told_apart_exactly",
        "retention_scope::rules_that_keep_everything_exempt_a_type",
        "retention_scope::the_rules_of_a_type_outweigh_those_of_its_queue",
        "retention_series::a_run_inside_its_window_holds_its_series",
    ],
    a_storage_that_purges_at_any_age: PurgesBy::ANY_AGE => [
        "retention_logs::without_log_retention_logs_go_with_their_task",
        "retention_purge::a_completed_task_is_purged_after_the_longest_window",
        "retention_purge::a_task_that_never_ran_ages_from_its_creation",
        "retention_purge::a_task_without_history_waits_for_the_longest_window",
        "retention_purge::many_tasks_are_purged_batch_by_batch",
    ],
    a_storage_that_purges_by_age_alone: PurgesBy::ITS_AGE_ALONE => [
        "retention_logs::a_limit_of_lines_holds_a_task_that_has_lines",
        "retention_logs::logs_inside_their_window_hold_their_task",
        "retention_purge::a_line_inside_its_window_holds_its_task",
        "retention_purge::a_status_line_without_a_window_holds_its_task",
        "retention_purge::attempts_inside_their_window_hold_their_task",
        "retention_purge::many_tasks_are_purged_batch_by_batch",
        "retention_series::a_run_inside_its_window_holds_its_series",
        "retention_series::a_run_without_a_window_holds_its_series",
    ],
    a_storage_that_waits_for_what_never_goes: PurgesBy::WHAT_NEVER_GOES => [
        "retention_logs::a_log_knob_that_is_not_positive_does_nothing",
        "retention_logs::many_lines_go_with_many_tasks",
        "retention_logs::without_log_retention_logs_go_with_their_task",
        "retention_purge::a_purged_task_leaves_nothing_behind",
        "retention_purge::attempts_without_a_window_go_with_their_task",
    ],
    a_storage_that_takes_every_end_for_success: PurgesBy::SUCCESS => [
        "retention_purge::only_what_ended_as_asked_is_purged",
    ],
    a_storage_that_purges_series_unasked: purges::PurgesSeriesUnasked => [
        "retention_series::a_finished_series_is_purged_only_if_that_is_asked_for",
    ],
    a_storage_that_purges_open_tasks: losses::PurgesWhatIsNotOver::open() => [
        "retention_purge::what_is_not_over_is_never_purged",
    ],
    a_storage_that_purges_series_between_runs: losses::PurgesWhatIsNotOver::between_runs() => [
        "retention_series::a_series_between_two_runs_is_never_purged",
    ],
    a_storage_that_purges_what_is_revived: losses::PurgesWhatIsRevived::default() => [
        "retention_purge::a_task_that_is_revived_during_a_purge_stays",
    ],
    a_storage_that_ages_tasks_from_their_creation: purges::AgesFromCreation => [
        "cancel::a_task_that_is_over_is_left_alone",
        "paging::a_filtered_list_is_walked_in_its_order",
        "paging::every_order_shows_every_task_once",
        "policies::a_claim_takes_exactly_what_is_claimable",
        "reconsider::rows_that_do_not_wait_are_left_alone",
        "retention_purge::a_task_that_never_ran_ages_from_its_creation",
        "retention_purge::an_occurrence_of_a_purged_task_is_free_again",
        "round_trip::every_status_and_wait_reason_is_read_back",
    ],
    a_storage_that_keeps_a_line_too_many: logs::Keeps::one_too_many() => [
        "retention_logs::a_limit_counts_over_all_runs",
        "retention_logs::a_limit_keeps_the_newest_lines_of_each_task",
        "retention_logs::a_limit_of_lines_holds_a_task_that_has_lines",
        "retention_logs::age_and_limit_both_let_lines_go",
        "retention_logs::among_lines_of_one_instant_the_same_ones_stay",
        "retention_logs::the_logs_of_a_type_have_rules_of_their_own",
    ],
    a_storage_that_keeps_so_many_lines_of_each_run: logs::Keeps::so_many_of_each_run() => [
        "retention_logs::a_limit_counts_over_all_runs",
        "retention_logs::age_and_limit_both_let_lines_go",
        "retention_logs::among_lines_of_one_instant_the_same_ones_stay",
    ],
    a_storage_that_keeps_all_lines_of_an_instant: logs::Keeps::all_of_an_instant() => [
        "retention_logs::among_lines_of_one_instant_the_same_ones_stay",
    ],
    a_storage_that_leaves_the_audit_of_the_purged: Leaves::rows_in(Table::Audit) => [
        "retention_purge::a_purged_task_leaves_nothing_behind",
    ],
    a_storage_that_leaves_the_runs_of_the_purged: Leaves::rows_in(Table::Runs) => [
        "retention_purge::a_purged_task_leaves_nothing_behind",
    ],
    a_storage_that_leaves_the_attempts_of_the_purged: Leaves::rows_in(Table::Attempts) => [
        "retention_purge::a_purged_task_leaves_nothing_behind",
        "retention_purge::attempts_without_a_window_go_with_their_task",
    ],
    a_storage_that_leaves_the_logs_of_the_purged: Leaves::rows_in(Table::Logs) => [
        "retention_logs::many_lines_go_with_many_tasks",
        "retention_logs::without_log_retention_logs_go_with_their_task",
        "retention_purge::a_purged_task_leaves_nothing_behind",
    ],
    a_storage_that_keeps_what_is_unique: leftovers::KeepsWhatIsUnique::default() => [
        "delete::a_deleted_task_gives_up_its_key_and_its_occurrence",
        "retention_purge::an_occurrence_of_a_purged_task_is_free_again",
        "retention_series::the_key_of_a_purged_series_is_free_again",
    ],
}
