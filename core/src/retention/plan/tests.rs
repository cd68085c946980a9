use super::*;
use crate::retention::EndedTasks;

const NOW: i64 = 1_700_000_000;

fn now() -> Timestamp {
    Timestamp::from_timestamp(NOW, 0).unwrap()
}

fn days_ago(days: i64) -> Timestamp {
    Timestamp::from_timestamp(NOW - days * 86_400, 0).unwrap()
}

fn days(days: i64) -> Window {
    Window::days(days)
}

fn planned(rules: RetentionRules) -> RetentionPlan {
    plan(&RetentionPolicy::new(rules), now())
}

fn targets(rules: RetentionRules) -> Vec<RetentionTarget> {
    let steps = planned(rules).steps.into_iter();
    steps.map(|step| step.target).collect()
}

fn names(plan: &RetentionPlan) -> Vec<String> {
    plan.steps.iter().map(ToString::to_string).collect()
}

fn all_knobs() -> RetentionRules {
    RetentionRules::error_priority(days(7), days(30))
        .logs(days(90))
        .logs_per_task(5)
        .purge(EndedTasks::Completed)
        .purge(EndedTasks::Series)
}

/// Storage specification 4.1: every knob is off by default.
#[test]
fn without_a_knob_nothing_is_done() {
    assert_eq!(planned(RetentionRules::new()), RetentionPlan::default());
}

/// Storage specification 4.3.
#[test]
fn histories_come_before_logs_and_logs_before_tasks() {
    let policy = RetentionPolicy::new(all_knobs())
        .for_queue("mail", RetentionRules::new().logs(days(1)))
        .for_task("pay", RetentionRules::new().status_audit(days(1)));
    let expected = [
        "status_audit of all others",
        "status_audit of task pay",
        "runs of all others",
        "attempts of all others",
        "logs_by_age of all others",
        "logs_by_age of queue mail",
        "logs_by_count of all others",
        "completed_tasks of all others",
        "finished_series of all others",
    ];
    assert_eq!(names(&plan(&policy, now())), expected);
}

/// Storage edge case 81, storage scenario S14.
#[test]
fn a_knob_that_is_not_positive_does_nothing_and_is_warned_about() {
    for off in [0, -1, -3] {
        for (knob, rules) in [
            (
                "status_audit",
                RetentionRules::new().status_audit(days(off)),
            ),
            ("runs", RetentionRules::new().runs(days(off))),
            ("errors", RetentionRules::new().errors(days(off))),
            ("logs", RetentionRules::new().logs(days(off))),
            ("logs_per_task", RetentionRules::new().logs_per_task(off)),
        ] {
            let plan = planned(rules);
            assert!(plan.steps.is_empty(), "{plan:?}");
            let warned: Vec<_> = plan.warnings.iter().map(|warning| warning.knob).collect();
            assert_eq!(warned, [knob]);
        }
    }
}

/// Storage specification 4.1.
#[test]
fn the_window_of_errors_replaces_that_of_a_table_that_has_one() {
    for errors in [3, 30] {
        let rules = RetentionRules::new()
            .status_audit(days(7))
            .errors(days(errors));
        let cutoffs = HistoryCutoffs {
            successes: days_ago(7),
            errors: days_ago(errors),
        };
        assert_eq!(targets(rules), [RetentionTarget::StatusAudit(cutoffs)]);
    }
    assert!(targets(RetentionRules::new().errors(days(30))).is_empty());
}

/// Storage specification 4.2.
#[test]
fn a_window_of_errors_that_is_off_leaves_errors_to_the_other_one() {
    let rules = RetentionRules::new().status_audit(days(7)).errors(days(-1));
    let cutoffs = HistoryCutoffs {
        successes: days_ago(7),
        errors: days_ago(7),
    };
    assert_eq!(targets(rules), [RetentionTarget::StatusAudit(cutoffs)]);
}

/// Storage edge case 82.
#[test]
fn a_purge_waits_for_the_longest_of_the_active_windows() {
    let longest = |rules: RetentionRules| {
        let targets = targets(rules.purge(EndedTasks::Failed));
        targets.into_iter().find_map(|target| match target {
            RetentionTarget::Tasks(purge) => Some(purge.before),
            RetentionTarget::StatusAudit(_)
            | RetentionTarget::Runs(_)
            | RetentionTarget::Attempts(_)
            | RetentionTarget::LogsByAge { .. }
            | RetentionTarget::LogsByCount { .. } => None,
        })
    };
    let rules = RetentionRules::new;
    assert_eq!(longest(rules()), None);
    assert_eq!(longest(rules().logs(days(90)).logs_per_task(3)), None);
    assert_eq!(longest(rules().status_audit(days(5))), Some(days_ago(5)));
    assert_eq!(longest(rules().errors(days(30))), Some(days_ago(30)));
    let several = rules()
        .status_audit(days(5))
        .runs(days(40))
        .errors(days(-9));
    assert_eq!(longest(several.logs(days(90))), Some(days_ago(40)));
}

/// Storage specification 4.6: no windows and the purge turned on.
#[test]
fn a_purge_without_a_window_is_warned_about() {
    let plan = planned(RetentionRules::new().purge(EndedTasks::Completed));
    assert!(plan.steps.is_empty());
    let expected = "`purge` for all tasks does nothing: none of the windows of status audit, runs \
                    and errors is set";
    assert_eq!(plan.warnings[0].to_string(), expected);
}

/// Storage edge cases 83 and 84.
#[test]
fn only_an_active_log_knob_lets_logs_hold_their_task() {
    let guard = |rules: RetentionRules| match targets(rules).pop() {
        Some(RetentionTarget::Tasks(purge)) => purge.logs,
        other => panic!("{other:?}"),
    };
    let rules = || {
        RetentionRules::new()
            .status_audit(days(7))
            .purge(EndedTasks::Completed)
    };
    assert_eq!(guard(rules()), LogGuard::None);
    assert_eq!(
        guard(rules().logs(days(0)).logs_per_task(-1)),
        LogGuard::None
    );
    assert_eq!(guard(rules().logs_per_task(5)), LogGuard::Any);
    assert_eq!(
        guard(rules().logs_per_task(5).logs(days(90))),
        LogGuard::From(days_ago(90))
    );
}

/// Storage specification 4.1.
#[test]
fn presets_set_what_they_say() {
    let rules = RetentionRules::new;
    let uniform = rules().status_audit(days(9)).runs(days(9)).errors(days(9));
    assert_eq!(RetentionRules::uniform(days(9)), uniform);
    let priority = rules().status_audit(days(7)).runs(days(7)).errors(days(30));
    let preset = RetentionRules::error_priority(days(7), days(30));
    assert_eq!(preset, priority);
}
