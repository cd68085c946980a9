//! What core promises about tasks that run once: the numbered cases of its sections 10 and 11.
//!
//! `docs/spec-coverage.md` maps the numbers to these tests.

/// Makes a test in `memory` and one in `sqlite` of each function that takes a home.
macro_rules! on_every_storage {
    ($($name:ident),+ $(,)?) => {
        mod memory {
            $(#[actix::test]
            async fn $name() {
                super::$name(crate::one_shot::home::Home::memory()).await;
            })+
        }

        mod sqlite {
            $(#[actix::test]
            async fn $name() {
                super::$name(crate::one_shot::home::Home::sqlite()).await;
            })+
        }
    };
}

mod clock;
mod home;
mod player;
mod row;
mod session;

mod bad_input;
mod cancel;
mod claim;
mod coverage;
mod delivery;
mod outage;
mod parking;
mod recovery;
mod retry;
mod shutdown;
mod stale_write;
mod timeout;
mod unreadable;
