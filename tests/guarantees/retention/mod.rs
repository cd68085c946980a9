//! What is stored goes when its windows have passed, at its times and on demand, and nothing else
//! notices.

/// Makes a test for each storage of each function that takes a world.
macro_rules! on_every_storage {
    ($($name:ident),+ $(,)?) => {
        mod memory {
            $(#[actix::test]
            async fn $name() {
                super::$name(crate::retention::world::World::memory()).await;
            })+
        }

        mod sqlite {
            $(#[actix::test]
            async fn $name() {
                super::$name(crate::retention::world::World::sqlite()).await;
            })+
        }

        mod postgres {
            $(#[actix::test]
            async fn $name() {
                let server = crate::server::Server::Postgres;
                if let Some(world) = crate::retention::world::World::server(server) {
                    super::$name(world).await;
                }
            })+
        }

        mod mariadb {
            $(#[actix::test]
            async fn $name() {
                let server = crate::server::Server::MariaDb;
                if let Some(world) = crate::retention::world::World::server(server) {
                    super::$name(world).await;
                }
            })+
        }
    };
}

mod world;

mod live_writes;
mod on_demand;
mod schedule;
