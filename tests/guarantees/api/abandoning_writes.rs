//! Dropping the last handle while a group is on its way to the database.

use std::panic;
use std::sync::Arc;

use evertask::{EverTask, SqlStorage};
use parking_lot::Mutex;
use sea_orm::{ConnectionTrait, Database};

use crate::stage::{Numbered, Watch, soon};

/// A connection that is in use goes back to its pool when it is dropped, and its driver needs a
/// runtime for that; the thread of ours must not panic because its own is gone.
#[tokio::test]
async fn an_abandoned_write_on_sqlite_panics_nowhere() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("jobs.db");
    let storage = SqlStorage::sqlite(&path);
    let statements = storage.statement_counter();
    let evertask = EverTask::builder()
        .storage(storage)
        .handler(Watch::open())
        .start()
        .await
        .unwrap();
    let client = evertask.client().clone();
    soon(client.dispatch(Numbered(1)).into_future())
        .await
        .unwrap();

    let other = Database::connect(format!("sqlite://{}", path.display()))
        .await
        .unwrap();
    other.execute_unprepared("BEGIN IMMEDIATE").await.unwrap();
    let before = statements.count();
    let dispatched = tokio::spawn({
        let client = client.clone();
        async move { client.dispatch(Numbered(2)).await }
    });
    soon(async {
        while statements.count() == before {
            tokio::task::yield_now().await;
        }
    })
    .await;

    let panics = panics_about("Tokio context");
    drop(evertask);
    soon(client.stopped()).await.unwrap_err();
    assert_eq!(*panics.lock(), [""; 0]);
    other.execute_unprepared("ROLLBACK").await.unwrap();
    soon(dispatched).await.unwrap().unwrap_err();
}

/// The panics of all threads from now on that say so.
fn panics_about(text: &'static str) -> Arc<Mutex<Vec<String>>> {
    let panics = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&panics);
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let said = info.payload_as_str().unwrap_or_default();
        if said.contains(text) {
            noted.lock().push(said.to_owned());
        }
        print(info);
    }));
    panics
}
