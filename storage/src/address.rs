//! What a URL says about the database, found out before anything is opened.

use std::path::{Path, PathBuf};

use evertask_core::storage::{StorageError, StorageErrorKind};
use sea_orm::sqlx::sqlite::SqliteConnectOptions;

/// A database in a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct DatabaseFile {
    pub(crate) path: PathBuf,
    /// Whether the file is made if there is none.
    pub(crate) create: bool,
}

impl DatabaseFile {
    /// Reads a URL such as `sqlite://evertask.db?mode=rwc`.
    pub(crate) fn from_url(url: &str) -> Result<Self, StorageError> {
        let Some((scheme, rest)) = url.split_once(':') else {
            return Err(unusable(
                url,
                "it has no scheme; write sqlite://path/to/file.db",
            ));
        };
        match scheme {
            "sqlite" => Self::from_sqlite_url(url, rest),
            "postgres" | "postgresql" | "mysql" | "mariadb" => Err(unusable(
                url,
                "PostgreSQL, MySQL and MariaDB are not in this version; write sqlite://path/to/file.db",
            )),
            _ => Err(unusable(
                url,
                "the scheme is not known; write sqlite://path/to/file.db",
            )),
        }
    }

    fn from_sqlite_url(url: &str, rest: &str) -> Result<Self, StorageError> {
        let (_, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let has = |parameter: &str| parameters.split('&').any(|given| given == parameter);
        if has("mode=ro") || has("immutable=1") || has("immutable=true") {
            return Err(unusable(
                url,
                "evertask writes; leave the read-only mode out",
            ));
        }
        let options: SqliteConnectOptions =
            url.parse().map_err(|error: sea_orm::sqlx::Error| {
                unusable(url, "it can't be read as a URL of SQLite").with_source(error)
            })?;
        if has("mode=memory") || rest.contains(":memory:") {
            return Err(in_memory(url));
        }
        let path = options.get_filename().to_path_buf();
        if path.as_os_str().is_empty() {
            return Err(unusable(
                url,
                "it names no file; write sqlite://path/to/file.db",
            ));
        }
        Ok(Self {
            path,
            create: !has("mode=rw"),
        })
    }

    /// Answers the one true place of the file, whatever becomes of the working directory.
    ///
    /// The files that tell who is alive stand beside it. Two processes that reach it by different
    /// links must find the same ones, or each would take the other for dead.
    pub(crate) fn place(&self) -> Result<PathBuf, StorageError> {
        let shown = self.path.display().to_string();
        if shown == ":memory:" {
            return Err(in_memory(&shown));
        }
        let place = match self.path.canonicalize() {
            Ok(place) => place,
            Err(_) if self.create => self.new_place()?,
            Err(error) => return Err(unusable(&shown, "there is no such file").with_source(error)),
        };
        if place.to_str().is_none() {
            return Err(unusable(&shown, "SQLite needs a path in UTF-8"));
        }
        Ok(place)
    }

    fn new_place(&self) -> Result<PathBuf, StorageError> {
        let shown = self.path.display().to_string();
        let Some(name) = self.path.file_name() else {
            return Err(unusable(&shown, "it names no file"));
        };
        let directory = match self.path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        directory
            .canonicalize()
            .map(|directory| directory.join(name))
            .map_err(|error| {
                let why = "its directory does not exist; create it first";
                unusable(&shown, why).with_source(error)
            })
    }
}

fn in_memory(address: &str) -> StorageError {
    unusable(
        address,
        "a SQLite database in memory is lost with its connection and can't be read by another one; \
         use the in-memory storage of evertask or a file",
    )
}

fn unusable(address: &str, why: &str) -> StorageError {
    StorageError::new(
        StorageErrorKind::Unusable,
        format!(
            "the database address {:?} can't be used: {why}",
            without_password(address)
        ),
    )
}

/// Hides what stands between the scheme and the host, which may hold a password.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://…@{host}"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refusal(url: &str) -> String {
        let error = DatabaseFile::from_url(url).unwrap_err();
        assert_eq!(error.kind(), StorageErrorKind::Unusable);
        error.to_string()
    }

    #[test]
    fn a_url_names_a_file() {
        let file = |url: &str| DatabaseFile::from_url(url).unwrap();
        assert_eq!(file("sqlite://a/b.db").path, PathBuf::from("a/b.db"));
        assert_eq!(file("sqlite:///a/b.db").path, PathBuf::from("/a/b.db"));
        assert_eq!(file("sqlite:a%20b.db").path, PathBuf::from("a b.db"));
        assert!(file("sqlite://a.db").create);
        assert!(file("sqlite://a.db?mode=rwc").create);
        assert!(!file("sqlite://a.db?mode=rw").create);
    }

    #[test]
    fn a_bad_url_is_refused_with_a_remedy() {
        for scheme in ["postgres", "postgresql", "mysql", "mariadb"] {
            let text = refusal(&format!("{scheme}://me:secret@host/db"));
            assert!(text.contains("not in this version"), "{text}");
            assert!(
                text.contains("@host/db") && !text.contains("secret"),
                "{text}"
            );
        }
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
}
