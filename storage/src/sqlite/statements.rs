//! The statements of `SQLite`.
//!
//! It reads the JSON parameter with `jsonb_each`, in order; `json_each` would print every row as text
//! and parse it again for each of its columns.
//!
//! The names of the tables are words checked by [`TablePrefix`], so they are put in as they are.

use evertask_core::rank::{HIGHEST_PRIORITY, LOWEST_PRIORITY};
use evertask_core::task::Generation;
use evertask_migration::TablePrefix;

use crate::dialect::{CLAIMABLE, Statements};
use crate::fields::{self, Field, Kind, list, names};

/// Writes the statements for the tables of one prefix.
pub(super) fn statements(prefix: &TablePrefix) -> Statements {
    let tasks = prefix.tasks();
    Statements {
        insert_tasks: insert_tasks(&tasks),
        // The transaction has the write lock of the whole file.
        lock_tasks: None,
        change_tasks: change(&tasks),
        redefine_tasks: redefine(&tasks),
        insert_audit: insert(&prefix.status_audit(), &fields::AUDIT),
        insert_attempts: format!(
            "{} ON CONFLICT (id) DO NOTHING",
            insert(&prefix.attempts(), &fields::ATTEMPT)
        ),
        insert_runs: format!(
            "{} ON CONFLICT (id) DO NOTHING",
            insert(&prefix.runs(), &fields::RUN)
        ),
        insert_logs: format!(
            "{} ON CONFLICT DO NOTHING",
            insert(&prefix.logs(), &fields::LOG)
        ),
        existing_tasks: format!(
            "SELECT id FROM {tasks} WHERE id IN (SELECT unhex(value) FROM json_each(?1))"
        ),
        note_group: format!(
            "INSERT INTO {} (id, started_at, last_group, pid) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT (id) DO UPDATE SET last_group = excluded.last_group",
            prefix.processes()
        ),
        candidates_of: candidates(&tasks, QUEUES_OF),
        candidates_except: candidates(&tasks, QUEUES_EXCEPT),
        claim: claim(&tasks),
        next_of: next(&tasks, QUEUES_OF),
        next_except: next(&tasks, QUEUES_EXCEPT),
    }
}

/// The statement that inserts tasks into that table.
pub(crate) fn insert_tasks(tasks: &str) -> String {
    let insert = insert(tasks, &fields::task());
    format!("{insert} ON CONFLICT DO NOTHING RETURNING id")
}

/// The `WHERE true` is what `SQLite` asks for before `ON CONFLICT`, which it would otherwise read as
/// a join.
fn insert(table: &str, fields: &[Field]) -> String {
    let names = names(fields);
    let values = list(fields, value);
    format!("INSERT INTO {table} ({names}) SELECT {values} FROM jsonb_each(?1) AS item WHERE true")
}

/// The state follows the id, the expected generation and the new one.
fn change(tasks: &str) -> String {
    let sets = list(&fields::STATE, |field, place| {
        let value = value(field, place + fields::STATE_OF_CHANGE);
        format!("{} = {value}", field.name)
    });
    format!(
        "UPDATE {tasks} SET generation = item.value ->> 2, {sets} \
         FROM jsonb_each(?1) AS item \
         WHERE {tasks}.id = unhex(item.value ->> 0) \
         AND {tasks}.generation = item.value ->> 1 \
         RETURNING id"
    )
}

/// The expected generation follows the columns of the task.
fn redefine(tasks: &str) -> String {
    let sets: Vec<_> = fields::redefined()
        .map(|(field, place)| format!("{} = {}", field.name, value(field, place)))
        .collect();
    let (sets, expected) = (sets.join(", "), fields::EXPECTED_OF_REDEFINITION);
    format!(
        "UPDATE {tasks} SET {sets} FROM jsonb_each(?1) AS item \
         WHERE {tasks}.id = unhex(item.value ->> 0) \
         AND {tasks}.generation = item.value ->> {expected} \
         RETURNING id"
    )
}

/// Who may be claimed from.
const OWNERS: &str =
    "owners(owner) AS (SELECT NULL UNION ALL SELECT unhex(value) FROM json_each(?1))";

