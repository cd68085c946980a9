use evertask_core::storage::StorageErrorKind;

/// Decides what a caller can do about an error of this `SQLSTATE`.
///
/// The first two characters are its class. What the server or another session did is transient;
/// what an operator has to mend (a login, a database, a table, a right) is unusable; the rest is
/// about the write itself.
pub(crate) fn kind_of_code(state: &str) -> StorageErrorKind {
    match state {
        // A query was cancelled, for instance by its timeout; the server is read-only, as a standby
        // is before it takes over; a lock was not to be had in time.
        "57014" | "25006" | "55P03" => StorageErrorKind::Transient,
        // The database was dropped; a page or an index is corrupted; a table, a column, a function, a
        // schema or a right is missing.
        "57P04" | "XX001" | "XX002" | "42P01" | "42703" | "42883" | "3F000" | "42501" => {
            StorageErrorKind::Unusable
        }
        _ => kind_of_class(state.get(..2).unwrap_or_default()),
    }
}

fn kind_of_class(class: &str) -> StorageErrorKind {
    match class {
        // The connection; transactions that were rolled back for others' sake (deadlock,
        // serialization); resources; an operator's intervention; the system.
        "08" | "40" | "53" | "57" | "58" => StorageErrorKind::Transient,
        // The login; the database.
        "28" | "3D" => StorageErrorKind::Unusable,
        _ => StorageErrorKind::Rejected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn all_are(kind: StorageErrorKind, states: &[&str]) {
        for state in states {
            assert_eq!(kind_of_code(state), kind, "{state}");
        }
    }

    #[test]
    fn an_outage_is_transient_a_wrong_setup_unusable_and_a_bad_write_rejected() {
        let outages = [
            "08006", "40001", "40P01", "53100", "53300", "55P03", "57014", "57P01", "57P02",
            "57P03", "57P05", "25006", "58030",
        ];
        all_are(StorageErrorKind::Transient, &outages);
        let setups = [
            "28P01", "28000", "3D000", "3F000", "42P01", "42501", "57P04",
        ];
        all_are(StorageErrorKind::Unusable, &setups);
        let values = ["22001", "22003", "22P05", "23502", "23503", "23505", ""];
        all_are(StorageErrorKind::Rejected, &values);
    }
}
