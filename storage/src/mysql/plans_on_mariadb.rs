//! How `MariaDB` runs the statements on tables in which finding a row the wrong way would be slow.

use chrono::DateTime;
use evertask_core::storage::{ProcessStart, StorageBackend};
use evertask_core::task::ProcessId;
use evertask_core::time::Timestamp;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement, Value,
};
use uuid::Uuid;

use super::statements::Statements;
use crate::SqlStorage;

const LIVING: Uuid = Uuid::from_u128(1);
const DEAD: Uuid = Uuid::from_u128(2);

/// The lane of a limit key.
const TENANT: &str = "mail.send\ntenant";

/// Tables with a thousand rows of each sort that a claim must not walk through.
struct Place {
    database: DatabaseConnection,
    prefix: String,
    statements: Statements,
}

/// One line of a plan.
#[derive(Debug)]
struct Step {
    table: String,
    kind: String,
    key: Option<String>,
    extra: String,
}

impl Place {
    #[expect(clippy::print_stderr, reason = "a test that is skipped has to say so")]
    async fn new() -> Option<Self> {
        let Ok(url) = std::env::var("EVERTASK_TEST_MYSQL_URL") else {
            eprintln!("skipped: EVERTASK_TEST_MYSQL_URL names no server of MariaDB or MySQL");
            return None;
        };
        let random = Uuid::now_v7().simple().to_string().split_off(16);
        let prefix = format!("plan_{random}_");
        let storage = SqlStorage::from_url(&url).unwrap();
        let storage = storage.table_prefix(&prefix).unwrap();
        let start = ProcessStart {
            id: ProcessId(LIVING),
            at: Timestamp::UNIX_EPOCH,
        };
        storage.open(start).await.unwrap().close().await.unwrap();
        let place = Self {
            database: Database::connect(ConnectOptions::new(url).max_connections(1).to_owned())
                .await
                .unwrap(),
            statements: Statements::new(&prefix.parse().unwrap()),
            prefix,
        };
        place.fill().await;
        Some(place)
    }

    async fn fill(&self) {
        let nobody = "NULL".to_owned();
        let [living, dead] = [LIVING, DEAD].map(|id| format!("UNHEX('{}')", id.simple()));
        let tenant = format!("'{TENANT}'");
        for (status, owner, reason, lane, is_over) in [
            ("Completed", &nobody, "NULL", "NULL", true),
            ("Completed", &nobody, "NULL", &tenant, true),
            ("WaitingQueue", &nobody, "NULL", "NULL", false),
            ("WaitingQueue", &nobody, "NULL", &tenant, false),
            ("Queued", &living, "NULL", "NULL", false),
            ("InProgress", &dead, "NULL", &tenant, false),
            ("InProgress", &dead, "NULL", "NULL", false),
            ("WaitingQueue", &dead, "'NoHandler'", "NULL", false),
        ] {
            let available_at = if is_over {
                "NULL"
            } else {
                "'2026-01-01' + INTERVAL number SECOND"
            };
            self.execute(&format!(
                "INSERT INTO {}tasks (id, created_at, task, payload_version, queue, priority, \
                 tags, generation, status, owner, available_at, wait_reason, attempts, \
                 interruptions, on_probation, recovery_failures, payload, limit_lane) \
                 WITH RECURSIVE numbers AS (SELECT 1 AS number \
                 UNION ALL SELECT number + 1 FROM numbers WHERE number < 1000) \
                 SELECT RANDOM_BYTES(16), '2026-01-01', 'mail.send', 1, \
                 ELT(1 + number % 3, 'mail', 'images', 'default'), 0, '[]', 1, '{status}', \
                 {owner}, {available_at}, {reason}, 0, 0, 0, 0, '{{}}', {lane} FROM numbers",
                self.prefix
            ))
            .await;
        }
        self.execute(&format!("ANALYZE TABLE {}tasks", self.prefix))
            .await;
    }

