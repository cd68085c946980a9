//! A database server that can't be reached for a while, under load.

mod load;
mod proxy;

use std::future::IntoFuture;
use std::time::Duration;

use evertask::time::SystemClock;
use evertask::{Builder, EverTask, HealthWatch, Queue, StorageHealth, Stored, TaskId};
use uuid::Uuid;

use self::load::{Dispatchers, Ended, Runs};
use self::proxy::Proxy;
use crate::server::{Place, Server};
use crate::stage::{Numbered, soon};

/// How long the server is out of reach.
const OUTAGE: Duration = Duration::from_secs(10);

/// How many more tasks every dispatcher sees stored before it is over.
const MORE: usize = 50;

/// A runtime whose server is reached through a network that can be cut.
struct Scene {
    runs: Runs,
    evertask: EverTask,
    proxy: Proxy,
    place: Place,
}

impl Scene {
    async fn new(server: Server, patience: Duration) -> Option<Self> {
        let place = server.place()?;
        let proxy = Proxy::to(place.host()).await;
        let runs = Runs::default();
        let evertask = builder(&place, &proxy, &runs).patience(patience);
        Some(Self {
            evertask: evertask.start().await.unwrap(),
            runs,
            proxy,
            place,
        })
    }

    /// Cuts the server off and waits until that is noticed.
    async fn cut(&self) -> HealthWatch {
        let mut health = self.evertask.storage_health();
        assert!(health.current().is_available());
        self.proxy.cut();
        let told = soon(health.changed()).await.unwrap();
        assert!(matches!(told, StorageHealth::Unavailable { .. }), "{told}");
        health
    }

    /// Brings the server back and waits until writes succeed again.
    async fn mend(&self, mut health: HealthWatch) {
        self.proxy.mend();
        while !soon(health.changed()).await.unwrap().is_available() {}
    }

    /// Cuts the server off for the time of an outage, and waits until it is over.
    async fn cut_off(&self) {
        let health = self.cut().await;
        SystemClock::shared().sleep(OUTAGE).await;
        self.mend(health).await;
    }

    /// What everybody relies on, whatever was dispatched when.
    async fn check(&self, ended: &Ended) {
        for id in &ended.stored {
            soon(self.runs.completed(*id)).await;
        }
        soon(self.evertask.shutdown()).await.unwrap();
        let left = self.place.rows().await;
        for id in &ended.stored {
            assert!(left.completed.contains(&id.0), "{id} is lost");
            assert_eq!(self.runs.of(*id), 1, "{id} ran again");
        }
        for id in &ended.refused {
            assert!(!left.all.contains(&id.0), "{id} was refused and stored");
            assert_eq!(self.runs.of(*id), 0);
        }
        assert_eq!(left.all.len(), left.completed.len());
        assert_eq!(left.completed_twice, 0, "no outcome is stored twice");
    }
}

fn builder(place: &Place, proxy: &Proxy, runs: &Runs) -> Builder {
    EverTask::builder()
        .storage(place.storage_through(&proxy.url(&place.url)))
        .queue(Queue::new(Queue::DEFAULT).parallelism(8).capacity(100))
        .handler(runs.clone())
}

async fn a_dispatch_waits_for_the_server_to_come_back(server: Server) {
    let Some(scene) = Scene::new(server, Duration::from_mins(2)).await else {
        return;
    };
    let dispatchers = Dispatchers::start(&scene.evertask, 8);
    dispatchers.each_stored(MORE).await;
    let before = dispatchers.stored();
    scene.cut_off().await;
    let back = dispatchers.stored();
    dispatchers.each_stored(MORE).await;
    let ended = dispatchers.stop().await;
    assert!(ended.refused.is_empty(), "{} refused", ended.refused.len());
    scene.check(&ended).await;
    println!(
        "{before} tasks stored before, {} during the outage, {} after it: all ran once",
        back - before,
        ended.stored.len() - back
    );
}

/// Those that were under way when the server went may have to wait until it is known what became of
/// them; those that come meanwhile are refused.
async fn an_impatient_dispatch_is_refused_meanwhile(server: Server) {
    let Some(scene) = Scene::new(server, Duration::from_millis(500)).await else {
        return;
    };
    let dispatchers = Dispatchers::start(&scene.evertask, 8);
    dispatchers.each_stored(MORE).await;
    let health = scene.cut().await;
    let late = TaskId(Uuid::now_v7());
    let refused = scene.evertask.dispatch(Numbered(u32::MAX)).id(late);
    let refused = soon(refused.into_future()).await.unwrap_err();
    assert_eq!(refused.stored(), Stored::No, "{refused}");
    scene.mend(health).await;
    dispatchers.each_stored(MORE).await;
    let mut ended = dispatchers.stop().await;
    ended.refused.push(late);
    scene.check(&ended).await;
    println!(
        "{} tasks stored, {} refused during the outage",
        ended.stored.len(),
        ended.refused.len()
    );
}

mod postgres {
    use super::Server;

    #[actix::test]
    async fn a_dispatch_waits_for_the_server_to_come_back() {
        super::a_dispatch_waits_for_the_server_to_come_back(Server::Postgres).await;
    }

    #[actix::test]
    async fn an_impatient_dispatch_is_refused_meanwhile() {
        super::an_impatient_dispatch_is_refused_meanwhile(Server::Postgres).await;
    }
}

mod mariadb {
    use super::Server;

    #[actix::test]
    async fn a_dispatch_waits_for_the_server_to_come_back() {
        super::a_dispatch_waits_for_the_server_to_come_back(Server::MariaDb).await;
    }
}