const QUEUES_OF: &str = "claimed(owner, queue) AS ( \
     SELECT owners.owner, item.value FROM owners CROSS JOIN json_each(?2) AS item)";

/// The queues are found by leaping through the index from one to the next.
const QUEUES_EXCEPT: &str = "leap(owner, queue) AS ( \
     SELECT owner, (SELECT queue FROM {tasks} WHERE owner IS owners.owner \
         AND {CLAIMABLE} ORDER BY queue LIMIT 1) \
     FROM owners \
     UNION ALL \
     SELECT owner, (SELECT queue FROM {tasks} WHERE owner IS leap.owner AND queue > leap.queue \
         AND {CLAIMABLE} ORDER BY queue LIMIT 1) \
     FROM leap WHERE queue IS NOT NULL), \
     claimed(owner, queue) AS (SELECT owner, queue FROM leap \
     WHERE queue IS NOT NULL AND queue NOT IN (SELECT value FROM json_each(?2)))";

/// So are the priorities of each; the last step finds none, and no row has none.
const LEVELS: &str = "level(owner, queue, priority) AS ( \
     SELECT owner, queue, (SELECT priority FROM {tasks} WHERE owner IS claimed.owner \
         AND queue = claimed.queue AND {CLAIMABLE} ORDER BY priority LIMIT 1) \
     FROM claimed \
     UNION ALL \
     SELECT owner, queue, (SELECT priority FROM {tasks} WHERE owner IS level.owner \
         AND queue = level.queue AND priority > level.priority \
         AND {CLAIMABLE} ORDER BY priority LIMIT 1) \
     FROM level WHERE priority IS NOT NULL)";

/// And the limit keys of each priority. The last step finds none, and is the lane of the rows that have
/// none.
const LIMITS: &str = "lane(owner, queue, priority, limit_lane) AS ( \
     SELECT owner, queue, priority, (SELECT limit_lane FROM {tasks} WHERE owner IS level.owner \
         AND queue = level.queue AND priority = level.priority AND limit_lane IS NOT NULL \
         AND {CLAIMABLE} ORDER BY limit_lane LIMIT 1) \
     FROM level WHERE priority IS NOT NULL \
     UNION ALL \
     SELECT owner, queue, priority, (SELECT limit_lane FROM {tasks} WHERE owner IS lane.owner \
         AND queue = lane.queue AND priority = lane.priority AND limit_lane > lane.limit_lane \
         AND {CLAIMABLE} ORDER BY limit_lane LIMIT 1) \
     FROM lane WHERE limit_lane IS NOT NULL)";

/// Leaves out what is saturated. Both lists are read once and not for each row.
const ADMITTED: &str = "task NOT IN (SELECT value FROM json_each(?4)) \
     AND (task, coalesce(concurrency_key, '')) NOT IN ( \
     SELECT pair.value ->> 0, pair.value ->> 1 FROM json_each(?5) AS pair)";

/// The range of one lane, up to the condition on its time.
const OF_LANE: &str = "owner IS lane.owner AND queue = lane.queue AND priority = lane.priority \
     AND limit_lane IS lane.limit_lane";

/// What a row is ranked by, before its id.
fn rank(row: &str) -> String {
    format!(
        "{row}.available_at \
         - ?8 * min(max({row}.priority, {LOWEST_PRIORITY}), {HIGHEST_PRIORITY}), {row}.id"
    )
}

/// Of many lanes, those whose first row comes too late can have no other that does not, so it reads the
/// first row of each, and more of as many lanes as rows are wanted.
///
/// `octet_length` reads the length without reading the payload.
fn candidates(tasks: &str, queues: &str) -> String {
    let lanes = lanes_in(tasks, queues);
    let due = format!(
        "SELECT rowid FROM {tasks} WHERE {OF_LANE} AND available_at <= ?3 \
         AND {CLAIMABLE} AND {ADMITTED} ORDER BY available_at, id"
    );
    let (first, head) = (rank("first"), rank("head"));
    format!(
        "WITH RECURSIVE {OWNERS}, {lanes}, near(owner, queue, priority, limit_lane) AS ( \
         SELECT lane.owner, lane.queue, lane.priority, lane.limit_lane \
         FROM lane CROSS JOIN {tasks} AS first \
         WHERE (lane.limit_lane IS NULL \
             OR lane.limit_lane NOT IN (SELECT value FROM json_each(?6))) \
         AND first.rowid = ({due} LIMIT 1) ORDER BY {first} LIMIT ?7) \
         SELECT head.id, head.owner, head.status, octet_length(head.payload) AS bytes, \
         head.task, head.concurrency_key, iif(head.limit_lane IS NULL, NULL, head.limit_key) \
         AS limit_key \
         FROM near AS lane CROSS JOIN {tasks} AS head \
         WHERE head.rowid IN ({due} LIMIT ?7) ORDER BY {head} LIMIT ?7"
    )
}

