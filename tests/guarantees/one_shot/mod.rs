//! What core promises about tasks that run once: the numbered cases of its sections 10 and 11.
//!
//! `docs/spec-coverage.md` maps the numbers to these tests.

/// Makes a test of each function that takes a home, in a module for each storage.
macro_rules! on_every_storage {
    ($($name:ident),+ $(,)?) => {
        on_storage!(memory: $($name),+);
        on_storage!(sqlite: $($name),+);
    };
}

/// The same on the servers too, where they are named.
macro_rules! on_every_storage_and_server {
    ($($name:ident),+ $(,)?) => {
        on_every_storage!($($name),+);
        on_server!(postgres, Postgres: $($name),+);
        on_server!(mariadb, MariaDb: $($name),+);
    };
}

/// Makes a module of tests that run on a server.
macro_rules! on_server {
    ($module:ident, $server:ident: $($name:ident),+) => {
        mod $module {
            $(#[actix::test]
            async fn $name() {
                let server = crate::server::Server::$server;
                if let Some(home) = crate::one_shot::home::Home::server(server) {
                    super::$name(home).await;
                }
            })+
        }
    };
}

/// Makes a module of tests that run at the homes of one storage.
macro_rules! on_storage {
    ($storage:ident: $($name:ident),+) => {
        mod $storage {
            $(#[actix::test]
            async fn $name() {
                super::$name(crate::one_shot::home::Home::$storage()).await;
            })+
        }
    };
}

pub(crate) mod clock;
pub(crate) mod home;
pub(crate) mod player;
pub(crate) mod row;
pub(crate) mod session;

mod bad_input;
mod cancel;
mod cancel_many;
mod claim;
mod delivery;
mod manage;
mod manage_all;
mod manage_delete;
mod manage_pause;
mod outage;
mod parking;
mod queries;
mod recovery;
mod retry;
mod said;
mod shutdown;
mod shutdown_in_an_outage;
mod stale_write;
mod timeout;
mod unreadable;
