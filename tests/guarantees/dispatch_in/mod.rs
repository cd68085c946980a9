//! A task in the application's own transaction: with it, or not at all (issue 4, build 9).

use std::any::Any;
use std::time::Duration;

use evertask::{
    Builder, Dispatch, DispatchError, DispatchInError, DispatchOutcome, EverTask, InsertInError,
    KeptReason, MemoryStorage, SqlStorage, Status, TaskContext, TaskHandler, TaskId, TaskResult,
    dispatch_in,
};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, Statement, TransactionTrait};
use uuid::Uuid;

use crate::one_shot::clock::StagedClock;
use crate::server::Server;
use crate::stage::{Numbered, Watch, soon};

/// A database that holds the orders of an application beside the tasks.
struct Shop {
    storage: SqlStorage,
    database: DatabaseConnection,
    orders: String,
    /// What has to live as long as the database.
    _place: Box<dyn Any>,
}

impl Shop {
    async fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("shop.db");
        let url = format!("sqlite://{}?mode=rwc", path.display());
        let storage = SqlStorage::sqlite(&path).table_prefix("jobs_").unwrap();
        Self::new(storage, &url, "orders".to_owned(), Box::new(directory)).await
    }

    async fn server(server: Server) -> Option<Self> {
        let place = server.place()?;
        let (storage, url) = (place.storage(), place.url.clone());
        let orders = format!("orders_{}", Uuid::now_v7().simple());
        Some(Self::new(storage, &url, orders, Box::new(place)).await)
    }

    async fn new(storage: SqlStorage, url: &str, orders: String, place: Box<dyn Any>) -> Self {
        let database = Database::connect(url).await.unwrap();
        let create = format!("CREATE TABLE {orders} (id BIGINT PRIMARY KEY)");
        database.execute_unprepared(&create).await.unwrap();
        Self {
            storage,
            database,
            orders,
            _place: place,
        }
    }

    fn runtime(&self, watch: &Watch) -> Builder {
        EverTask::builder()
            .storage(self.storage.clone())
            .handler(watch.clone())
    }

    async fn order<C: ConnectionTrait>(&self, connection: &C, number: u32) {
        let insert = format!("INSERT INTO {} (id) VALUES ({number})", self.orders);
        connection.execute_unprepared(&insert).await.unwrap();
    }

    async fn orders(&self) -> usize {
        let sql = format!("SELECT id FROM {}", self.orders);
        let select = Statement::from_string(self.database.get_database_backend(), sql);
        self.database.query_all_raw(select).await.unwrap().len()
    }

    async fn close(self) {
        let drop = format!("DROP TABLE {}", self.orders);
        self.database.execute_unprepared(&drop).await.unwrap();
        self.database.close().await.unwrap();
    }
}

macro_rules! in_every_shop {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[actix::test]
            async fn $name() {
                super::$name(super::Shop::sqlite().await).await;
            })+
        }
        in_every_shop!(postgres, Postgres: $($name),+);
        in_every_shop!(mariadb, MariaDb: $($name),+);
    };
    ($module:ident, $server:ident: $($name:ident),+) => {
        mod $module {
            $(#[actix::test]
            async fn $name() {
                if let Some(shop) = super::Shop::server(crate::server::Server::$server).await {
                    super::$name(shop).await;
                }
            })+
        }
    };
}

in_every_shop! {
    an_order_and_its_task_are_committed_together,
    a_transaction_that_is_rolled_back_leaves_no_task,
    a_task_that_was_not_nudged_runs_after_the_next_start,
    an_id_that_is_taken_does_not_end_the_transaction,
    a_key_that_is_held_changes_nothing_and_does_not_end_the_transaction,
    a_key_whose_time_is_over_is_taken,
    a_handler_dispatches_in_a_transaction_of_its_own,
    a_connection_will_do_instead_of_a_transaction,
}

async fn status(evertask: &EverTask, id: TaskId) -> Option<Status> {
    let view = soon(evertask.task(id)).await.unwrap();
    view.map(|view| view.record.state.status)
}

async fn completed(evertask: &EverTask, id: TaskId) {
    let done = async {
        while status(evertask, id).await != Some(Status::Completed) {
            tokio::task::yield_now().await;
        }
    };
    soon(done).await;
}

