use evertask_core::storage::StorageErrorKind;

/// What the environment did: too many connections, a lock, a full disk, a server that stops or only
/// reads.
const TRANSIENT: [u16; 39] = [
    1015, 1020, 1021, 1026, 1030, 1037, 1038, 1040, 1041, 1053, 1077, 1078, 1079, 1114, 1129, 1158,
    1159, 1160, 1161, 1180, 1203, 1205, 1206, 1213, 1226, 1290, 1317, 1412, 1615, 1637, 1792, 1836,
    1927, 1969, 3024, 3100, 3101, 3168, 4031,
];

/// What says that this is not a database that can be used: no access, no such database, table or
/// column, a syntax or collation that the server does not know, a binary log that can't be written.
const UNUSABLE: [u16; 22] = [
    1044, 1045, 1046, 1049, 1054, 1064, 1115, 1142, 1143, 1146, 1227, 1251, 1273, 1305, 1370, 1524,
    1598, 1665, 1698, 1932, 3118, 4151,
];

/// Decides what a caller can do about an error of this number.
pub(crate) fn kind_of_number(number: u16) -> StorageErrorKind {
    if TRANSIENT.contains(&number) {
        StorageErrorKind::Transient
    } else if UNUSABLE.contains(&number) {
        StorageErrorKind::Unusable
    } else {
        StorageErrorKind::Rejected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_transient_and_a_bad_write_is_not() {
        let (deadlock, lock_wait, connections, read_only, full) = (1213, 1205, 1040, 1290, 1021);
        for outage in [deadlock, lock_wait, connections, read_only, full] {
            assert_eq!(
                kind_of_number(outage),
                StorageErrorKind::Transient,
                "{outage}"
            );
        }
        let (duplicate, too_long, foreign_key, bad_value) = (1062, 1406, 1452, 1366);
        for bad in [duplicate, too_long, foreign_key, bad_value] {
            assert_eq!(kind_of_number(bad), StorageErrorKind::Rejected, "{bad}");
        }
        let (no_access, no_database, no_table) = (1045, 1049, 1146);
        for unusable in [no_access, no_database, no_table] {
            assert_eq!(
                kind_of_number(unusable),
                StorageErrorKind::Unusable,
                "{unusable}"
            );
        }
    }
}
