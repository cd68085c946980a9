//! The statements of `PostgreSQL`.
//!
//! The JSON parameter is read as `jsonb`, in which a place of an array is found without parsing what
//! stands before it. Tables are found by the search path of the session; their names are words
//! checked by [`TablePrefix`], so they are put in as they are.

use evertask_core::rank::{HIGHEST_PRIORITY, LOWEST_PRIORITY};
use evertask_core::task::Generation;
use evertask_entities::task;
use evertask_migration::TablePrefix;
use sea_orm::{IdenStatic, Iterable};

use crate::dialect::{CLAIMABLE, Statements};
use crate::fields::{self, Field, Kind, list, names};

/// Writes the statements for the tables of one prefix.
pub(super) fn statements(prefix: &TablePrefix) -> Statements {
    let tasks = prefix.tasks();
    Statements {
        insert_tasks: insert_tasks(&tasks),
        lock_tasks: Some(format!("{} ORDER BY id FOR UPDATE", of_ids(&tasks))),
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
        existing_tasks: of_ids(&tasks),
        note_group: format!(
            "INSERT INTO {} (id, started_at, last_group, pid) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (id) DO UPDATE SET last_group = excluded.last_group",
            prefix.processes()
        ),
        candidates_of: candidates(&tasks, &LANES_OF),
        candidates_except: candidates(&tasks, &LANES_EXCEPT),
        claim: claim(&tasks),
        next_of: next(&tasks, &LANES_OF),
        next_except: next(&tasks, &LANES_EXCEPT),
    }
}

/// The statement that inserts tasks into that table.
pub(crate) fn insert_tasks(tasks: &str) -> String {
    let insert = insert(tasks, &fields::task());
    format!("{insert} ON CONFLICT DO NOTHING RETURNING id")
}

fn of_ids(tasks: &str) -> String {
    format!(
        "SELECT id FROM {tasks} \
         WHERE id IN (SELECT hex::uuid FROM jsonb_array_elements_text($1::jsonb) AS item(hex))"
    )
}

/// In the order of the rows: of two that want the same, the first is inserted.
fn insert(table: &str, fields: &[Field]) -> String {
    let names = names(fields);
    let values = list(fields, value);
    format!(
        "INSERT INTO {table} ({names}) SELECT {values} \
         FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS item(value, place) ORDER BY item.place"
    )
}

/// The state follows the id, the expected generation and the new one.
fn change(tasks: &str) -> String {
    let sets = list(&fields::STATE, |field, place| {
        let value = value(field, place + fields::STATE_OF_CHANGE);
        format!("{} = {value}", field.name)
    });
    format!(
        "UPDATE {tasks} AS task SET generation = (item.value ->> 2)::bigint, {sets} \
         FROM jsonb_array_elements($1::jsonb) AS item(value) \
         WHERE task.id = (item.value ->> 0)::uuid \
         AND task.generation = (item.value ->> 1)::bigint \
         RETURNING task.id"
    )
}

/// The expected generation follows the columns of the task.
fn redefine(tasks: &str) -> String {
    let sets: Vec<_> = fields::redefined()
        .map(|(field, place)| format!("{} = {}", field.name, value(field, place)))
        .collect();
    let (sets, expected) = (sets.join(", "), fields::EXPECTED_OF_REDEFINITION);
    format!(
        "UPDATE {tasks} AS task SET {sets} FROM jsonb_array_elements($1::jsonb) AS item(value) \
         WHERE task.id = (item.value ->> 0)::uuid \
         AND task.generation = (item.value ->> {expected})::bigint \
         RETURNING task.id"
    )
}

/// The value of a column in a JSON row.
fn value(field: Field, place: usize) -> String {
    let text = format!("item.value ->> {place}");
    match field.kind {
        Kind::Text => text,
        Kind::Id => format!("({text})::uuid"),
        Kind::Instant => format!("({text})::timestamptz"),
        Kind::Number => format!("({text})::bigint"),
        Kind::Flag => format!("({text})::boolean"),
    }
}

/// Where a claim looks: the lanes of nobody and those of the dead.
///
/// They are apart because the index is used for `owner IS NULL` and for `owner = …`, and for no
/// condition that is both. All its columns are named in each order, also those that are the same in
/// the whole lane: that a column is null does not tell the planner so.
struct LaneTables {
    nobody: &'static str,
    dead: &'static str,
}

