//! Who is alive: a file for each process, locked for as long as it lives.
//!
//! The operating system releases the lock when the process ends, however it ends, and nobody has to
//! renew it. An owner is dead exactly when its file can be locked or is gone.
//!
//! Opening is the only time at which files are made and looked at, and a lock of its own (`start.lock`,
//! never deleted) lets one process at a time do it. That settles the races:
//!
//! - A file that was made but is not locked yet looks dead. Nobody can look then.
//! - Two that look at the same file would each see the other's lock and take the dead for alive.
//!   Only one looks at a time.
//! - A file that is found dead and deleted could come to life in between. It can't: an id is new at
//!   every start, so nobody but the dead would lock it.
//! - [`OwnerLock::remove`] deletes its own file while it holds the lock, at any time. Who looks
//!   meanwhile finds it locked or gone, and both are true.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use evertask_core::storage::{StorageError, StorageErrorKind};
use uuid::Uuid;

/// How often and how far apart one tries to get its turn to open.
const TRIES: u32 = 6000;
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

/// The directory of the files.
#[derive(Clone, Debug)]
pub(super) struct OwnersDirectory(PathBuf);

/// The right to open; ends when dropped.
#[derive(Debug)]
pub(super) struct StartTurn {
    _file: File,
}

/// The life of this process, as others see it; ends when dropped.
#[derive(Debug)]
pub(super) struct OwnerLock {
    path: PathBuf,
    _file: File,
}

impl OwnersDirectory {
    /// The directory beside a database.
    pub(super) fn beside(database: &Path) -> Self {
        let mut name = database.as_os_str().to_owned();
        name.push(".owners");
        Self(name.into())
    }

    /// Makes the directory and waits until no other process is opening the database.
    pub(super) async fn wait_for_turn(&self) -> Result<StartTurn, StorageError> {
        let directory = self.clone();
        self.blocking("wait for other processes that open it", move || {
            fs::create_dir_all(&directory.0)?;
            let file = open_or_create(&directory.0.join("start.lock"))?;
            for _ in 0..TRIES {
                match file.try_lock() {
                    Ok(()) => return Ok(StartTurn { _file: file }),
                    Err(TryLockError::WouldBlock) => std::thread::sleep(BETWEEN_TRIES),
                    Err(TryLockError::Error(error)) => return Err(error),
                }
            }
            Err(io::Error::from(io::ErrorKind::TimedOut))
        })
        .await
    }

    /// Makes and locks the file of this process.
    pub(super) async fn hold(
        &self,
        _turn: &StartTurn,
        id: Uuid,
    ) -> Result<OwnerLock, StorageError> {
        let path = self.file(id);
        self.blocking("lock the file of this process", move || {
            let file = open_or_create(&path)?;
            match file.try_lock() {
                Ok(()) => Ok(OwnerLock { path, _file: file }),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    /// Answers which of these owners are dead.
    pub(super) async fn dead(
        &self,
        _turn: &StartTurn,
        owners: Vec<Uuid>,
    ) -> Result<Vec<Uuid>, StorageError> {
        let directory = self.clone();
        self.blocking("look for dead processes", move || {
            let is_dead = |owner: &Uuid| is_dead(&directory.file(*owner));
            Ok(owners.into_iter().filter(is_dead).collect())
        })
        .await
    }

    /// Deletes the files of the dead, except of these.
    pub(super) async fn forget_dead(
        &self,
        _turn: &StartTurn,
        except: Vec<Uuid>,
    ) -> Result<(), StorageError> {
        let directory = self.clone();
        self.blocking("delete the files of dead processes", move || {
            for entry in fs::read_dir(&directory.0)? {
                let path = entry?.path();
                let owner = owner_of(&path);
                if owner.is_some_and(|owner| !except.contains(&owner)) && is_dead(&path) {
                    fs::remove_file(path)?;
                }
            }
            Ok(())
        })
        .await
    }

    fn file(&self, id: Uuid) -> PathBuf {
        self.0.join(format!("{id}.lock"))
    }

    async fn blocking<T: Send + 'static>(
        &self,
        doing: &str,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<T, StorageError> {
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|error| Err(io::Error::other(error)))
            .map_err(|error| {
                let doing = format!("{doing} in {}", self.0.display());
                StorageError::new(StorageErrorKind::Transient, doing).with_source(error)
            })
    }
}

impl OwnerLock {
    /// Ends this process's life on purpose and leaves no file.
    pub(super) fn remove(self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}

fn open_or_create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

/// What can't be found out is not death: claiming the rows of a living process is the worse mistake.
fn is_dead(path: &Path) -> bool {
    match OpenOptions::new().write(true).open(path) {
        Ok(file) => file.try_lock().is_ok(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

fn owner_of(path: &Path) -> Option<Uuid> {
    let name = path.file_name()?.to_str()?;
    name.strip_suffix(".lock")?.parse().ok()
}
