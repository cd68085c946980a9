use evertask_migration::Migrator;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement, TransactionTrait};
use sea_orm_migration::MigratorTraitSelf;
use uuid::Uuid;

use super::super::connection::Connections;
use super::*;
use crate::SqlStorage;
use crate::address::ServerUrl;

/// The tables as they are made, empty, in a transaction that is never committed.
#[expect(clippy::print_stderr, reason = "a test that is skipped has to say so")]
async fn tables() -> Option<DatabaseTransaction> {
    let Ok(url) = std::env::var("EVERTASK_TEST_POSTGRES_URL") else {
        eprintln!("skipped: EVERTASK_TEST_POSTGRES_URL names no PostgreSQL server");
        return None;
    };
    let schema = format!("plan_{}", Uuid::now_v7().simple());
    let storage = SqlStorage::from_url(&url).unwrap().schema(&schema).unwrap();
    let url = ServerUrl::postgres(&url).unwrap();
    let connections = Connections::new(&storage, &url).unwrap();
    let transaction = connections.writers(schema.clone())().begin().await.unwrap();
    transaction
        .execute_unprepared(&format!("CREATE SCHEMA {schema}"))
        .await
        .unwrap();
    let migrator = Migrator::new(TablePrefix::default());
    migrator.up(&transaction, None).await.unwrap();
    Some(transaction)
}

/// Asks how the session that writes would run a statement whatever its values are.
async fn plan(
    tables: &DatabaseTransaction,
    statement: &str,
    types: &str,
    values: &str,
) -> Vec<String> {
    let prepare = format!(
        "SET LOCAL plan_cache_mode = force_generic_plan; \
         PREPARE planned({types}) AS {statement}"
    );
    tables.execute_unprepared(&prepare).await.unwrap();
    // Only what is run tells the plan of a step that is repeated.
    let explain =
        format!("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) EXECUTE planned({values})");
    let explain = Statement::from_string(DbBackend::Postgres, explain);
    let rows = tables.query_all_raw(explain).await.unwrap();
    tables
        .execute_unprepared("DEALLOCATE planned")
        .await
        .unwrap();
    rows.iter()
        .map(|row| row.try_get_by_index(0).unwrap())
        .collect()
}

/// How each part reads the table of tasks: the scan and the condition on the index.
fn reads(plan: &[String]) -> Vec<String> {
    let mut reads = Vec::new();
    for (place, step) in plan.iter().enumerate() {
        let is_read = step.contains("Scan") && step.contains(" on evertask_tasks");
        if is_read {
            let scan = step.split(" (").next().unwrap_or_default();
            let condition = plan.get(place + 1).map_or("", |step| step.trim());
            let scan = scan.trim().trim_start_matches("->").trim();
            reads.push(format!("{scan} {condition}"));
        }
    }
    reads
}

fn count(plan: &[String], node: &str) -> usize {
    plan.iter().filter(|step| step.contains(node)).count()
}

const LANES: &str = "text, text, timestamptz, text, text, text";
const VALUES: &str = "'[]', '[]', now(), '[]', '[]', '[]'";

#[tokio::test]
async fn a_claim_reads_the_heads_of_its_lanes_by_the_index_and_sorts_nothing_else() {
    let Some(tables) = tables().await else {
        return;
    };
    let statements = statements(&TablePrefix::default());
    for (sql, scans) in [
        (&statements.candidates_of, 16),
        (&statements.candidates_except, 20),
    ] {
        let types = format!("{LANES}, bigint, bigint");
        let plan = plan(&tables, sql, &types, &format!("{VALUES}, 10, 60")).await;
        let reads = reads(&plan);
        assert_eq!(reads.len(), scans, "{plan:#?}");
        // Rows of limit keys are locked by their key.
        let (by_key, by_lane): (Vec<_>, Vec<_>) = reads
            .iter()
            .partition(|read| read.contains("using evertask_tasks_pkey"));
        assert_eq!(by_key.len(), 2, "{plan:#?}");
        for read in by_key {
            assert!(read.contains("Index Cond: (id ="), "{plan:#?}");
        }
        for read in by_lane {
            assert!(read.contains("using evertask_tasks_claims"), "{plan:#?}");
            assert!(
                read.contains(" Index Cond: ") && read.contains("owner"),
                "{plan:#?}"
            );
        }
        // The first rows of limit keys, of nobody and of the dead, what is found behind those, and at
        // last the heads.
        assert_eq!(count(&plan, "Sort ("), 5, "{plan:#?}");
    }
}

#[tokio::test]
async fn the_next_time_is_found_by_the_index_without_sorting() {
    let Some(tables) = tables().await else {
        return;
    };
    let statements = statements(&TablePrefix::default());
    for (sql, scans) in [(&statements.next_of, 22), (&statements.next_except, 26)] {
        let types = format!("{LANES}, boolean");
        let plan = plan(&tables, sql, &types, &format!("{VALUES}, true")).await;
        let reads = reads(&plan);
        assert_eq!(reads.len(), scans, "{plan:#?}");
        for read in &reads {
            assert!(read.contains("using evertask_tasks_claims"), "{plan:#?}");
        }
        assert_eq!(count(&plan, "Sort ("), 0, "{plan:#?}");
    }
}

#[tokio::test]
async fn rows_are_locked_changed_and_claimed_by_their_key() {
    let Some(tables) = tables().await else {
        return;
    };
    let statements = statements(&TablePrefix::default());
    let lock = statements.lock_tasks.unwrap();
    for (sql, types, values) in [
        (&lock, "text", "'[]'"),
        (&statements.change_tasks, "text", "'[]'"),
        (&statements.redefine_tasks, "text", "'[]'"),
        (&statements.existing_tasks, "text", "'[]'"),
        (
            &statements.claim,
            "text, uuid",
            "'[]', '00000000-0000-0000-0000-000000000001'",
        ),
    ] {
        let plan = plan(&tables, sql, types, values).await;
        let [read] = &reads(&plan)[..] else {
            panic!("{plan:#?}");
        };
        assert!(read.contains("using evertask_tasks_pkey"), "{plan:#?}");
        assert!(read.contains("Index Cond: (id ="), "{plan:#?}");
    }
}