const LANES_OF: LaneTables = LaneTables {
    nobody: "of_nobody(queue) AS (SELECT jsonb_array_elements_text($2::jsonb))",
    dead: "of_dead(owner, queue) AS ( \
           SELECT hex::uuid, item.queue FROM jsonb_array_elements_text($1::jsonb) AS owner(hex) \
           CROSS JOIN jsonb_array_elements_text($2::jsonb) AS item(queue))",
};

/// The queues are found by leaping through the index from one to the next.
const LANES_EXCEPT: LaneTables = LaneTables {
    nobody: "leap(queue) AS ( \
             SELECT (SELECT queue FROM {tasks} WHERE owner IS NULL AND {CLAIMABLE} \
                 ORDER BY owner, queue LIMIT 1) \
             UNION ALL \
             SELECT (SELECT queue FROM {tasks} WHERE owner IS NULL AND queue > leap.queue \
                 AND {CLAIMABLE} ORDER BY owner, queue LIMIT 1) \
             FROM leap WHERE queue IS NOT NULL), \
             of_nobody(queue) AS (SELECT queue FROM leap WHERE queue IS NOT NULL \
             AND queue NOT IN (SELECT jsonb_array_elements_text($2::jsonb)))",
    dead: "leap_of(owner, queue) AS ( \
           SELECT hex::uuid, (SELECT queue FROM {tasks} WHERE owner = hex::uuid AND {CLAIMABLE} \
               ORDER BY owner, queue LIMIT 1) \
           FROM jsonb_array_elements_text($1::jsonb) AS owner(hex) \
           UNION ALL \
           SELECT leap_of.owner, (SELECT queue FROM {tasks} WHERE owner = leap_of.owner \
               AND queue > leap_of.queue AND {CLAIMABLE} ORDER BY owner, queue LIMIT 1) \
           FROM leap_of WHERE queue IS NOT NULL), \
           of_dead(owner, queue) AS (SELECT owner, queue FROM leap_of WHERE queue IS NOT NULL \
           AND queue NOT IN (SELECT jsonb_array_elements_text($2::jsonb)))",
};

/// So are the priorities of each; the last step finds none, and no row has none.
const PRIORITIES: &str = "nobody(queue, priority) AS ( \
     SELECT queue, (SELECT priority FROM {tasks} WHERE owner IS NULL \
         AND queue = of_nobody.queue AND {CLAIMABLE} ORDER BY owner, queue, priority LIMIT 1) \
     FROM of_nobody \
     UNION ALL \
     SELECT queue, (SELECT priority FROM {tasks} WHERE owner IS NULL \
         AND queue = nobody.queue AND priority > nobody.priority AND {CLAIMABLE} \
         ORDER BY owner, queue, priority LIMIT 1) \
     FROM nobody WHERE priority IS NOT NULL), \
     dead(owner, queue, priority) AS ( \
     SELECT owner, queue, (SELECT priority FROM {tasks} WHERE owner = of_dead.owner \
         AND queue = of_dead.queue AND {CLAIMABLE} ORDER BY owner, queue, priority LIMIT 1) \
     FROM of_dead \
     UNION ALL \
     SELECT owner, queue, (SELECT priority FROM {tasks} WHERE owner = dead.owner \
         AND queue = dead.queue AND priority > dead.priority AND {CLAIMABLE} \
         ORDER BY owner, queue, priority LIMIT 1) \
     FROM dead WHERE priority IS NOT NULL)";

/// And the limit keys of each priority; the last step finds none.
const LIMITS: &str = "nobody_limited(queue, priority, limit_lane) AS ( \
     SELECT queue, priority, (SELECT limit_lane FROM {tasks} WHERE owner IS NULL \
         AND queue = nobody.queue AND priority = nobody.priority AND limit_lane IS NOT NULL \
         AND {CLAIMABLE} ORDER BY owner, queue, priority, limit_lane LIMIT 1) \
     FROM nobody WHERE priority IS NOT NULL \
     UNION ALL \
     SELECT queue, priority, (SELECT limit_lane FROM {tasks} WHERE owner IS NULL \
         AND queue = nobody_limited.queue AND priority = nobody_limited.priority \
         AND limit_lane > nobody_limited.limit_lane \
         AND {CLAIMABLE} ORDER BY owner, queue, priority, limit_lane LIMIT 1) \
     FROM nobody_limited WHERE limit_lane IS NOT NULL), \
     dead_limited(owner, queue, priority, limit_lane) AS ( \
     SELECT owner, queue, priority, (SELECT limit_lane FROM {tasks} WHERE owner = dead.owner \
         AND queue = dead.queue AND priority = dead.priority AND limit_lane IS NOT NULL \
         AND {CLAIMABLE} ORDER BY owner, queue, priority, limit_lane LIMIT 1) \
     FROM dead WHERE priority IS NOT NULL \
     UNION ALL \
     SELECT owner, queue, priority, (SELECT limit_lane FROM {tasks} \
         WHERE owner = dead_limited.owner \
         AND queue = dead_limited.queue AND priority = dead_limited.priority \
         AND limit_lane > dead_limited.limit_lane \
         AND {CLAIMABLE} ORDER BY owner, queue, priority, limit_lane LIMIT 1) \
     FROM dead_limited WHERE limit_lane IS NOT NULL)";

