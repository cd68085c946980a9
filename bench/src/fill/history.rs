use super::tasks::{IS_SERIES, STATUS};
use super::{
    BUSY, BUSY_ATTEMPT, BUSY_RUN, FIRST_ATTEMPT, LAST_ATTEMPT, PROCESS, RUN, TASK, created,
};
use crate::database::Words;

const STEPS: &str = "(SELECT 1 AS step UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 \
    UNION ALL SELECT 5) AS steps";

const RAN: &str = "(k + 1) * (s + 1) * 100";

/// Inserts what tasks leave behind: five lines of audit each, an attempt of those that ended and of
/// half of those that wait, five runs of each series, and a few log lines of every tenth.
pub(super) fn inserts(words: Words, seeds: &str, tasks: u32) -> Vec<String> {
    let created = created(tasks);
    let task = words.id(TASK, "n");
    let process = words.id(PROCESS, "0");
    let at = |micros: &str| words.instant(&format!("{created} + {micros}"));
    let started = at("60000000");
    let ended = at(&format!("60000000 + {RAN}"));
    vec![
        format!(
            "INSERT INTO evertask_status_audit (task_id, at, status) \
             SELECT {task}, {}, CASE step WHEN 1 THEN 'Queued' WHEN 2 THEN 'InProgress' \
             WHEN 3 THEN 'ServiceStopped' WHEN 4 THEN 'Queued' ELSE {STATUS} END \
             FROM {seeds} CROSS JOIN {STEPS} ORDER BY n, step",
            at("step * 1000000")
        ),
        format!(
            "INSERT INTO evertask_attempts (id, task_id, number, process_id, started_at, waited_us, \
             ran_us, outcome, ended_at, is_counted) SELECT {}, {task}, 2, {process}, {started}, \
             q * 1000, {RAN}, CASE WHEN s < 920 THEN 'succeeded' WHEN s < 960 THEN 'failed' \
             WHEN s < 980 THEN 'cancelled' ELSE 'stopped' END, {ended}, true \
             FROM {seeds} WHERE s >= 520 AND s < 990",
            words.id(LAST_ATTEMPT, "n")
        ),
        format!(
            "INSERT INTO evertask_attempts (id, task_id, number, process_id, started_at, waited_us, \
             ran_us, outcome, error, error_kind, ended_at, is_counted) SELECT {}, {task}, 1, \
             {process}, {started}, q * 1000, {RAN}, 'failed', 'the mail server answered 421', \
             'transient', {ended}, false FROM {seeds} WHERE s < 260",
            words.id(FIRST_ATTEMPT, "n")
        ),
        format!(
            "INSERT INTO evertask_runs (id, task_id, number, at, execution_time_us, status) \
             SELECT {}, {task}, step, {}, {RAN}, 'Completed' FROM {seeds} CROSS JOIN {STEPS} \
             WHERE {IS_SERIES} ORDER BY n, step",
            words.id(RUN, "n * 8 + step"),
            at("step * 1000000")
        ),
        format!(
            "INSERT INTO evertask_logs (task_id, run, delivery, sequence, attempt, at, level, \
             target, message) SELECT {task}, 1, {task}, step, 1, {}, 'Info', 'shop::mail', \
             'sent order ' || n FROM {seeds} CROSS JOIN {STEPS} WHERE n % 10 = 0 ORDER BY n, step",
            at("step * 1000000")
        ),
    ]
}

/// Gives the last task long histories.
pub(super) fn of_busy_task(words: Words, tasks: u32) -> Vec<String> {
    let numbers = words.numbers(1, BUSY);
    let task = words.id(TASK, &format!("CAST({tasks} AS bigint)"));
    let process = words.id(PROCESS, "0");
    let at = words.instant(&format!("{} + n * 1000000", super::NOW - super::MONTH));
    vec![
        format!(
            "INSERT INTO evertask_status_audit (task_id, at, status) \
             SELECT {task}, {at}, 'Completed' FROM {numbers}"
        ),
        format!(
            "INSERT INTO evertask_attempts (id, task_id, number, process_id, started_at, waited_us, \
             ran_us, outcome, ended_at, is_counted) SELECT {}, {task}, 1, {process}, {at}, n, n, \
             'succeeded', {at}, true FROM {numbers}",
            words.id(BUSY_ATTEMPT, "n")
        ),
        format!(
            "INSERT INTO evertask_runs (id, task_id, number, at, execution_time_us, status) \
             SELECT {}, {task}, n, {at}, n, 'Completed' FROM {numbers}",
            words.id(BUSY_RUN, "n")
        ),
        format!(
            "INSERT INTO evertask_logs (task_id, run, delivery, sequence, attempt, at, level, \
             target, message) SELECT {task}, n, {task}, 0, 1, {at}, 'Info', 'shop::mail', \
             'sent the mails of run ' || n FROM {numbers}"
        ),
    ]
}
