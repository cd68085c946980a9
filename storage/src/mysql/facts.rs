use evertask_core::storage::{StorageError, StorageErrorKind};
use evertask_migration::TablePrefix;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};

use super::locks::LockNames;
use super::packets::Packets;
use crate::database_error::database_error;

/// What has to be known of a server before it is used.
pub(super) struct Facts {
    pub(super) packets: Packets,
    pub(super) locks: LockNames,
}

impl Facts {
    /// Asks the server, and refuses one that is too old.
    pub(super) async fn of(
        connection: &DatabaseConnection,
        prefix: &TablePrefix,
    ) -> Result<Self, StorageError> {
        let doing = "ask the server what it is";
        let (version, max_packet, digest) = ask(connection, prefix)
            .await
            .map_err(|error| database_error(doing, error))?;
        if !is_new_enough(&version) {
            return Err(StorageError::new(
                StorageErrorKind::Unusable,
                format!(
                    "the server has version {version}; evertask needs MariaDB 10.6, MySQL 8.0.19 \
                     or a later one"
                ),
            ));
        }
        Ok(Self {
            packets: Packets::new(max_packet),
            locks: LockNames::new(&digest),
        })
    }
}

/// Asks what a connection of somebody else's can send at once.
pub(super) async fn packets_of<C: ConnectionTrait>(
    connection: &C,
) -> Result<Packets, StorageError> {
    let doing = "ask the server how much it takes at once";
    let failed = |error| database_error(doing, error);
    let question = "SELECT @@max_allowed_packet AS max_packet";
    let question = Statement::from_string(DbBackend::MySql, question);
    let row = connection.query_one_raw(question).await.map_err(failed)?;
    let row =
        row.ok_or_else(|| failed(DbErr::RecordNotFound("the size of a packet".to_owned())))?;
    Ok(Packets::new(row.try_get("", "max_packet").map_err(failed)?))
}

/// The digest is made by the server because it has to be the same in every version of evertask. Some
/// servers fold the case of a database's name, so it counts without.
async fn ask(
    connection: &DatabaseConnection,
    prefix: &TablePrefix,
) -> Result<(String, u64, String), DbErr> {
    let question = Statement::from_sql_and_values(
        DbBackend::MySql,
        "SELECT VERSION() AS version, @@max_allowed_packet AS max_packet, \
         LEFT(SHA2(CONCAT(LOWER(DATABASE()), '/', ?), 256), 16) AS digest",
        [prefix.to_string().into()],
    );
    let row = connection.query_one_raw(question).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("the version of the server".to_owned()))?;
    Ok((
        row.try_get("", "version")?,
        row.try_get("", "max_packet")?,
        row.try_get("", "digest")?,
    ))
}

/// What can't be read is not refused: it may be a service with numbers of its own.
fn is_new_enough(version: &str) -> bool {
    let number = version.split('-').next().unwrap_or_default();
    let mut parts = number.split('.').map(str::parse::<u32>);
    let mut part = || parts.next().and_then(Result::ok);
    let (Some(major), Some(minor)) = (part(), part()) else {
        return true;
    };
    let patch = part().unwrap_or_default();
    let oldest = if version.contains("MariaDB") {
        (10, 6, 0)
    } else {
        (8, 0, 19)
    };
    (major, minor, patch) >= oldest
}

#[cfg(test)]
mod tests {
    use super::is_new_enough;

    #[test]
    fn a_server_that_is_too_old_is_told_from_one_that_is_not() {
        let new = [
            "10.6.0-MariaDB",
            "10.11.19-MariaDB-0+deb12u1",
            "11.4.2-MariaDB",
            "8.0.19",
            "8.4.0-log",
            "9.0.1",
        ];
        for version in new {
            assert!(is_new_enough(version), "{version}");
        }
        for version in ["10.5.9-MariaDB", "5.7.44-log", "8.0.18", "8.0.4-rc-log"] {
            assert!(!is_new_enough(version), "{version}");
        }
        assert!(is_new_enough("service 3"));
    }
}
