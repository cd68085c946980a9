//! Which errors of an application's own use of a database are worth another attempt.

use evertask_core::retry::ErrorClass;
use evertask_core::storage::StorageErrorKind;
use sea_orm::{DbErr, RuntimeErr, sqlx};

use crate::database_error::kind_of_refusal;

/// What a database does and later does not: connections that are lost or not to be had, locks,
/// deadlocks, a server that restarts.
///
/// It is found in errors of `SeaORM` and of `SQLx`, for any of the databases this crate knows.
pub fn transient_database() -> ErrorClass {
    ErrorClass::new("transient database errors", |error| {
        let of_orm = error.downcast_ref::<DbErr>();
        let of_driver = error.downcast_ref::<sqlx::Error>();
        of_orm.is_some_and(is_transient) || of_driver.is_some_and(is_transient_in_driver)
    })
}

fn is_transient(error: &DbErr) -> bool {
    if let DbErr::Conn(RuntimeErr::SqlxError(cause))
    | DbErr::Exec(RuntimeErr::SqlxError(cause))
    | DbErr::Query(RuntimeErr::SqlxError(cause)) = error
    {
        return is_transient_in_driver(cause);
    }
    matches!(error, DbErr::ConnectionAcquire(_))
}

fn is_transient_in_driver(error: &sqlx::Error) -> bool {
    if let sqlx::Error::Database(cause) = error {
        return kind_of_refusal(cause.as_ref()) == StorageErrorKind::Transient;
    }
    matches!(
        error,
        sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
    )
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectOptions, ConnectionTrait, Database, TransactionTrait};

    use super::*;

    #[test]
    fn what_the_pool_or_the_network_did_is_transient_and_what_was_asked_is_not() {
        let class = transient_database();
        let lost = || sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
        for transient in [
            DbErr::ConnectionAcquire(sea_orm::ConnAcquireErr::Timeout),
            DbErr::Conn(RuntimeErr::SqlxError(lost().into())),
            DbErr::Exec(RuntimeErr::SqlxError(sqlx::Error::PoolTimedOut.into())),
            DbErr::Query(RuntimeErr::SqlxError(sqlx::Error::PoolClosed.into())),
        ] {
            assert!(class.contains(&transient), "{transient}");
        }
        assert!(class.contains(&lost()));
        for lasting in [
            DbErr::RecordNotFound("7".to_owned()),
            DbErr::Query(RuntimeErr::SqlxError(sqlx::Error::RowNotFound.into())),
            DbErr::Custom("mine".to_owned()),
        ] {
            assert!(!class.contains(&lasting), "{lasting}");
        }
    }

    #[tokio::test]
    async fn a_lock_is_transient_and_a_taken_key_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("own.db");
        let mut options = ConnectOptions::new(format!("sqlite://{}?mode=rwc", path.display()));
        options.map_sqlx_sqlite_opts(|options| options.busy_timeout(std::time::Duration::ZERO));
        let (one, other) = tokio::join!(
            Database::connect(options.clone()),
            Database::connect(options)
        );
        let (one, other) = (one.unwrap(), other.unwrap());
        let class = transient_database();
        let table = "CREATE TABLE keys (key INTEGER PRIMARY KEY)";
        one.execute_unprepared(table).await.unwrap();
        let insert = "INSERT INTO keys VALUES (1)";
        let writing = one.begin().await.unwrap();
        writing.execute_unprepared(insert).await.unwrap();
        let locked = other.execute_unprepared(insert).await.unwrap_err();
        assert!(class.contains(&locked), "{locked}");
        writing.commit().await.unwrap();
        let taken = other.execute_unprepared(insert).await.unwrap_err();
        assert!(!class.contains(&taken), "{taken}");
    }
}
