use std::time::Duration;

use evertask::{BlockingHandler, Task, TaskContext, TaskError, TaskId, TaskOptions, TaskResult};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::NotifyReady;
use crate::album::Album;
use crate::picture::{LONGEST_SIDES, Picture};

/// Asks for the thumbnails of a picture in the album.
///
/// The picture itself stays out of the payload: payloads are read and written as a whole.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct MakeThumbnails {
    pub(crate) photo: TaskId,
    pub(crate) notify_url: Option<String>,
}

impl Task for MakeThumbnails {
    const NAME: &'static str = "photo.thumbnails";

    fn options() -> TaskOptions {
        TaskOptions::new()
            .queue("images")
            .timeout(Duration::from_mins(2))
    }
}

/// Makes thumbnails.
#[derive(Debug)]
pub(crate) struct Thumbnailer {
    album: Album,
}

impl Thumbnailer {
    pub(crate) fn new(album: Album) -> Self {
        Self { album }
    }

    fn make(&self, photo: TaskId, context: &TaskContext) -> TaskResult {
        let file = self.album.original(photo)?;
        stop_if_told(context)?;
        // The same bytes will never become a picture, so this is not tried again.
        let mut picture = Picture::decode(&file).map_err(TaskError::permanent)?;
        let mut thumbnails = Vec::with_capacity(LONGEST_SIDES.len());
        for longest in LONGEST_SIDES.into_iter().rev() {
            stop_if_told(context)?;
            let size = picture.shrink(longest);
            let bytes = picture.encode()?;
            let kind = (size, picture.encoding());
            thumbnails.push(self.album.store(photo, longest, kind, &bytes)?);
        }
        thumbnails.reverse();
        Ok(self.album.store_index(photo, &thumbnails)?)
    }
}

impl BlockingHandler<MakeThumbnails> for Thumbnailer {
    fn handle(&self, task: &MakeThumbnails, context: &TaskContext) -> TaskResult {
        self.make(task.photo, context)?;
        let Some(url) = task.notify_url.clone() else {
            return Ok(());
        };
        // `on_completed` would look like the place for this, but it runs after the task has been
        // stored as completed: a crash in between would lose the notification. Here a crash means
        // that the task runs again and dispatches again, and since the id follows from ours, the
        // notification is stored once however often that happens.
        let id = TaskId(Uuid::new_v5(&context.id().0, NotifyReady::NAME.as_bytes()));
        let notify = NotifyReady {
            photo: task.photo,
            url,
        };
        let dispatch = context.client().dispatch(notify).id(id);
        context.block_on(dispatch.into_future())?;
        Ok(())
    }
}

/// Nobody can abort a thread, so the handler looks by itself whether it is still wanted.
fn stop_if_told(context: &TaskContext) -> TaskResult {
    if context.is_cancelled() {
        return Err(TaskError::other("told to stop"));
    }
    Ok(())
}
