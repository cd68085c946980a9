//! The statements of `MySQL` and `MariaDB`, in the syntax that both know.
//!
//! Rows come as one JSON parameter and are read with `JSON_TABLE`: a statement with hundreds of
//! parameters has the driver and the server wait for each other, and would be another text for every
//! number of rows. There is neither `RETURNING` nor an update that says which rows it met, so a step
//! looks first, with a lock, and writes what it has found.
//!
//! `STRAIGHT_JOIN` has the rows of the parameter lead and each find its row by the key, in their
//! order, which is the order of the locks. `FORCE INDEX` has them do so in a small table, too: to read
//! all of it would be to wait for rows that are none of the statement's business. The character set is said for every text, because it would
//! otherwise be that of the database, and what does not fit becomes a question mark.

use evertask_migration::TablePrefix;

use crate::dialect::CLAIMABLE;
use crate::fields::{self, Field, Kind, list};

/// The statements for the tables of one prefix.
#[derive(Clone, Debug)]
pub(super) struct Statements {
    /// Rows. Fails if an id is there already.
    pub(super) insert_tasks: String,
    /// Where the active key stands in a row of a task.
    pub(super) place_of_key: usize,
    /// Ids. Answers those that are there, and keeps them from being deleted.
    pub(super) existing: String,
    /// Keys. Answers those that a task holds.
    pub(super) taken_keys: String,
    /// Ids. Locks the rows in the order of the ids.
    pub(super) lock_tasks: String,
    /// Rows of changes. Answers the ids that have the expected generation.
    pub(super) unchanged: String,
    /// Rows of changes.
    pub(super) change_tasks: String,
    /// Rows of redefinitions. Answers the ids that have the expected generation.
    pub(super) undefined: String,
    /// Rows of redefinitions.
    pub(super) redefine_tasks: String,
    /// Rows.
    pub(super) insert_audit: String,
    /// Rows.
    pub(super) insert_attempts: String,
    /// Rows.
    pub(super) insert_runs: String,
    /// Rows.
    pub(super) insert_logs: String,
    /// Process, its start, number of the group, pid, number of the group.
    pub(super) note_group: String,
    /// Ids. Answers the rows.
    pub(super) tasks: String,
    /// Rows of id, status, interruptions, generation; before them, the new owner.
    pub(super) take_tasks: String,
    /// The horizon. Answers every lane that has rows which are due by then, and when the first was: its
    /// owner, wait reason, queue, priority and limit lane.
    pub(super) lanes_due: String,
    /// The same of rows that are due later.
    pub(super) lanes_to_come: String,
    /// Lane, horizon, limit.
    heads_of_lane: String,
    /// Lane, horizon.
    next_of_lane: String,
    /// Number, lane, horizon.
    due_of_lane: String,
    /// Number, lane, horizon, saturated types, saturated keys.
    saturated_of_lane: String,
}

impl Statements {
    pub(super) fn new(prefix: &TablePrefix) -> Self {
        let tasks = prefix.tasks();
        let ids = format!(
            "JSON_TABLE(?, '$[*]' COLUMNS (c0 {} PATH '$')) AS item",
            json_type(Kind::Id)
        );
        let by_id = format!(
            "{ids} STRAIGHT_JOIN {tasks} AS task FORCE INDEX (PRIMARY) ON task.id = UNHEX(item.c0)"
        );
        let lane = lane(&tasks);
        let lanes = |condition| {
            format!(
                "SELECT owner, wait_reason, queue, priority, limit_lane, \
                 MIN(available_at) AS first FROM {tasks} FORCE INDEX ({tasks}_claims) \
                 WHERE available_at {condition} ? \
                 GROUP BY owner, wait_reason, queue, priority, limit_lane"
            )
        };
        Self {
            insert_tasks: insert(&tasks, &fields::task()),
            place_of_key: fields::task()
                .iter()
                .position(|field| field.name == "active_key")
                .unwrap_or(usize::MAX),
            existing: format!("SELECT task.id FROM {by_id} LOCK IN SHARE MODE"),
            taken_keys: taken_keys(&tasks),
            lock_tasks: format!("SELECT COUNT(*) FROM {by_id} FOR UPDATE"),
            unchanged: unchanged(&tasks),
            change_tasks: change(&tasks),
            undefined: undefined(&tasks),
            redefine_tasks: redefine(&tasks),
            insert_audit: insert_in_order(&prefix.status_audit(), &fields::AUDIT),
            insert_attempts: insert_new(&prefix.attempts(), &fields::ATTEMPT),
            insert_runs: insert_new(&prefix.runs(), &fields::RUN),
            insert_logs: insert_new(&prefix.logs(), &fields::LOG),
            note_group: format!(
                "INSERT INTO {} (id, started_at, last_group, pid) VALUES (?, ?, ?, ?) \
                 ON DUPLICATE KEY UPDATE last_group = ?",
                prefix.processes()
            ),
            tasks: format!("SELECT task.* FROM {by_id}"),
            take_tasks: take(&tasks),
            lanes_due: lanes("<="),
            lanes_to_come: lanes(">"),
            heads_of_lane: format!(
                "(SELECT id, owner, status, OCTET_LENGTH(payload) AS bytes, available_at, \
                 priority, task, concurrency_key, IF(limit_lane IS NULL, NULL, limit_key) \
                 AS limit_key FROM {lane} AND available_at <= ?{PICKY} \
                 ORDER BY available_at, id LIMIT ? FOR UPDATE SKIP LOCKED)"
            ),
            next_of_lane: format!(
                "(SELECT available_at FROM {lane} \
                 AND available_at > ? ORDER BY available_at LIMIT 1)"
            ),
            due_of_lane: format!(
                "(SELECT ? AS place, 0 AS is_saturated FROM {lane} \
                 AND available_at <= ?{PICKY} ORDER BY available_at LIMIT 1)"
            ),
            saturated_of_lane: format!(
                "(SELECT ? AS place, 1 AS is_saturated FROM {lane} \
                 AND available_at <= ? AND NOT ({ADMITTED}) ORDER BY available_at LIMIT 1)"
            ),
        }
    }

