//! Keeps the pictures and their thumbnails on disk.
//!
//! ```text
//! incoming/{id}/original        being received; emptied at start
//! photos/{id}/original          received whole, and on disk for good
//! photos/{id}/160.jpg …         thumbnails
//! photos/{id}/thumbnails.json   says which there are; written last
//! ```
//!
//! Everything becomes visible by a rename after it was synced, so a crash leaves a file whole or
//! not at all, and whoever repeats the work writes over what is there.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use evertask::TaskId;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;

use crate::picture::{Dimensions, Encoding};

const INDEX: &str = "thumbnails.json";
const ORIGINAL: &str = "original";

/// The directory of all pictures.
#[derive(Clone, Debug)]
pub(crate) struct Album {
    incoming: PathBuf,
    photos: PathBuf,
}

/// What is known about a thumbnail.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Thumbnail {
    pub(crate) file: String,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) encoding: Encoding,
}

impl Album {
    /// Opens the album in a directory and throws away what a crash left half received.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        let album = Self {
            incoming: directory.join("incoming"),
            photos: directory.join("photos"),
        };
        if album.incoming.exists() {
            fs::remove_dir_all(&album.incoming)?;
        }
        fs::create_dir_all(&album.incoming)?;
        fs::create_dir_all(&album.photos)?;
        Ok(album)
    }

    /// Begins to receive a picture.
    pub(crate) async fn receive(&self, id: TaskId) -> io::Result<Incoming> {
        let directory = self.incoming.join(id.to_string());
        tokio::fs::create_dir(&directory).await?;
        let file = tokio::fs::File::create_new(directory.join(ORIGINAL)).await;
        Ok(Incoming {
            target: self.photo(id),
            directory: Some(directory),
            file: file?,
        })
    }

    /// Removes a picture that no task will ever need.
    pub(crate) async fn discard(&self, id: TaskId) -> io::Result<()> {
        tokio::fs::remove_dir_all(self.photo(id)).await
    }

    /// Reads a picture as it was received.
    pub(crate) fn original(&self, id: TaskId) -> io::Result<Vec<u8>> {
        fs::read(self.photo(id).join(ORIGINAL))
    }

    /// Stores a thumbnail, named after the side it was made for.
    pub(crate) fn store(
        &self,
        id: TaskId,
        longest: u32,
        (size, encoding): (Dimensions, Encoding),
        content: &[u8],
    ) -> io::Result<Thumbnail> {
        let file = format!("{longest}.{}", encoding.extension());
        write_whole(&self.photo(id), &file, content)?;
        Ok(Thumbnail {
            file,
            width: size.width,
            height: size.height,
            encoding,
        })
    }

    /// Stores which thumbnails there are.
    pub(crate) fn store_index(&self, id: TaskId, thumbnails: &[Thumbnail]) -> io::Result<()> {
        write_whole(&self.photo(id), INDEX, &serde_json::to_vec(thumbnails)?)
    }

    /// Answers which thumbnails there are, smallest first.
    pub(crate) async fn thumbnails(&self, id: TaskId) -> io::Result<Vec<Thumbnail>> {
        let index = tokio::fs::read(self.photo(id).join(INDEX)).await?;
        Ok(serde_json::from_slice(&index)?)
    }

    /// Reads a thumbnail; `None` if there is none of that name.
    ///
    /// The name comes from outside. It is looked up, never made a path of.
    pub(crate) async fn thumbnail(
        &self,
        id: TaskId,
        name: &str,
    ) -> io::Result<Option<(Encoding, Vec<u8>)>> {
        let thumbnails = match self.thumbnails(id).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            thumbnails => thumbnails?,
        };
        let Some(thumbnail) = thumbnails.into_iter().find(|known| known.file == name) else {
            return Ok(None);
        };
        let content = tokio::fs::read(self.photo(id).join(&thumbnail.file)).await?;
        Ok(Some((thumbnail.encoding, content)))
    }

    /// Answers the ids of the latest pictures, newest first.
    pub(crate) async fn latest(&self, count: usize) -> io::Result<Vec<TaskId>> {
        let mut ids: Vec<TaskId> = Vec::new();
        let mut entries = tokio::fs::read_dir(&self.photos).await?;
        while let Some(entry) = entries.next_entry().await? {
            let name = entry.file_name();
            let id = name.to_str().and_then(|name| name.parse::<TaskId>().ok());
            ids.extend(id);
        }
        // The ids are version 7 UUIDs, which sort by the time they were made.
        ids.sort_unstable_by(|left, right| right.cmp(left));
        ids.truncate(count);
        Ok(ids)
    }

    fn photo(&self, id: TaskId) -> PathBuf {
        self.photos.join(id.to_string())
    }
}

/// A picture that is being received; dropped before it is kept, it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Incoming {
    directory: Option<PathBuf>,
    target: PathBuf,
    file: tokio::fs::File,
}

impl Incoming {
    /// Appends to the picture.
    pub(crate) async fn append(&mut self, content: &[u8]) -> io::Result<()> {
        self.file.write_all(content).await
    }

    /// Makes the picture a part of the album; it survives a crash from now on.
    pub(crate) async fn keep(mut self) -> io::Result<()> {
        self.file.flush().await?;
        self.file.sync_all().await?;
        let Some(directory) = &self.directory else {
            return Ok(());
        };
        sync_directory(directory).await?;
        tokio::fs::rename(directory, &self.target).await?;
        self.directory = None;
        match self.target.parent() {
            Some(photos) => sync_directory(photos).await,
            None => Ok(()),
        }
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        let Some(directory) = self.directory.take() else {
            return;
        };
        if let Err(error) = fs::remove_dir_all(&directory) {
            tracing::warn!(%error, directory = %directory.display(), "an upload was not removed");
        }
    }
}

/// Writes a file so that it is there whole or not at all, and again if it was there already.
fn write_whole(directory: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    // One task never runs twice at a time, so the temporary name needs nothing random.
    let temporary = directory.join(format!("{name}.part"));
    let mut file = File::create(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(temporary, directory.join(name))?;
    File::open(directory)?.sync_all()
}

async fn sync_directory(directory: &Path) -> io::Result<()> {
    tokio::fs::File::open(directory).await?.sync_all().await
}