/// Leaves out what is saturated. Both lists are read once and not for each row.
const ADMITTED: &str = "task NOT IN (SELECT jsonb_array_elements_text($4::jsonb)) \
     AND (task, coalesce(concurrency_key, '')) NOT IN ( \
     SELECT pair ->> 0, pair ->> 1 FROM jsonb_array_elements($5::jsonb) AS pair)";

/// The order of the index, with all of its columns.
const IN_ORDER: &str = "ORDER BY owner, queue, priority, limit_lane, available_at, id";

/// What is asked for of a row; the length of a payload is known without reading it.
const HEAD: &str = "id, owner, status, octet_length(payload)::bigint AS bytes, available_at, \
     priority, task, concurrency_key";

/// The same, with the limit key, of a row that was locked.
const HEAD_OF_LIMITED: &str = "head.id, head.owner, status, bytes, available_at, head.priority, \
     task, concurrency_key, limit_key";

/// What a row is ranked by, before its id.
fn rank(row: &str) -> String {
    format!(
        "{row}.available_at - ($8::bigint \
         * least(greatest({row}.priority, {LOWEST_PRIORITY}), {HIGHEST_PRIORITY}) \
         )::double precision * interval '1 microsecond', {row}.id"
    )
}

fn candidates(tasks: &str, lanes: &LaneTables) -> String {
    let with = lanes.with(tasks);
    let rank = rank("head");
    format!(
        "{with} SELECT id, owner, status, bytes, task, concurrency_key, limit_key \
         FROM ({} UNION ALL {} UNION ALL ({}) UNION ALL ({})) AS head ORDER BY {rank} LIMIT $7",
        general_heads(tasks, "nobody", "IS NULL"),
        general_heads(tasks, "dead", "= dead.owner"),
        limited_heads(tasks, "nobody_limited", "IS NULL"),
        limited_heads(tasks, "dead_limited", "= lane.owner"),
    )
}

/// A lane whose rows somebody else is taking gives its next ones.
fn general_heads(tasks: &str, lane: &str, owner: &str) -> String {
    format!(
        "SELECT head.* FROM {lane} CROSS JOIN LATERAL ( \
         SELECT {HEAD}, NULL::text AS limit_key \
         FROM {tasks} WHERE owner {owner} AND queue = {lane}.queue \
         AND priority = {lane}.priority AND limit_lane IS NULL AND available_at <= $3 \
         AND {CLAIMABLE} AND {ADMITTED} {IN_ORDER} LIMIT $7 FOR UPDATE SKIP LOCKED) AS head"
    )
}

/// Of many lanes, those whose first row comes too late can have no other that does not, so it reads the
/// first row of each, and more of the lanes that come first.
///
/// A lock is a write, and there may be as many lanes as an application has tenants. So rows are found
/// without locking them and locked one by one, in order, until there are enough. Twice as many are found
/// as are wanted, in case somebody else is taking the first ones. A row is locked by its key alone and
/// looked at once more afterwards: with what else it has to be, the planner might find it by an index that
/// begins with that, and read all rows that are due for each.
fn limited_heads(tasks: &str, lanes: &str, owner: &str) -> String {
    let due = |columns: &str| {
        format!(
            "SELECT {columns} FROM {tasks} WHERE owner {owner} AND queue = lane.queue \
             AND priority = lane.priority AND limit_lane = lane.limit_lane \
             AND available_at <= $3 AND {CLAIMABLE} AND {ADMITTED} {IN_ORDER}"
        )
    };
    let (first, more) = (due("id, available_at"), due("id, priority, available_at"));
    let rank_of_first = rank("first").replace("first.priority", "lane.priority");
    let rank_of_found = rank("found");
    format!(
        "SELECT {HEAD_OF_LIMITED} FROM (SELECT lane.*, found.id FROM ( \
         SELECT lane.* FROM {lanes} AS lane CROSS JOIN LATERAL ({first} LIMIT 1) AS first \
         WHERE lane.limit_lane IS NOT NULL \
         AND lane.limit_lane NOT IN (SELECT jsonb_array_elements_text($6::jsonb)) \
         ORDER BY {rank_of_first} LIMIT 2 * $7) AS lane \
         CROSS JOIN LATERAL ({more} LIMIT 2 * $7) AS found ORDER BY {rank_of_found}) AS lane \
         CROSS JOIN LATERAL (SELECT {HEAD}, limit_key, queue, wait_reason, next_run_at \
         FROM {tasks} WHERE id = lane.id LIMIT 1 FOR UPDATE SKIP LOCKED) AS head \
         WHERE head.owner {owner} AND head.queue = lane.queue \
         AND available_at <= $3 AND {CLAIMABLE} LIMIT $7"
    )
}

