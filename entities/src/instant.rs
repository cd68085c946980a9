use sea_orm::DeriveValueType;

/// A stored instant, in microseconds since the epoch.
///
/// Every entity has its instants in this type, so that how a database keeps them (an integer in
/// `SQLite`, a timestamp elsewhere) is decided in one place.
#[derive(Clone, Copy, Debug, DeriveValueType, Eq, Ord, PartialEq, PartialOrd)]
pub struct Instant(pub i64);