    async fn execute(&self, sql: &str) {
        self.database.execute_unprepared(sql).await.unwrap();
    }

    /// Asks for the plan of a statement.
    async fn plan(&self, sql: &str, values: Vec<Value>) -> Vec<Step> {
        let explain = format!("EXPLAIN {sql}");
        let explain = Statement::from_sql_and_values(DbBackend::MySql, explain, values);
        let rows = self.database.query_all_raw(explain).await.unwrap();
        let text = |name: &str| {
            let name = name.to_owned();
            move |row: &sea_orm::QueryResult| -> Option<String> { row.try_get("", &name).unwrap() }
        };
        rows.iter()
            .map(|row| Step {
                table: text("table")(row).unwrap_or_default(),
                kind: text("type")(row).unwrap_or_default(),
                key: text("key")(row),
                extra: text("Extra")(row).unwrap_or_default(),
            })
            .collect()
    }

    /// The steps that read the table of tasks, under its own name or as `task`.
    async fn reads(&self, sql: &str, values: Vec<Value>) -> Vec<Step> {
        let tasks = format!("{}tasks", self.prefix);
        let plan = self.plan(sql, values).await;
        let reads: Vec<_> = plan
            .into_iter()
            .filter(|step| step.table == tasks || step.table == "task")
            .collect();
        assert!(!reads.is_empty());
        reads
    }

    #[track_caller]
    fn assert_claimable(&self, step: &Step) {
        let key = format!("{}tasks_claims", self.prefix);
        assert_eq!(step.key.as_ref(), Some(&key), "{step:?}");
        assert_eq!(step.kind, "range", "{step:?}");
        assert!(!step.extra.contains("filesort"), "{step:?}");
        assert!(!step.extra.contains("temporary"), "{step:?}");
    }

    async fn remove(self) {
        self.execute("SET SESSION foreign_key_checks = 0").await;
        let sql = format!(
            "SELECT table_name AS name FROM information_schema.tables \
             WHERE table_schema = DATABASE() AND table_name LIKE '{}%'",
            self.prefix
        );
        let tables = Statement::from_string(DbBackend::MySql, sql);
        for table in self.database.query_all_raw(tables).await.unwrap() {
            let name: String = table.try_get("", "name").unwrap();
            self.execute(&format!("DROP TABLE {name}")).await;
        }
    }
}

fn now() -> Value {
    let now = DateTime::from_timestamp(1_767_225_600 + 500, 0).unwrap();
    now.naive_utc().into()
}

/// Of rows without a limit key.
fn lane(owner: Option<Uuid>) -> [Value; 5] {
    limited(owner, None)
}

fn limited(owner: Option<Uuid>, lane: Option<&str>) -> [Value; 5] {
    let lane = Value::from(lane.map(str::to_owned));
    [owner.into(), "mail".into(), 0_i64.into(), lane, now()]
}

/// A number and a lane.
fn numbered(owner: Option<Uuid>, lane: Option<&str>) -> Vec<Value> {
    let mut values = vec![Value::from(0_i64)];
    values.extend(limited(owner, lane));
    values
}

#[tokio::test]
async fn a_claim_reads_the_heads_of_its_lanes_in_the_order_of_the_index() {
    let Some(place) = Place::new().await else {
        return;
    };
    let limit = || Value::from(10_i64);
    let mut values = Vec::new();
    for (owner, lane) in [(None, None), (Some(DEAD), None), (None, Some(TENANT))] {
        values.extend(limited(owner, lane));
        values.push(limit());
    }
    let heads = place.reads(&place.statements.heads(3, false), values).await;
    assert_eq!(heads.len(), 3);
    for step in &heads {
        place.assert_claimable(step);
    }
    place.remove().await;
}

