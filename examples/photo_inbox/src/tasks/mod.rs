//! What happens in the background: thumbnails are made, and somebody is told.

mod notify_ready;
mod make_thumbnails;

pub(crate) use make_thumbnails::{MakeThumbnails, Thumbnailer};
pub(crate) use notify_ready::{Notifier, NotifyReady};