async fn an_order_and_its_task_are_committed_together(shop: Shop) {
    let watch = Watch::open();
    let evertask = shop.runtime(&watch).start().await.unwrap();
    let transaction = shop.database.begin().await.unwrap();
    shop.order(&transaction, 7).await;
    let id = evertask
        .dispatch_in(&transaction, Numbered(7))
        .await
        .unwrap()
        .id;
    let tagged = Dispatch::new(Numbered(8)).tag("größer").priority(3);
    let later = tagged.after(Duration::from_hours(1));
    let later = evertask.dispatch_in(&transaction, later).await.unwrap().id;
    transaction.commit().await.unwrap();
    evertask.nudge();
    completed(&evertask, id).await;
    assert_eq!(shop.orders().await, 1);
    let view = evertask.task(later).await.unwrap().unwrap();
    assert_eq!(view.record.state.status, Status::WaitingQueue);
    assert_eq!(view.record.definition.tags, ["größer"]);
    assert_eq!(view.record.definition.priority, 3);
    assert_eq!(watch.order(), [7]);
    evertask.shutdown().await.unwrap();
    shop.close().await;
}

async fn a_transaction_that_is_rolled_back_leaves_no_task(shop: Shop) {
    let watch = Watch::open();
    let evertask = shop.runtime(&watch).start().await.unwrap();
    let transaction = shop.database.begin().await.unwrap();
    shop.order(&transaction, 7).await;
    let id = evertask
        .dispatch_in(&transaction, Numbered(7))
        .await
        .unwrap()
        .id;
    transaction.rollback().await.unwrap();
    evertask.nudge();
    let next = evertask.dispatch(Numbered(8)).await.unwrap().id;
    completed(&evertask, next).await;
    assert_eq!(status(&evertask, id).await, None);
    assert_eq!(shop.orders().await, 0);
    assert_eq!(watch.order(), [8]);
    evertask.shutdown().await.unwrap();
    shop.close().await;
}

async fn a_task_that_was_not_nudged_runs_after_the_next_start(shop: Shop) {
    let watch = Watch::open();
    let evertask = shop.runtime(&watch).start().await.unwrap();
    let transaction = shop.database.begin().await.unwrap();
    let id = evertask
        .dispatch_in(&transaction, Numbered(7))
        .await
        .unwrap()
        .id;
    transaction.commit().await.unwrap();
    evertask.shutdown().await.unwrap();
    drop(evertask);
    let evertask = shop.runtime(&watch).start().await.unwrap();
    completed(&evertask, id).await;
    assert_eq!(watch.order(), [7]);
    evertask.shutdown().await.unwrap();
    shop.close().await;
}

/// On `PostgreSQL`, an error would end the transaction.
async fn an_id_that_is_taken_does_not_end_the_transaction(shop: Shop) {
    let watch = Watch::open();
    let evertask = shop.runtime(&watch).start().await.unwrap();
    let id = TaskId(Uuid::from_u128(7));
    let wanted = || {
        Dispatch::new(Numbered(7))
            .id(id)
            .after(Duration::from_hours(1))
    };
    evertask.send(wanted()).await.unwrap();
    let transaction = shop.database.begin().await.unwrap();
    let again = evertask.dispatch_in(&transaction, wanted()).await.unwrap();
    assert_eq!((again.id, again.is_new()), (id, false));
    let other = Dispatch::new(Numbered(8)).id(id);
    let refused = evertask.dispatch_in(&transaction, other).await.unwrap_err();
    let DispatchInError::Dispatch(DispatchError::IdTaken { .. }) = refused else {
        panic!("{refused}");
    };
    shop.order(&transaction, 7).await;
    let next = evertask
        .dispatch_in(&transaction, Numbered(9))
        .await
        .unwrap()
        .id;
    transaction.commit().await.unwrap();
    evertask.nudge();
    completed(&evertask, next).await;
    assert_eq!(shop.orders().await, 1);
    evertask.shutdown().await.unwrap();
    shop.close().await;
}

async fn a_key_that_is_held_changes_nothing_and_does_not_end_the_transaction(shop: Shop) {
    const HOUR: Duration = Duration::from_hours(1);
    let watch = Watch::open();
    let evertask = shop.runtime(&watch).start().await.unwrap();
    let holder = evertask.dispatch(Numbered(7)).key("k").after(HOUR);
    let holder = holder.await.unwrap().id;
    let transaction = shop.database.begin().await.unwrap();
    let wanted = Dispatch::new(Numbered(8)).key("k");
    let answer = evertask.dispatch_in(&transaction, wanted).await.unwrap();
    let untouched = DispatchOutcome::Existing(KeptReason::InTransaction);
    assert_eq!((answer.id, answer.outcome), (holder, untouched));
    let next = Dispatch::new(Numbered(9)).key("l");
    let next = evertask.dispatch_in(&transaction, next).await.unwrap();
    assert_eq!(next.outcome, DispatchOutcome::Created);
    transaction.commit().await.unwrap();
    evertask.nudge();
    completed(&evertask, next.id).await;
    let view = evertask.task(holder).await.unwrap().unwrap();
    assert_eq!(view.record.definition.payload, "7");
    evertask.shutdown().await.unwrap();
    shop.close().await;
}

