use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;

use crate::storage::{StorageBackend, TaskStorage};

/// An empty storage for one case, with whatever must live as long as it.
#[async_trait]
pub trait World: Send + Sync {
    /// The storage.
    fn backend(&self) -> &dyn StorageBackend;

    /// Ends a process as a crash would, without closing anything, and returns once others can
    /// notice.
    ///
    /// A storage whose connections outlive their owner for a moment waits for them here.
    async fn crash(&self, session: Arc<dyn TaskStorage>) {
        drop(session);
    }
}

#[async_trait]
impl World for Box<dyn StorageBackend> {
    fn backend(&self) -> &dyn StorageBackend {
        self.as_ref()
    }
}

#[async_trait]
impl<Guard: Send + Sync> World for (Box<dyn StorageBackend>, Guard) {
    fn backend(&self) -> &dyn StorageBackend {
        self.0.as_ref()
    }
}

/// What a function that makes a world may answer: a world, or none if what it takes is not at hand,
/// such as a server. Each case then passes without having run; the function says so.
pub trait Offer {
    /// The world.
    type World: World;

    /// Answers the world, if there is one.
    fn accept(self) -> Option<Self::World>;
}

impl<W: World> Offer for W {
    type World = W;

    fn accept(self) -> Option<W> {
        Some(self)
    }
}

impl<W: World> Offer for Option<W> {
    type World = W;

    fn accept(self) -> Option<W> {
        self
    }
}

/// Runs a case on a runtime of its own, with more than one thread so that races can happen.
pub fn block_on<T>(case: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("the operating system gives a test two threads")
        .block_on(case)
}