fn claim(tasks: &str) -> String {
    let term = Generation::TERM;
    format!(
        "UPDATE {tasks} SET \
         status = CASE WHEN owner IS NULL AND status = 'InProgress' THEN status ELSE 'Queued' END, \
         interruptions = interruptions + (owner IS NOT NULL AND on_probation), \
         on_probation = 0, owner = ?2, generation = generation + {term} \
         WHERE id IN (SELECT unhex(value) FROM json_each(?1)) RETURNING *"
    )
}

/// Nobody else holds rows, so what is due after a claim that took all it may is saturated.
fn next(tasks: &str, queues: &str) -> String {
    let lanes = lanes_in(tasks, queues);
    format!(
        "WITH RECURSIVE {OWNERS}, {lanes}, \
         rest(next, has_due, limit_lane, is_throttled) AS MATERIALIZED ( \
         SELECT (SELECT available_at FROM {tasks} WHERE {OF_LANE} AND available_at > ?3 \
             AND {CLAIMABLE} ORDER BY available_at LIMIT 1), \
         CASE WHEN ?7 THEN EXISTS (SELECT 1 FROM {tasks} WHERE {OF_LANE} \
             AND available_at <= ?3 AND {CLAIMABLE}) ELSE false END, limit_lane, \
         limit_lane IS NOT NULL AND limit_lane IN (SELECT value FROM json_each(?6)) FROM lane) \
         SELECT min(next) AS next, false AS is_due, \
         coalesce(max(has_due AND NOT is_throttled), false) AS is_saturated, \
         json_group_array(limit_lane) FILTER (WHERE has_due AND is_throttled) AS throttled \
         FROM rest"
    )
}

fn lanes_in(tasks: &str, queues: &str) -> String {
    format!("{queues}, {LEVELS}, {LIMITS}")
        .replace("{tasks}", tasks)
        .replace("{CLAIMABLE}", CLAIMABLE)
}

/// The value of a column in a JSON row. Flags, numbers, texts and instants are as they are.
fn value(field: Field, place: usize) -> String {
    match field.kind {
        Kind::Id => format!("unhex(item.value ->> {place})"),
        Kind::Instant | Kind::Number | Kind::Flag | Kind::Text => {
            format!("item.value ->> {place}")
        }
    }
}

#[cfg(test)]
mod tests {
    use evertask_core::storage::{ProcessStart, StorageBackend};
    use evertask_core::task::ProcessId;
    use evertask_core::time::Timestamp;
    use sea_orm::{ConnectionTrait, Database, DbBackend, Statement, Value};
    use uuid::Uuid;

    use super::*;
    use crate::SqlStorage;

