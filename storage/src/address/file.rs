use std::path::{Path, PathBuf};

use evertask_core::storage::StorageError;
use sea_orm::sqlx::sqlite::SqliteConnectOptions;

use super::unusable;

/// A database in a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct DatabaseFile {
    pub(crate) path: PathBuf,
    /// Whether the file is made if there is none.
    pub(crate) create: bool,
}

impl DatabaseFile {
    /// Reads a URL such as `sqlite://evertask.db?mode=rwc`; `rest` follows its scheme and colon.
    pub(super) fn from_url(url: &str, rest: &str) -> Result<Self, StorageError> {
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
