//! The physical types of the columns, by database.
//!
//! | kind    | `SQLite`     | `PostgreSQL`| `MySQL`     |
//! |---------|--------------|-------------|-------------|
//! | id      | 16 bytes     | uuid        | binary(16)  |
//! | instant | microseconds | timestamptz | datetime(6) |
//! | words   | text         | text        | longtext    |
//! | name    | text         | varchar     | varchar     |
//!
//! `SeaORM`'s own choices for `SQLite` are not used: its uuid and timestamps are texts there, which
//! take more than twice the room and, for timestamps, don't sort by time.

use sea_orm_migration::prelude::{Alias, ColumnDef, ColumnType, IntoIden, StringLen};
use sea_orm_migration::sea_orm::DbBackend;

/// A UUID.
pub(crate) fn id(database: DbBackend, name: &str) -> ColumnDef {
    column(
        name,
        match database {
            DbBackend::Postgres => ColumnType::Uuid,
            DbBackend::Sqlite | DbBackend::MySql | _ => ColumnType::Binary(16),
        },
    )
}

/// An instant, exact to the microsecond.
pub(crate) fn instant(database: DbBackend, name: &str) -> ColumnDef {
    column(
        name,
        match database {
            DbBackend::Postgres => ColumnType::TimestampWithTimeZone,
            DbBackend::MySql => ColumnType::Custom(Alias::new("datetime(6)").into_iden()),
            DbBackend::Sqlite | _ => ColumnType::BigInteger,
        },
    )
}

/// Text of any length.
pub(crate) fn words(database: DbBackend, name: &str) -> ColumnDef {
    column(
        name,
        match database {
            DbBackend::MySql => ColumnType::Custom(Alias::new("longtext").into_iden()),
            DbBackend::Sqlite | DbBackend::Postgres | _ => ColumnType::Text,
        },
    )
}

/// Text of at most `length` characters.
pub(crate) fn name(name: &str, length: u32) -> ColumnDef {
    column(name, ColumnType::String(StringLen::N(length)))
}

/// A whole number of 64 bits.
pub(crate) fn number(name: &str) -> ColumnDef {
    column(name, ColumnType::BigInteger)
}

/// A whole number of 32 bits.
pub(crate) fn small_number(name: &str) -> ColumnDef {
    column(name, ColumnType::Integer)
}

/// True or false.
pub(crate) fn flag(name: &str) -> ColumnDef {
    column(name, ColumnType::Boolean)
}

fn column(name: &str, kind: ColumnType) -> ColumnDef {
    ColumnDef::new_with_type(Alias::new(name), kind)
}