    /// For each lane: owner, queue, priority, limit lane, horizon, limit. Answers the candidates of each in
    /// order. A claim that is picky has the saturated types and keys before the limit.
    pub(super) fn heads(&self, lanes: usize, is_picky: bool) -> String {
        union(&picky(&self.heads_of_lane, is_picky), lanes)
    }

    /// For each lane: owner, queue, priority, limit lane, horizon. Answers when the next row of each becomes
    /// available.
    pub(super) fn next(&self, lanes: usize) -> String {
        union(&self.next_of_lane, lanes)
    }

    /// For each lane: a number, owner, queue, priority, limit lane, horizon. Answers the numbers of lanes
    /// that have rows which are due.
    ///
    /// A claim that is picky has the saturated types and keys at the end; then all of these once more. It
    /// is told whether a row is due that is not saturated, and whether one is due that is.
    pub(super) fn due(&self, lanes: usize, is_picky: bool) -> String {
        let due = picky(&self.due_of_lane, is_picky);
        if !is_picky {
            return union(&due, lanes);
        }
        union(
            &format!("{due} UNION ALL {}", self.saturated_of_lane),
            lanes,
        )
    }
}

/// Leaves out what is saturated. Compared as bytes, because texts of two sources have no collation in
/// common.
const ADMITTED: &str = "CAST(task AS BINARY) NOT IN (SELECT CAST(item.c0 AS BINARY) \
     FROM JSON_TABLE(?, '$[*]' COLUMNS (c0 varchar(200) CHARACTER SET utf8mb4 PATH '$')) AS item) \
     AND (CAST(task AS BINARY), CAST(COALESCE(concurrency_key, '') AS BINARY)) NOT IN ( \
     SELECT CAST(item.c0 AS BINARY), CAST(item.c1 AS BINARY) FROM JSON_TABLE(?, '$[*]' COLUMNS ( \
     c0 varchar(200) CHARACTER SET utf8mb4 PATH '$[0]', \
     c1 varchar(200) CHARACTER SET utf8mb4 PATH '$[1]')) AS item)";

/// Where a statement leaves it out, if it does.
const PICKY: &str = "/* admitted */";

fn picky(statement: &str, is_picky: bool) -> String {
    let condition = if is_picky {
        format!(" AND {ADMITTED}")
    } else {
        String::new()
    };
    statement.replace(PICKY, &condition)
}

fn union(of_lane: &str, lanes: usize) -> String {
    vec![of_lane; lanes].join(" UNION ALL ")
}

/// The range of one lane, up to the condition on its time.
///
/// Without the hint, a small table or old statistics make the server sort the whole backlog.
fn lane(tasks: &str) -> String {
    format!(
        "{tasks} FORCE INDEX ({tasks}_claims) \
         WHERE owner <=> ? AND queue = ? AND priority = ? AND limit_lane <=> ? AND {CLAIMABLE}"
    )
}

fn insert(table: &str, fields: &[Field]) -> String {
    let names = list(fields, |field, _| quoted(field));
    let values = list(fields, value);
    let rows = json_table(fields);
    format!("INSERT INTO {table} ({names}) SELECT {values} FROM {rows}")
}

/// The numbers that the server gives to new rows rise in the order in which the rows come.
fn insert_in_order(table: &str, fields: &[Field]) -> String {
    let insert = insert(table, fields);
    let insert = insert.replacen("COLUMNS (", "COLUMNS (place FOR ORDINALITY, ", 1);
    format!("{insert} ORDER BY item.place")
}

