use evertask_core::time::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{DbBackend, Value};

/// How a database wants to be told an instant.
#[derive(Clone, Copy, Debug)]
pub(super) enum Instants {
    /// As whole microseconds.
    Micros,
    /// As a timestamp.
    Timestamp,
}

impl Instants {
    pub(super) fn of(database: DbBackend) -> Self {
        match database {
            DbBackend::Sqlite => Self::Micros,
            DbBackend::Postgres | DbBackend::MySql | _ => Self::Timestamp,
        }
    }

    pub(super) fn value(self, at: Timestamp) -> Expr {
        Expr::val(match self {
            Self::Micros => Value::from(at.timestamp_micros()),
            Self::Timestamp => Value::from(at),
        })
    }
}
