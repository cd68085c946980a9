use sea_orm::prelude::ChronoDateTimeUtc;
use sea_orm::sea_query::{ArrayType, ColumnType, Nullable, ValueType, ValueTypeErr};
use sea_orm::{ColIdx, QueryResult, TryGetError, TryGetable, Value};

/// A stored instant, in microseconds since the epoch.
///
/// Every entity has its instants in this type, so that how a database keeps them (an integer in
/// `SQLite`, a timestamp elsewhere) is decided in one place. It is read from either. As a value it is
/// what `SQLite` keeps; a filter for another database needs a timestamp instead.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Instant(pub i64);

impl TryGetable for Instant {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        if row.try_as_sqlite_row().is_some() {
            return i64::try_get_by(row, index).map(Self);
        }
        let instant = ChronoDateTimeUtc::try_get_by(row, index)?;
        Ok(Self(instant.timestamp_micros()))
    }
}

impl From<Instant> for Value {
    fn from(instant: Instant) -> Self {
        instant.0.into()
    }
}

impl ValueType for Instant {
    fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
        <i64 as ValueType>::try_from(value).map(Self)
    }

    fn type_name() -> String {
        "Instant".to_owned()
    }

    fn array_type() -> ArrayType {
        <i64 as ValueType>::array_type()
    }

    fn column_type() -> ColumnType {
        <i64 as ValueType>::column_type()
    }
}

impl Nullable for Instant {
    fn null() -> Value {
        <i64 as Nullable>::null()
    }
}
