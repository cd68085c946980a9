#![allow(warnings, clippy::all)]
use chrono::DateTime;
use evertask_core::storage::*;
use evertask_core::task::*;
use evertask_storage::*;
use std::time::Instant;
use uuid::Uuid;
fn at(m: i64) -> evertask_core::time::Timestamp {
    DateTime::from_timestamp_micros(m).unwrap()
}
fn rec(id: u128, queue: &str, a: i64, owner: Option<u128>) -> TaskRecord {
    TaskRecord {
        definition: TaskDefinition {
            id: TaskId(Uuid::from_u128(id)),
            created_at: at(0),
            task: "mail.send".into(),
            payload_version: 1,
            payload: format!("{{\"to\":\"{}\"}}", "x".repeat(60)),
            queue: queue.into(),
            scheduled_at: None,
            priority: 0,
            tags: vec![],
            correlation_id: None,
            parent_id: None,
            series_id: None,
            occurrence_at: None,
            limit_key: None,
            retry: None,
            timeout: None,
            trace: None,
        },
        generation: Generation(0),
        state: match owner {
            Some(o) => RowState::queued(at(a), ProcessId(Uuid::from_u128(o))),
            None => RowState::waiting(at(a)),
        },
    }
}
#[tokio::main]
async fn main() {
    let dir = std::path::PathBuf::from(std::env::args().nth(1).unwrap());
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    let st = SqlStorage::sqlite(dir.join("a.db"));
    let s = st
        .open(ProcessStart {
            id: ProcessId(Uuid::from_u128(1)),
            at: at(0),
        })
        .await
        .unwrap();
    let mut id = 0u128;
    for (queue, n, owner) in [
        ("b", 100_000, Some(1u128)),
        ("a", 100_000, None),
        ("c", 100_000, None),
    ] {
        let t = Instant::now();
        for _ in 0..n / 500 {
            let writes = (0..500)
                .map(|_| {
                    id += 1;
                    Write::Insert(Box::new(NewTask {
                        record: rec(id, queue, id as i64, owner),
                        audit: vec![],
                    }))
                })
                .collect();
            s.apply(&WriteGroup { writes }).await.unwrap();
        }
        println!(
            "insert {n} {queue} {:?} = {:.0}/s",
            t.elapsed(),
            n as f64 / t.elapsed().as_secs_f64()
        );
    }
    for sel in [
        QueueSelector::Only("a".into()),
        QueueSelector::Only("b".into()),
        QueueSelector::AllExcept(vec!["a".into()]),
        QueueSelector::AllExcept(vec!["a".into(), "c".into()]),
        QueueSelector::AllExcept(vec![]),
    ] {
        for _ in 0..3 {
            let t = Instant::now();
            let a = s
                .apply(&WriteGroup {
                    writes: vec![Write::Claim(ClaimTasks {
                        queues: sel.clone(),
                        limit: 100,
                        max_bytes: 1 << 20,
                        now: at(i64::MAX / 1000),
                    })],
                })
                .await
                .unwrap();
            let Answer::Claim(c) = &a[0] else { panic!() };
            println!("claim {sel:?} {} {:?}", c.tasks.len(), t.elapsed());
        }
    }
    // updates
    let t = Instant::now();
    let mut n = 0;
    for chunk in 0..100u128 {
        let writes = (0..500)
            .map(|k| {
                let i = 1 + chunk * 500 + k;
                Write::Change(Box::new(RowChange {
                    id: TaskId(Uuid::from_u128(i)),
                    expected: Generation(0),
                    generation: Generation(1),
                    state: RowState {
                        status: Status::Completed,
                        available_at: None,
                        ..RowState::waiting(at(0))
                    },
                    audit: vec![
                        AuditEntry::of(Status::InProgress, at(1)),
                        AuditEntry::of(Status::Completed, at(1)),
                    ],
                    attempts: vec![AttemptRecord {
                        id: AttemptId(Uuid::from_u128(i)),
                        number: 1,
                        process: ProcessId(Uuid::from_u128(1)),
                        started_at: at(0),
                        waited: Default::default(),
                        ran: Default::default(),
                        outcome: AttemptOutcome::Succeeded,
                        failure: None,
                    }],
                }))
            })
            .collect();
        let a = s.apply(&WriteGroup { writes }).await.unwrap();
        n += a
            .iter()
            .filter(|a| matches!(a, Answer::Change(ChangeAnswer::Applied)))
            .count();
    }
    println!("change {n} {:.0}/s", n as f64 / t.elapsed().as_secs_f64());
    // large payload
    let t = Instant::now();
    let writes = (0..100u128)
        .map(|k| {
            let mut r = rec(10_000_000 + k, "z", 0, None);
            r.definition.payload = "é".repeat(50_000);
            Write::Insert(Box::new(NewTask {
                record: r,
                audit: vec![],
            }))
        })
        .collect();
    s.apply(&WriteGroup { writes }).await.unwrap();
    println!("100 x 100KB {:?}", t.elapsed());
    let mut r = rec(20_000_000, "z", 0, None);
    r.definition.task = "a\0b".into();
    println!(
        "{:?}",
        s.apply(&WriteGroup {
            writes: vec![Write::Insert(Box::new(NewTask {
                record: r,
                audit: vec![]
            }))]
        })
        .await
        .map(|_| ())
    );
    println!(
        "{:?}",
        s.task(TaskId(Uuid::from_u128(20_000_000)))
            .await
            .map(|t| t.unwrap().definition.task)
    );
}
