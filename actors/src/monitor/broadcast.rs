use futures::stream::{BoxStream, StreamExt, unfold};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::runtime::Lifecycle;

type Source<E> = (Receiver<E>, Lifecycle);

/// What is received until the runtime ends; what a slow reader has lost is left out.
pub(super) fn until_the_end<E: Clone + Send + 'static>(
    receiver: Receiver<E>,
    lifecycle: Lifecycle,
) -> BoxStream<'static, E> {
    unfold((receiver, lifecycle), next).boxed()
}

async fn next<E: Clone>((mut receiver, lifecycle): Source<E>) -> Option<(E, Source<E>)> {
    loop {
        let event = tokio::select! {
            biased;
            event = receiver.recv() => event,
            _ = lifecycle.ended() => return None,
        };
        match event {
            Ok(event) => return Some((event, (receiver, lifecycle))),
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return None,
        }
    }
}
