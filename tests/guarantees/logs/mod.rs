//! What a task logs is kept with it: the execution logs of the storage specification.

/// Makes a test for each storage of each function that takes a ground.
macro_rules! on_every_ground {
    ($($name:ident),+ $(,)?) => {
        mod memory {
            $(#[actix::test]
            async fn $name() {
                super::$name(crate::ground::Ground::memory()).await;
            })+
        }

        mod sqlite {
            $(#[actix::test]
            async fn $name() {
                super::$name(crate::ground::Ground::sqlite()).await;
            })+
        }

        mod postgres {
            $(#[actix::test]
            async fn $name() {
                let server = crate::server::Server::Postgres;
                if let Some(ground) = crate::ground::Ground::server(server) {
                    super::$name(ground).await;
                }
            })+
        }

        mod mariadb {
            $(#[actix::test]
            async fn $name() {
                let server = crate::server::Server::MariaDb;
                if let Some(ground) = crate::ground::Ground::server(server) {
                    super::$name(ground).await;
                }
            })+
        }
    };
}

mod speaker;

mod capturing;
mod concurrency;
mod filtering;
mod hostile;
mod tailing;
mod writing;
