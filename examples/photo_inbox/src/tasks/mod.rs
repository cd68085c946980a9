//! What happens in the background: thumbnails are made, and somebody is told.

mod make_thumbnails;
mod notify_ready;

pub(crate) use make_thumbnails::{MakeThumbnails, Thumbnailer};
pub(crate) use notify_ready::{Notifier, NotifyReady};
