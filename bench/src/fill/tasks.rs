use super::{MONTH, NOW, PROCESS, TASK, created};
use crate::database::Words;

/// Where a task is in its life: just over half wait, most of the others are done.
pub(super) const STATUS: &str = "CASE WHEN s < 520 THEN 'WaitingQueue' WHEN s < 920 THEN 'Completed' \
    WHEN s < 960 THEN 'Failed' WHEN s < 980 THEN 'Cancelled' WHEN s < 990 THEN 'ServiceStopped' \
    WHEN s < 995 THEN 'Queued' ELSE 'InProgress' END";

/// One queue has more than half, seven share the rest.
const QUEUE: &str = "CASE WHEN q < 550 THEN 'mail' WHEN q < 650 THEN 'images' \
    WHEN q < 750 THEN 'reports' WHEN q < 820 THEN 'imports' WHEN q < 890 THEN 'exports' \
    WHEN q < 940 THEN 'billing' WHEN q < 980 THEN 'search' ELSE 'default' END";

/// Twenty names, eight of which begin with `invoice`.
const NAME: &str = "CASE WHEN k < 8 THEN 'invoice' WHEN k < 12 THEN 'welcome' WHEN k < 16 THEN 'picture' \
    ELSE 'summary' END || CASE k % 8 WHEN 0 THEN '.create' WHEN 1 THEN '.send' \
    WHEN 2 THEN '.check' WHEN 3 THEN '.archive' WHEN 4 THEN '.remind' WHEN 5 THEN '.cancel' \
    WHEN 6 THEN '.print' ELSE '.export' END";

/// Every hundredth task is a series.
pub(super) const IS_SERIES: &str = "n % 100 = 0";

/// Inserts the tasks of these seeds.
pub(super) fn insert(words: Words, seeds: &str, tasks: u32) -> String {
    let created = created(tasks);
    let later = format!("{NOW} + (n * 7919) % 1000003 * {}", MONTH / 1_000_003);
    let open = "s < 520 OR s >= 980";
    let ended = "s >= 520 AND s < 980";
    let when = |condition: &str, value: &str| format!("CASE WHEN {condition} THEN {value} END");
    let ended_at = words.instant(&format!("{created} + s * 1000000"));
    let later = words.instant(&later);
    let is_waiting = "s < 520";
    let is_failed = "s >= 920 AND s < 960";
    let open_or_series = format!("{open} OR {IS_SERIES}");
    let columns: Vec<(&str, String)> = vec![
        ("id", words.id(TASK, "n")),
        ("created_at", words.instant(&created)),
        ("task", NAME.to_owned()),
        ("payload_version", "1".to_owned()),
        ("queue", QUEUE.to_owned()),
        ("scheduled_at", when(is_waiting, &later)),
        ("priority", "0".to_owned()),
        ("tags", "'[\"customer-' || (n % 5000) || '\"]'".to_owned()),
        ("correlation_id", "'order-' || (n / 3)".to_owned()),
        (
            "parent_id",
            when("n % 10 = 1 AND n > 1", &words.id(TASK, "n - 1")),
        ),
        ("task_key", when("n % 50 = 0", "'key-' || n")),
        (
            "active_key",
            when(&format!("n % 50 = 0 AND ({open_or_series})"), "'key-' || n"),
        ),
        ("audit_level", "0".to_owned()),
        (
            "schedule",
            when(IS_SERIES, "'{\"every\":1,\"unit\":\"hours\"}'"),
        ),
        ("anchor", when(IS_SERIES, &words.instant(&created))),
        ("run_count", when(IS_SERIES, "5")),
        ("next_run_at", when(IS_SERIES, &later)),
        ("generation", "n % 7".to_owned()),
        ("status", STATUS.to_owned()),
        ("owner", when("s >= 990", &words.id(PROCESS, "s % 2"))),
        ("available_at", when(&open_or_series, &later)),
        ("attempts", "s % 3".to_owned()),
        ("interruptions", "0".to_owned()),
        ("on_probation", "false".to_owned()),
        ("recovery_failures", "0".to_owned()),
        (
            "error",
            when(is_failed, "'the mail server answered 421 to order ' || n"),
        ),
        ("error_kind", when(is_failed, "'transient'")),
        ("error_fingerprint", when(is_failed, "'fingerprint-' || k")),
        ("last_execution_at", when(ended, &ended_at)),
        ("execution_time_us", when(ended, "(k + 1) * (s + 1) * 100")),
        (
            "payload",
            "'{\"customer\":' || (n % 5000) || ',\"order\":' || (n / 3) || \
             ',\"address\":\"somebody@example.com\",\"lines\":[1,2,3,4,5,6,7,8,9,10]}'"
                .to_owned(),
        ),
    ];
    let (names, values): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    format!(
        "INSERT INTO evertask_tasks ({}) SELECT {} FROM {seeds}",
        names.join(", "),
        values.join(", ")
    )
}
