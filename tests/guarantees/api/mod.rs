//! What an application sees: handles, messages, answers and events.

/// Makes of each scenario a test on the storage in memory and one on `SQLite`.
macro_rules! on_each_storage {
    ($($scenario:ident),+ $(,)?) => {
        on_each_storage!(@ memory: $($scenario),+);
        on_each_storage!(@ sqlite: $($scenario),+);
    };
    (@ $storage:ident: $($scenario:ident),+) => {
        mod $storage {
            $(
                #[actix::test]
                async fn $scenario() {
                    super::$scenario(crate::api::shelf::Shelf::$storage()).await;
                }
            )+
        }
    };
}

mod shelf;

mod abandoning;
mod abandoning_writes;
mod dispatching;
mod dispatching_again;
mod draining;
mod dropped_dispatches;
mod embedding;
mod events;
mod handlers;
mod in_memory;
mod messages;
mod slots;
mod subscribers;