/// Such a table has one key, so nothing else can be what the update answers to; it updates nothing.
fn insert_new(table: &str, fields: &[Field]) -> String {
    let insert = insert(table, fields);
    let column = fields.first().map_or("id", |field| field.name);
    format!("{insert} ON DUPLICATE KEY UPDATE {column} = {table}.{column}")
}

/// Compared with the column, a text has the column's collation.
fn taken_keys(tasks: &str) -> String {
    format!(
        "SELECT task.active_key FROM JSON_TABLE(?, '$[*]' \
         COLUMNS (c0 varchar(200) CHARACTER SET utf8mb4 PATH '$')) AS item \
         STRAIGHT_JOIN {tasks} AS task FORCE INDEX ({tasks}_keys) ON task.active_key = item.c0"
    )
}

/// A change begins with the id, the expected generation and the new one.
fn change_fields() -> Vec<Field> {
    let field = |name, kind| Field { name, kind };
    let head = [
        field("id", Kind::Id),
        field("expected", Kind::Number),
        field("generation", Kind::Number),
    ];
    head.into_iter().chain(fields::STATE).collect()
}

fn unchanged(tasks: &str) -> String {
    let rows = json_table(&change_fields()[..2]);
    format!(
        "SELECT task.id FROM {rows} STRAIGHT_JOIN {tasks} AS task FORCE INDEX (PRIMARY) \
         ON task.id = UNHEX(item.c0) AND task.generation = item.c1 FOR UPDATE"
    )
}

fn change(tasks: &str) -> String {
    let fields = change_fields();
    let rows = json_table(&fields);
    let sets = list(&fields[2..], |field, place| {
        format!("task.{} = {}", quoted(field), value(field, place + 2))
    });
    format!(
        "UPDATE {rows} STRAIGHT_JOIN {tasks} AS task FORCE INDEX (PRIMARY) \
         ON task.id = UNHEX(item.c0) AND task.generation = item.c1 SET {sets}"
    )
}

/// The columns of a task, and the expected generation.
fn redefinition_fields() -> Vec<Field> {
    let mut fields = fields::task();
    fields.push(Field {
        name: "expected",
        kind: Kind::Number,
    });
    fields
}

fn undefined(tasks: &str) -> String {
    let expected = fields::EXPECTED_OF_REDEFINITION;
    let (id, number) = (json_type(Kind::Id), json_type(Kind::Number));
    format!(
        "SELECT task.id FROM JSON_TABLE(?, '$[*]' COLUMNS \
         (c0 {id} PATH '$[0]', expected {number} PATH '$[{expected}]')) AS item \
         STRAIGHT_JOIN {tasks} AS task FORCE INDEX (PRIMARY) \
         ON task.id = UNHEX(item.c0) AND task.generation = item.expected FOR UPDATE"
    )
}

fn redefine(tasks: &str) -> String {
    let rows = json_table(&redefinition_fields());
    let expected = fields::EXPECTED_OF_REDEFINITION;
    let sets: Vec<_> = fields::redefined()
        .map(|(field, place)| format!("task.{} = {}", quoted(field), value(field, place)))
        .collect();
    let sets = sets.join(", ");
    format!(
        "UPDATE {rows} STRAIGHT_JOIN {tasks} AS task FORCE INDEX (PRIMARY) \
         ON task.id = UNHEX(item.c0) AND task.generation = item.c{expected} SET {sets}"
    )
}

/// The new values are all given: assignments that read columns which others assign have no defined
/// order in an update of a join.
fn take(tasks: &str) -> String {
    let field = |name, kind| Field { name, kind };
    let rows = json_table(&[
        field("id", Kind::Id),
        field("status", Kind::Text),
        field("interruptions", Kind::Number),
        field("generation", Kind::Number),
    ]);
    format!(
        "UPDATE {rows} STRAIGHT_JOIN {tasks} AS task FORCE INDEX (PRIMARY) ON task.id = UNHEX(item.c0) \
         SET task.status = item.c1, task.interruptions = item.c2, task.generation = item.c3, \
         task.on_probation = 0, task.owner = ?"
    )
}

fn json_table(fields: &[Field]) -> String {
    let columns = list(fields, |field, place| {
        format!("c{place} {} PATH '$[{place}]'", json_type(field.kind))
    });
    format!("JSON_TABLE(?, '$[*]' COLUMNS ({columns})) AS item")
}

fn json_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Id => "varchar(32) CHARACTER SET utf8mb4",
        Kind::Instant => "datetime(6)",
        Kind::Number => "bigint",
        Kind::Flag => "tinyint",
        Kind::Text => "longtext CHARACTER SET utf8mb4",
    }
}

fn value(field: Field, place: usize) -> String {
    match field.kind {
        Kind::Id => format!("UNHEX(item.c{place})"),
        Kind::Instant | Kind::Number | Kind::Flag | Kind::Text => format!("item.c{place}"),
    }
}

/// Some of the names are words of the language.
fn quoted(field: Field) -> String {
    format!("`{}`", field.name)
}
