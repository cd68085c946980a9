use std::fmt;

use evertask_core::storage::StorageError;
use sea_orm::sqlx::mysql::MySqlConnectOptions;
use sea_orm::sqlx::postgres::PgConnectOptions;

use super::{unusable, without_password};

/// What may stand in a URL of `MySQL` after its question mark. The driver passes over what it does not
/// know, and a misspelt `ssl-mode` would be no encryption.
const PARAMETERS_OF_MYSQL: [&str; 9] = [
    "ssl-mode", "sslmode", "ssl-ca", "sslca", "ssl-cert", "sslcert", "ssl-key", "sslkey", "socket",
];

/// The URL of a database on a server; it may hold a password, so it is not shown.
#[derive(Clone, Eq, PartialEq)]
pub(crate) struct ServerUrl(String);

impl ServerUrl {
    pub(crate) fn postgres(url: &str) -> Result<Self, StorageError> {
        let address = Self(url.to_owned());
        address.postgres_options()?;
        Ok(address)
    }

    /// What the driver reads in the URL: host, user, password, database and TLS.
    pub(crate) fn postgres_options(&self) -> Result<PgConnectOptions, StorageError> {
        // The cause is told in words only: the driver's could quote the URL.
        self.0
            .parse()
            .map_err(|_| unusable(&self.0, "it can't be read as a URL of PostgreSQL"))
    }

    pub(super) fn mysql(url: &str) -> Result<Self, StorageError> {
        let address = Self(url.to_owned());
        let options = address.mysql_options()?;
        if !url.contains("://") || options.get_database().is_none_or(str::is_empty) {
            return Err(unusable(url, "it names no database"));
        }
        let (_, parameters) = url.split_once('?').unwrap_or_default();
        let is_known = |parameter: &str| {
            let (name, _) = parameter.split_once('=').unwrap_or((parameter, ""));
            PARAMETERS_OF_MYSQL.contains(&name)
        };
        if !parameters.is_empty() && !parameters.split('&').all(is_known) {
            let known = PARAMETERS_OF_MYSQL.join(", ");
            let why = format!("it has a parameter that is not known; known are {known}");
            return Err(unusable(url, &why));
        }
        Ok(address)
    }

    /// What the driver reads in the URL: host, user, password, database and TLS.
    pub(crate) fn mysql_options(&self) -> Result<MySqlConnectOptions, StorageError> {
        self.0
            .parse()
            .map_err(|_| unusable(&self.0, "it can't be read as a URL of MySQL"))
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&without_password(&self.0))
    }
}
