use evertask_core::storage::StorageErrorKind;

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

/// Decides what a caller can do about an error of this extended code.
pub(crate) fn kind_of_code(extended: Option<&str>) -> StorageErrorKind {
    let Some(extended) = extended.and_then(|code| code.parse::<u32>().ok()) else {
        return StorageErrorKind::Rejected;
    };
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

    fn kind_of(code: u32) -> StorageErrorKind {
        kind_of_code(Some(&code.to_string()))
    }

    #[test]
    fn an_outage_is_transient_and_a_bad_write_is_not() {
        let busy_snapshot = 517;
        for outage in [5, 6, 8, 10, 13, 14, busy_snapshot] {
            assert_eq!(kind_of(outage), StorageErrorKind::Transient, "{outage}");
        }
        let (too_big, constraint, mismatch, constraint_unique) = (18, 19, 20, 2067);
        for bad in [too_big, constraint, mismatch, constraint_unique] {
            assert_eq!(kind_of(bad), StorageErrorKind::Rejected, "{bad}");
        }
        assert_eq!(kind_of(26), StorageErrorKind::Unusable);
    }
}