async fn a_key_whose_time_is_over_is_taken(shop: Shop) {
    const HOUR: Duration = Duration::from_hours(1);
    let (watch, clock) = (Watch::open(), StagedClock::new());
    let runtime = shop.runtime(&watch).clock(clock.clone());
    let evertask = runtime.start().await.unwrap();
    let held = evertask.dispatch(Numbered(7)).key("k").key_for(HOUR);
    let first = held.await.unwrap().id;
    completed(&evertask, first).await;
    clock.advance(HOUR);
    let transaction = shop.database.begin().await.unwrap();
    let wanted = Dispatch::new(Numbered(8)).key("k");
    let next = evertask.dispatch_in(&transaction, wanted).await.unwrap();
    assert!(next.is_new());
    transaction.commit().await.unwrap();
    evertask.nudge();
    completed(&evertask, next.id).await;
    evertask.shutdown().await.unwrap();
    shop.close().await;
}

/// Has what it needs as its fields, but no handle: that exists only after the start.
struct Clerk {
    storage: SqlStorage,
    database: DatabaseConnection,
    orders: String,
    watch: Watch,
}

impl TaskHandler<Numbered> for Clerk {
    async fn handle(&self, task: &Numbered, context: &TaskContext) -> TaskResult {
        if task.0 == 1 {
            let transaction = self.database.begin().await?;
            let insert = format!("INSERT INTO {} (id) VALUES (1)", self.orders);
            transaction.execute_unprepared(&insert).await?;
            let client = context.client();
            dispatch_in(&self.storage, client, &transaction, Numbered(2)).await?;
            transaction.commit().await?;
            client.nudge();
        }
        self.watch.handle(task, context).await
    }
}

async fn a_handler_dispatches_in_a_transaction_of_its_own(shop: Shop) {
    let watch = Watch::open();
    let clerk = Clerk {
        storage: shop.storage.clone(),
        database: shop.database.clone(),
        orders: shop.orders.clone(),
        watch: watch.clone(),
    };
    let evertask = EverTask::builder().storage(shop.storage.clone());
    let evertask = evertask.handler(clerk).start().await.unwrap();
    let mut events = evertask.events();
    let id = evertask.dispatch(Numbered(1)).await.unwrap().id;
    crate::stage::over(&mut events, 2).await;
    assert_eq!(watch.counts().len(), 2);
    assert_eq!(status(&evertask, id).await, Some(Status::Completed));
    assert_eq!(shop.orders().await, 1);
    evertask.shutdown().await.unwrap();
    shop.close().await;
}

async fn a_connection_will_do_instead_of_a_transaction(shop: Shop) {
    let watch = Watch::open();
    let evertask = shop.runtime(&watch).start().await.unwrap();
    let id = evertask
        .dispatch_in(&shop.database, Numbered(7))
        .await
        .unwrap()
        .id;
    evertask.nudge();
    completed(&evertask, id).await;
    evertask.shutdown().await.unwrap();
    shop.close().await;
}

#[actix::test]
async fn a_connection_to_another_kind_of_database_is_refused() {
    let Some(shop) = Shop::server(Server::Postgres).await else {
        return;
    };
    let other = Shop::sqlite().await;
    let evertask = shop.runtime(&Watch::open()).start().await.unwrap();
    let refused = evertask.dispatch_in(&other.database, Numbered(7)).await;
    let refused = refused.unwrap_err();
    let DispatchInError::Insert(InsertInError::OtherDatabase { .. }) = refused else {
        panic!("{refused}");
    };
    evertask.shutdown().await.unwrap();
    other.close().await;
    shop.close().await;
}

#[actix::test]
async fn tasks_in_memory_are_in_no_transaction() {
    let shop = Shop::sqlite().await;
    let evertask = crate::stage::runtime(&MemoryStorage::new(), &Watch::open());
    let evertask = evertask.start().await.unwrap();
    let refused = evertask.dispatch_in(&shop.database, Numbered(7)).await;
    assert!(
        matches!(refused, Err(DispatchInError::NoSql)),
        "{refused:?}"
    );
    evertask.shutdown().await.unwrap();
    shop.close().await;
}

/// Another file has no tables of ours.
#[actix::test]
async fn a_connection_to_another_database_is_an_error() {
    let (shop, other) = (Shop::sqlite().await, Shop::sqlite().await);
    let evertask = shop.runtime(&Watch::open()).start().await.unwrap();
    let refused = evertask.dispatch_in(&other.database, Numbered(7)).await;
    let refused = refused.unwrap_err();
    let DispatchInError::Insert(InsertInError::Storage(_)) = refused else {
        panic!("{refused}");
    };
    evertask.shutdown().await.unwrap();
    other.close().await;
    shop.close().await;
}
