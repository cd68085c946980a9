//! Dropping the last handle without a shutdown.

use std::io;
use std::sync::Arc;

use evertask::{DispatchError, RequestError, RuntimeFault, TaskEventKind};
use parking_lot::Mutex;
use tracing_subscriber::fmt::MakeWriter;

use super::shelf::Shelf;
use crate::stage::{Numbered, Watch, event, over, soon};

on_each_storage!(
    dropping_the_last_handle_equals_a_crash,
    a_clone_keeps_the_runtime_running_and_a_client_does_not,
);

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Log {
    fn during(act: impl FnOnce()) -> String {
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).finish();
        tracing::subscriber::with_default(subscriber, act);
        let bytes = log.0.lock().clone();
        String::from_utf8(bytes).unwrap()
    }
}

/// "Dropping the last handle warns and equals a crash": what ran and what waited runs again.
async fn dropping_the_last_handle_equals_a_crash(shelf: Shelf) {
    let watch = Watch::held();
    let evertask = shelf.runtime(&watch).start().await.unwrap();
    let mut events = evertask.events();
    for number in 0..10 {
        evertask.dispatch(Numbered(number)).await.unwrap();
    }
    for _ in 0..4 {
        event(&mut events, |event| event.kind == TaskEventKind::Started).await;
    }
    let warning = Log::during(|| drop(evertask));
    assert!(warning.contains("WARN"), "{warning}");
    assert!(warning.contains("without a shutdown"), "{warning}");
    shelf.unused().await;

    let again = Watch::held();
    let evertask = shelf.runtime(&again).start().await.unwrap();
    let mut events = evertask.events();
    again.release(100);
    over(&mut events, 10).await;
    soon(evertask.shutdown()).await.unwrap();
    let silence = Log::during(|| drop(evertask));
    assert_eq!(silence, "");
    let mut order = again.order();
    order.sort_unstable();
    assert_eq!(order, (0..10).collect::<Vec<_>>());
}

async fn a_clone_keeps_the_runtime_running_and_a_client_does_not(shelf: Shelf) {
    let watch = Watch::open();
    let evertask = shelf.runtime(&watch).start().await.unwrap();
    let mut events = evertask.events();
    let client = evertask.client().clone();
    let clone = evertask.clone();
    drop(evertask);
    client.dispatch(Numbered(1)).await.unwrap();
    over(&mut events, 1).await;
    drop(clone);
    let fault = soon(client.stopped()).await.unwrap_err();
    assert!(matches!(fault, RuntimeFault::Abandoned), "{fault:?}");
    shelf.unused().await;
    let error = soon(client.dispatch(Numbered(2)).into_future())
        .await
        .unwrap_err();
    assert!(matches!(error, DispatchError::ShuttingDown), "{error:?}");
    let error = soon(client.task(evertask::TaskId(uuid::Uuid::nil())))
        .await
        .unwrap_err();
    assert!(matches!(error, RequestError::NoAnswer), "{error:?}");
    let fault = soon(client.shutdown()).await.unwrap_err();
    assert!(matches!(fault, RuntimeFault::Abandoned), "{fault:?}");
    assert_eq!(soon(events.next()).await, None);
    assert_eq!(watch.order(), [1]);
}
