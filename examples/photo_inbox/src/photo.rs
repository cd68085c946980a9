use std::io;

use evertask::{Status, Task, TaskId, TaskView};
use serde::Serialize;

use crate::album::Album;
use crate::tasks::MakeThumbnails;

/// A picture and what became of it, as everybody outside sees it.
#[derive(Debug, Serialize)]
pub(crate) struct Photo {
    pub(crate) task_id: TaskId,
    pub(crate) status: Status,
    pub(crate) attempts: u32,
    error: Option<String>,
    thumbnails: Vec<ThumbnailLink>,
}

#[derive(Debug, Serialize)]
struct ThumbnailLink {
    width: u32,
    height: u32,
    url: String,
}

impl Photo {
    /// Whether a task is about a picture; the runtime holds others too.
    pub(crate) fn is_made_by(task: &TaskView) -> bool {
        task.record.definition.task == MakeThumbnails::NAME
    }

    /// Puts together what the task and the album know.
    pub(crate) async fn of(album: &Album, task: &TaskView) -> io::Result<Self> {
        let id = task.record.definition.id;
        let state = &task.record.state;
        let attempts = task.attempts.iter().map(|attempt| attempt.number).max();
        Ok(Self {
            task_id: id,
            status: state.status,
            attempts: attempts.unwrap_or_default(),
            error: state.failure.as_ref().map(|failure| failure.text.clone()),
            thumbnails: match state.status {
                Status::Completed => links(album, id).await?,
                Status::WaitingQueue
                | Status::Queued
                | Status::InProgress
                | Status::Failed
                | Status::Cancelled
                | Status::ServiceStopped => Vec::new(),
            },
        })
    }
}

async fn links(album: &Album, id: TaskId) -> io::Result<Vec<ThumbnailLink>> {
    let thumbnails = album.thumbnails(id).await?.into_iter();
    Ok(thumbnails
        .map(|thumbnail| ThumbnailLink {
            width: thumbnail.width,
            height: thumbnail.height,
            url: format!("/photos/{id}/thumbnails/{}", thumbnail.file),
        })
        .collect())
}
