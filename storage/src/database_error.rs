use evertask_core::storage::{StorageError, StorageErrorKind};
use sea_orm::sqlx;
use sea_orm::{DbErr, RuntimeErr};

/// The primary result codes of `SQLite` that this classification names.
mod code {
    pub(super) const PERM: u32 = 3;
    pub(super) const BUSY: u32 = 5;
    pub(super) const LOCKED: u32 = 6;
    pub(super) const NOMEM: u32 = 7;
    pub(super) const READONLY: u32 = 8;
    pub(super) const INTERRUPT: u32 = 9;
    pub(super) const IOERR: u32 = 10;
    pub(super) const CORRUPT: u32 = 11;
    pub(super) const FULL: u32 = 13;
    pub(super) const CANTOPEN: u32 = 14;
    pub(super) const PROTOCOL: u32 = 15;
    pub(super) const SCHEMA: u32 = 17;
    pub(super) const NOTADB: u32 = 26;
}

/// Turns an error of the database into one of the storage, saying what was being done.
pub(crate) fn database_error(doing: &str, error: DbErr) -> StorageError {
    StorageError::new(kind(&error), doing).with_source(error)
}

/// Decides what a caller can do about an error.
///
/// What the environment did (a lock, a full disk, a lost connection) is transient, and so is every
/// error that doesn't come from the database, for its pool or thread can be made anew. What the
/// database says about the write itself is not.
fn kind(error: &DbErr) -> StorageErrorKind {
    let (DbErr::Conn(cause) | DbErr::Exec(cause) | DbErr::Query(cause)) = error else {
        return if matches!(error, DbErr::ConnectionAcquire(_)) {
            StorageErrorKind::Transient
        } else {
            StorageErrorKind::Rejected
        };
    };
    let RuntimeErr::SqlxError(cause) = cause else {
        return StorageErrorKind::Transient;
    };
    if let sqlx::Error::Database(cause) = cause.as_ref() {
        let code = cause.code().and_then(|code| code.parse().ok());
        return code.map_or(StorageErrorKind::Rejected, kind_of_code);
    }
    let is_about_values = matches!(
        cause.as_ref(),
        sqlx::Error::Encode(_) | sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. }
    );
    if is_about_values {
        StorageErrorKind::Rejected
    } else {
        StorageErrorKind::Transient
    }
}

fn kind_of_code(extended: u32) -> StorageErrorKind {
    match extended & 0xff {
        code::PERM
        | code::BUSY
        | code::LOCKED
        | code::NOMEM
        | code::READONLY
        | code::INTERRUPT
        | code::IOERR
        | code::FULL
        | code::CANTOPEN
        | code::PROTOCOL
        | code::SCHEMA => StorageErrorKind::Transient,
        code::CORRUPT | code::NOTADB => StorageErrorKind::Unusable,
        _ => StorageErrorKind::Rejected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_transient_and_a_bad_write_is_not() {
        let busy_snapshot = 517;
        for outage in [5, 6, 8, 10, 13, 14, busy_snapshot] {
            assert_eq!(
                kind_of_code(outage),
                StorageErrorKind::Transient,
                "{outage}"
            );
        }
        let (too_big, constraint, mismatch, constraint_unique) = (18, 19, 20, 2067);
        for bad in [too_big, constraint, mismatch, constraint_unique] {
            assert_eq!(kind_of_code(bad), StorageErrorKind::Rejected, "{bad}");
        }
        assert_eq!(kind_of_code(26), StorageErrorKind::Unusable);
    }
}