    /// Asks how `SQLite` would run a statement on the tables as they are made.
    async fn plan(sql: impl Fn(Statements) -> String) -> Vec<String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("jobs.db");
        let start = ProcessStart {
            id: ProcessId(Uuid::from_u128(1)),
            at: Timestamp::UNIX_EPOCH,
        };
        SqlStorage::sqlite(&path).open(start).await.unwrap();
        let database = Database::connect(format!("sqlite://{}", path.display()))
            .await
            .unwrap();
        let sql = sql(statements(&TablePrefix::default()));
        let values = (1..=8).map(|number| match number {
            1 | 2 | 4 | 5 | 6 => Value::from("[]"),
            _ => 10.into(),
        });
        let last = (1..=8)
            .rev()
            .find(|number| sql.contains(&format!("?{number}")));
        let explain = Statement::from_sql_and_values(
            DbBackend::Sqlite,
            format!("EXPLAIN QUERY PLAN {sql}"),
            values.take(last.unwrap_or(0)),
        );
        let rows = database.query_all_raw(explain).await.unwrap();
        rows.iter()
            .map(|row| row.try_get("", "detail").unwrap())
            .collect()
    }

    /// The steps that read the table of tasks, under its name, as `first` or as `head`.
    fn reads(plan: &[String]) -> Vec<&str> {
        let steps = plan.iter().map(String::as_str);
        let names = [" evertask_tasks", " first", " head"];
        steps
            .filter(|step| names.iter().any(|name| step.contains(name)))
            .collect()
    }

    const QUEUES: [&str; 2] = [
        "SEARCH evertask_tasks USING INDEX evertask_tasks_claims (owner=?)",
        "SEARCH evertask_tasks USING INDEX evertask_tasks_claims (owner=? AND queue>?)",
    ];

    const PRIORITIES: [&str; 2] = [
        "SEARCH evertask_tasks USING INDEX evertask_tasks_claims (owner=? AND queue=?)",
        "SEARCH evertask_tasks USING INDEX evertask_tasks_claims \
         (owner=? AND queue=? AND priority>?)",
    ];

    const LIMITS: [&str; 2] = ["SEARCH evertask_tasks USING INDEX evertask_tasks_claims \
         (owner=? AND queue=? AND priority=? AND limit_lane>?)"; 2];

    const DUE: &str = "SEARCH evertask_tasks USING INDEX evertask_tasks_claims \
         (owner=? AND queue=? AND priority=? AND limit_lane=? AND available_at>? AND available_at<?)";

    #[tokio::test]
    async fn a_claim_reads_the_heads_of_its_lanes_and_sorts_nothing_else() {
        let heads = [
            "SEARCH first USING INTEGER PRIMARY KEY (rowid=?)",
            DUE,
            "SEARCH head USING INTEGER PRIMARY KEY (rowid=?)",
            DUE,
        ];
        let of = plan(|statements| statements.candidates_of).await;
        let except = plan(|statements| statements.candidates_except).await;
        assert_eq!(
            reads(&of),
            [PRIORITIES.as_slice(), &LIMITS, &heads].concat()
        );
        assert_eq!(
            reads(&except),
            [QUEUES.as_slice(), &PRIORITIES, &LIMITS, &heads].concat()
        );
        for plan in [of, except] {
            let sorts = plan.iter().filter(|step| step.contains("TEMP B-TREE"));
            // The first row of each lane, and the heads, which are limited each.
            let sorts: Vec<_> = sorts.collect();
            assert_eq!(sorts, ["USE TEMP B-TREE FOR ORDER BY"; 2], "{plan:#?}");
            assert_eq!(plan.last(), Some(sorts[1]), "{plan:#?}");
        }
    }

    #[tokio::test]
    async fn the_next_time_is_one_leap_into_each_lane() {
        let peek = [
            "SEARCH evertask_tasks USING INDEX evertask_tasks_claims \
             (owner=? AND queue=? AND priority=? AND limit_lane=? AND available_at>?)",
            DUE,
        ];
        let of = plan(|statements| statements.next_of).await;
        let except = plan(|statements| statements.next_except).await;
        assert_eq!(reads(&of), [PRIORITIES.as_slice(), &LIMITS, &peek].concat());
        assert_eq!(
            reads(&except),
            [QUEUES.as_slice(), &PRIORITIES, &LIMITS, &peek].concat()
        );
        for plan in [of, except] {
            assert!(
                !plan.iter().any(|step| step.contains("TEMP B-TREE")),
                "{plan:#?}"
            );
        }
    }

    #[tokio::test]
    async fn rows_are_changed_and_claimed_by_their_key() {
        let change = plan(|statements| statements.change_tasks).await;
        let redefine = plan(|statements| statements.redefine_tasks).await;
        let claim = plan(|statements| statements.claim).await;
        for plan in [change, redefine, claim] {
            let [read] = reads(&plan)[..] else {
                panic!("{plan:#?}");
            };
            assert!(
                read.contains("sqlite_autoindex_evertask_tasks_1 (id=?)"),
                "{read}"
            );
        }
    }
}
