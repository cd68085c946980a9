use evertask_storage::SqlStorage;

use super::server::Place;
use crate::sample::{claim, claim_of, open, store, waiting};

#[tokio::test]
async fn an_idle_storage_sends_nothing() {
    let Some(place) = Place::new().await else {
        return;
    };
    let storage = place.storage();
    let counter = storage.statement_counter();
    let opened = open(&storage, 1).await.unwrap();
    store(&opened, (1..=500).map(|id| waiting(id, 0))).await;
    let before = counter.count();
    assert_eq!(claim(&opened, claim_of("mail", 1)).await.tasks.len(), 100);
    let claimed = counter.count();
    assert_eq!(
        claimed - before,
        9,
        "begin, lanes, look, read, take, lanes to come, audit, number of the group, commit"
    );
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(counter.count(), claimed);
}

/// A server without TLS is not spoken to in the clear when encryption is asked for.
#[tokio::test]
async fn a_connection_that_has_to_be_encrypted_is_or_fails() {
    let Some(place) = Place::new().await else {
        return;
    };
    let rows = place.query("SHOW VARIABLES LIKE 'have_ssl'").await;
    let has_tls = rows.iter().any(|row| {
        let value: String = row.try_get("", "Value").unwrap();
        value == "YES"
    });
    let url = format!("{}?ssl-mode=REQUIRED", place.url());
    let opened = open(&SqlStorage::from_url(&url).unwrap(), 1).await;
    assert_eq!(opened.is_ok(), has_tls);
}
