use std::hash::{DefaultHasher, Hash, Hasher};

use actix_web::web::{Data, Json, Query};
use evertask::EverTask;
use serde::{Deserialize, Serialize};

use super::wait::Wait;
use crate::album::Album;
use crate::photo::Photo;
use crate::refusal::Refusal;
use crate::watch::Watch;

/// How many pictures are listed.
const LENGTH: usize = 30;

/// The version of the list that is known already: `?wait=20&seen=…`.
#[derive(Debug, Deserialize)]
pub(super) struct Seen {
    seen: Option<String>,
}

/// The latest pictures, newest first.
#[derive(Debug, Serialize)]
pub(super) struct List {
    /// Changes with anything in the list.
    version: String,
    photos: Vec<Photo>,
}

/// Answers the latest pictures; with `?wait=20&seen=…` when they differ from the version seen,
/// after at most that many seconds.
///
/// One such request keeps a whole page up to date. One per picture would use up the few connections
/// that a browser opens to a server.
pub(super) async fn show(
    wait: Query<Wait>,
    seen: Query<Seen>,
    evertask: Data<EverTask>,
    album: Data<Album>,
) -> Result<Json<List>, Refusal> {
    let mut watch = Watch::open(&evertask, wait.time());
    loop {
        let list = List::read(&evertask, &album).await?;
        let is_news = seen.seen.as_ref() != Some(&list.version);
        if is_news || !watch.changed(None).await {
            return Ok(Json(list));
        }
    }
}

impl List {
    async fn read(evertask: &EverTask, album: &Album) -> Result<Self, Refusal> {
        let mut photos = Vec::new();
        for id in album.latest(LENGTH).await? {
            // A picture without a task is about to get one, or a crash came in between.
            if let Some(task) = evertask.task(id).await? {
                photos.push(Photo::of(album, &task).await?);
            }
        }
        let mut hasher = DefaultHasher::new();
        for photo in &photos {
            photo.task_id.hash(&mut hasher);
            photo.status.hash(&mut hasher);
            photo.attempts.hash(&mut hasher);
        }
        let version = format!("{:x}", hasher.finish());
        Ok(Self { version, photos })
    }
}
