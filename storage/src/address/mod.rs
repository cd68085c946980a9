//! What a URL says about the database, found out before anything is opened.

mod file;
mod server;

use evertask_core::storage::{StorageError, StorageErrorKind};

pub(crate) use self::file::DatabaseFile;
pub(crate) use self::server::ServerUrl;

const SCHEMES: &str = "write sqlite://path/to/file.db, postgres://user@host/database or \
                       mysql://user@host/database";

/// Where the tasks are kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Address {
    /// In a file of `SQLite`.
    File(DatabaseFile),
    /// In a database of a `PostgreSQL` server.
    Postgres(ServerUrl),
    /// In a database of a `MySQL` or `MariaDB` server.
    MySql(ServerUrl),
}

impl Address {
    /// Reads a URL such as `sqlite://evertask.db`, `postgres://user@host/database` or
    /// `mariadb://user@host/database`.
    pub(crate) fn from_url(url: &str) -> Result<Self, StorageError> {
        let Some((scheme, rest)) = url.split_once(':') else {
            return Err(unusable(url, &format!("it has no scheme; {SCHEMES}")));
        };
        match scheme {
            "sqlite" => DatabaseFile::from_url(url, rest).map(Self::File),
            "postgres" | "postgresql" => ServerUrl::postgres(url).map(Self::Postgres),
            "mysql" | "mariadb" => ServerUrl::mysql(url).map(Self::MySql),
            _ => Err(unusable(
                url,
                &format!("the scheme is not known; {SCHEMES}"),
            )),
        }
    }
}

/// Refuses an address.
pub(crate) fn unusable(address: &str, why: &str) -> StorageError {
    StorageError::new(
        StorageErrorKind::Unusable,
        format!(
            "the database address {:?} can't be used: {why}",
            without_password(address)
        ),
    )
}

/// Hides what may hold a password: what stands between the scheme and the host, and the parameters
/// of a server.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (place, parameters) = match rest.split_once('?') {
        Some((place, _)) if scheme != "sqlite" => (place, "?…"),
        _ => (rest, ""),
    };
    match place.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://…@{host}{parameters}"),
        None => format!("{scheme}://{place}{parameters}"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[track_caller]
    fn refusal(url: &str) -> String {
        let error = Address::from_url(url).unwrap_err();
        assert_eq!(error.kind(), StorageErrorKind::Unusable);
        error.to_string()
    }

    #[test]
    fn a_url_names_a_file() {
        let file = |url: &str| match Address::from_url(url) {
            Ok(Address::File(file)) => file,
            other => panic!("{other:?}"),
        };
        assert_eq!(file("sqlite://a/b.db").path, PathBuf::from("a/b.db"));
        assert_eq!(file("sqlite:///a/b.db").path, PathBuf::from("/a/b.db"));
        assert_eq!(file("sqlite:a%20b.db").path, PathBuf::from("a b.db"));
        assert!(file("sqlite://a.db").create);
        assert!(file("sqlite://a.db?mode=rwc").create);
        assert!(!file("sqlite://a.db?mode=rw").create);
    }

    #[test]
    fn a_bad_url_is_refused_with_a_remedy() {
        for url in [
            "",
            "evertask.db",
            "redis://host",
            "sqlite:",
            "sqlite://",
            "sqlite://a.db?x=1",
        ] {
            assert!(refusal(url).contains("can't be used"), "{url}");
        }
        for url in [
            "sqlite::memory:",
            "sqlite://:memory:",
            "sqlite://a?mode=memory",
        ] {
            assert!(refusal(url).contains("in-memory storage"), "{url}");
        }
        assert!(refusal("sqlite://a.db?mode=ro").contains("read-only"));
    }

    #[test]
    fn a_url_names_a_server() {
        for url in ["postgres://me@host/db", "postgresql://host:5433/db"] {
            let address = Address::from_url(url).unwrap();
            assert!(matches!(address, Address::Postgres(_)), "{address:?}");
        }
        for url in [
            "mysql://me@host/db",
            "mariadb://host:3307/db?ssl-mode=REQUIRED",
        ] {
            let address = Address::from_url(url).unwrap();
            assert!(matches!(address, Address::MySql(_)), "{address:?}");
        }
    }

    #[test]
    fn a_url_of_mysql_that_would_be_half_understood_is_refused() {
        for (url, said) in [
            ("mysql://me@host", "names no database"),
            ("mysql://me@host/?ssl-mode=REQUIRED", "names no database"),
            (
                "mysql://me@host/db?sslmod=REQUIRED",
                "a parameter that is not known",
            ),
            ("mariadb://me@host/db?ssl-mode=PERHAPS", "can't be read"),
            ("mysql:db", "names no database"),
        ] {
            let text = refusal(url);
            assert!(text.contains(said), "{text}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        for url in [
            "postgres://me:secret@host/db",
            "postgres://me:sec@ret@host/db?sslmode=require",
            "postgres://host/db?password=secret",
            "postgres://me:secret@host/db?password=a@b",
            "mysql://me:secret@host/db",
            "mariadb://me:sec@ret@host/db?ssl-mode=REQUIRED",
        ] {
            let shown = format!("{:?}", Address::from_url(url).unwrap());
            assert!(shown.contains("host/db"), "{shown}");
            assert!(
                !shown.contains("ecret") && !shown.contains("a@b"),
                "{shown}"
            );
        }
        for url in [
            "postgres://me:secret@host/db?sslmode=perhaps",
            "postgres://me:secret@host:port/db?password=secret",
            "mysql://me:secret@host:port/db",
            "mysql://me:secret@host/db?password=secret",
        ] {
            let text = refusal(url);
            assert!(!text.contains("secret"), "{text}");
        }
    }
}