/// The columns are named: a plan that the server keeps would not outlive a new one under `*`.
fn claim(tasks: &str) -> String {
    let term = Generation::TERM;
    let columns: Vec<_> = task::Column::iter().map(|column| column.as_str()).collect();
    let columns = columns.join(", ");
    format!(
        "UPDATE {tasks} SET \
         status = CASE WHEN owner IS NULL AND status = 'InProgress' THEN status ELSE 'Queued' END, \
         interruptions = interruptions \
             + CASE WHEN owner IS NOT NULL AND on_probation THEN 1 ELSE 0 END, \
         on_probation = false, owner = $2, generation = generation + {term} \
         WHERE id IN (SELECT hex::uuid FROM jsonb_array_elements_text($1::jsonb) AS item(hex)) \
         RETURNING {columns}"
    )
}

/// A limit where `EXISTS` would do: the planner may answer that from a table of all rows.
fn next(tasks: &str, lanes: &LaneTables) -> String {
    let with = lanes.with(tasks);
    let of = |lane: &str, owner: &str, limit: &str, is_throttled: &str, name: &str| {
        let rows = format!(
            "FROM {tasks} WHERE owner {owner} AND queue = lane.queue \
             AND priority = lane.priority AND limit_lane {limit} AND {CLAIMABLE} AND available_at"
        );
        let found = |condition: &str| format!("(SELECT true {rows} <= $3{condition} LIMIT 1)");
        let (due, is_due) = (found(""), found(&format!(" AND {ADMITTED}")));
        let is_saturated = found(&format!(" AND NOT ({ADMITTED})"));
        format!(
            "SELECT (SELECT available_at {rows} > $3 \
             ORDER BY owner, queue, priority, limit_lane, available_at LIMIT 1) AS next, \
             CASE WHEN $7 AND NOT is_throttled THEN {is_due} END AS is_due, \
             CASE WHEN $7 AND NOT is_throttled THEN {is_saturated} END AS is_saturated, \
             CASE WHEN $7 AND is_throttled AND {due} THEN {name} END AS throttled \
             FROM (SELECT *, {is_throttled} AS is_throttled FROM {lane}) AS lane"
        )
    };
    let general = "IS NULL";
    let limited = "= lane.limit_lane";
    let is_throttled = "limit_lane IN (SELECT jsonb_array_elements_text($6::jsonb))";
    format!(
        "{with} SELECT min(next) AS next, coalesce(bool_or(is_due), false) AS is_due, \
         coalesce(bool_or(is_saturated), false) AS is_saturated, \
         (json_agg(throttled) FILTER (WHERE throttled IS NOT NULL))::text AS throttled \
         FROM ({} UNION ALL {} UNION ALL {} UNION ALL {}) AS lane",
        of("nobody", "IS NULL", general, "false", "NULL"),
        of("dead", "= lane.owner", general, "false", "NULL"),
        of(
            "nobody_limited",
            "IS NULL",
            limited,
            is_throttled,
            "limit_lane"
        ),
        of(
            "dead_limited",
            "= lane.owner",
            limited,
            is_throttled,
            "limit_lane"
        ),
    )
}

impl LaneTables {
    fn with(&self, tasks: &str) -> String {
        format!(
            "WITH RECURSIVE {}, {}, {PRIORITIES}, {LIMITS}",
            self.nobody, self.dead
        )
        .replace("{tasks}", tasks)
        .replace("{CLAIMABLE}", CLAIMABLE)
    }
}

#[cfg(test)]
mod tests;