#[tokio::test]
async fn the_next_time_is_one_leap_into_each_lane() {
    let Some(place) = Place::new().await else {
        return;
    };
    let mut values = lane(None).to_vec();
    values.extend(limited(Some(DEAD), Some(TENANT)));
    let next = place.reads(&place.statements.next(2), values).await;
    assert_eq!(next.len(), 2);
    let mut values = numbered(None, None);
    values.extend(numbered(None, Some(TENANT)));
    let due = place.reads(&place.statements.due(2, false), values).await;
    assert_eq!(due.len(), 2);
    for step in next.iter().chain(&due) {
        place.assert_claimable(step);
    }
    place.remove().await;
}

#[tokio::test]
async fn what_is_saturated_is_passed_over_within_the_range_of_its_lane() {
    let Some(place) = Place::new().await else {
        return;
    };
    let lists = || {
        [
            Value::from("[\"mail.send\"]"),
            "[[\"mail.send\",\"a\"]]".into(),
        ]
    };
    for lane in [None, Some(TENANT)] {
        let mut values = limited(None, lane).to_vec();
        values.extend(lists());
        values.push(10_i64.into());
        let heads = place.reads(&place.statements.heads(1, true), values).await;
        place.assert_claimable(&heads[0]);
        let mut values = Vec::new();
        for _ in 0..2 {
            values.extend(numbered(None, lane));
            values.extend(lists());
        }
        let due = place.reads(&place.statements.due(1, true), values).await;
        assert_eq!(due.len(), 2);
        for step in &due {
            place.assert_claimable(step);
        }
    }
    place.remove().await;
}

#[tokio::test]
async fn lanes_are_found_by_leaping_through_the_index() {
    let Some(place) = Place::new().await else {
        return;
    };
    let statements = &place.statements;
    for sql in [&statements.lanes_due, &statements.lanes_to_come] {
        let lanes = place.reads(sql, vec![now()]).await;
        place.assert_claimable(&lanes[0]);
        assert!(
            lanes[0].extra.contains("Using index for group-by"),
            "{lanes:?}"
        );
    }
    place.remove().await;
}

#[tokio::test]
async fn rows_are_found_by_their_key_in_the_order_of_the_parameter() {
    let Some(place) = Place::new().await else {
        return;
    };
    assert_found_by_key(&place).await;
    place
        .execute(&format!("DELETE FROM {}tasks", place.prefix))
        .await;
    place
        .execute(&format!("ANALYZE TABLE {}tasks", place.prefix))
        .await;
    assert_found_by_key(&place).await;
    place.remove().await;
}

async fn assert_found_by_key(place: &Place) {
    let statements = &place.statements;
    let ids = || Value::from("[\"00000000000000000000000000000001\"]");
    let rows = || Value::from("[[\"00000000000000000000000000000001\",1,2]]");
    for (sql, values) in [
        (&statements.existing, vec![ids()]),
        (&statements.lock_tasks, vec![ids()]),
        (&statements.tasks, vec![ids()]),
        (&statements.unchanged, vec![rows()]),
        (&statements.change_tasks, vec![rows()]),
        (&statements.take_tasks, vec![rows(), LIVING.into()]),
    ] {
        let plan = place.plan(sql, values).await;
        let tables: Vec<_> = plan.iter().map(|step| step.table.as_str()).collect();
        assert_eq!(tables, ["item", "task"], "{sql}");
        assert_eq!(plan[1].key.as_deref(), Some("PRIMARY"), "{sql}: {plan:?}");
        assert_eq!(plan[1].kind, "eq_ref", "{sql}: {plan:?}");
    }
    let plan = place
        .plan(&statements.taken_keys, vec!["[\"key\"]".into()])
        .await;
    let key = format!("{}tasks_keys", place.prefix);
    assert_eq!(plan[1].key.as_ref(), Some(&key), "{plan:?}");
    assert!(
        ["ref", "eq_ref"].contains(&plan[1].kind.as_str()),
        "{plan:?}"
    );
}
