//! Reads the form in which a picture arrives.
//!
//! The picture goes to disk as it comes, so its size costs no memory, and everything the form holds
//! counts against a limit, known to us or not.

use std::time::Duration;

use actix_multipart::{Field, Multipart};
use actix_web::web::Bytes;
use evertask::TaskId;
use futures::TryStreamExt;
use reqwest::Url;
use tokio::time::timeout;

use crate::album::{Album, Incoming};
use crate::refusal::Refusal;

/// How long a sender may pause.
const PAUSE: Duration = Duration::from_secs(30);

/// What a form may hold beside the picture, in bytes.
const BESIDE_PHOTO: u64 = 64 * 1024;

/// The longest URL to notify, in bytes.
const LONGEST_URL: usize = 2048;

/// What was uploaded.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) photo: Incoming,
    pub(crate) notify_url: Option<String>,
}

/// Reads an upload whose picture has at most `limit` bytes.
///
/// # Errors
///
/// Refuses a form without a picture, with too large a one, or with a URL that can't be notified.
pub(crate) async fn read_upload(
    multipart: Multipart,
    album: &Album,
    id: TaskId,
    limit: u64,
) -> Result<Upload, Refusal> {
    let mut form = Form {
        multipart,
        limit,
        left: limit + BESIDE_PHOTO,
    };
    let mut photo = None;
    let mut notify_url = None;
    while let Some(mut field) = form.next().await? {
        match field.name() {
            Some("photo") if photo.is_some() => {
                return Err(Refusal::bad_request(
                    "the form has more than one field `photo`",
                ));
            }
            Some("photo") => photo = form.read_photo(&mut field, album, id).await?,
            Some("notify_url") => notify_url = form.read_url(&mut field).await?,
            _ => form.skip(&mut field).await?,
        }
    }
    let photo = photo.ok_or_else(|| Refusal::bad_request("the form has no file in `photo`"))?;
    Ok(Upload { photo, notify_url })
}

/// A form of which only so much is read.
struct Form {
    multipart: Multipart,
    limit: u64,
    left: u64,
}

impl Form {
    async fn next(&mut self) -> Result<Option<Field>, Refusal> {
        let next = timeout(PAUSE, self.multipart.try_next()).await;
        Ok(next.map_err(|_| Refusal::Stalled)??)
    }

    async fn chunk(&mut self, field: &mut Field) -> Result<Option<Bytes>, Refusal> {
        let chunk = timeout(PAUSE, field.try_next())
            .await
            .map_err(|_| Refusal::Stalled)??;
        let length = chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
        let left = self.left.checked_sub(length);
        self.left = left.ok_or(Refusal::TooLarge { limit: self.limit })?;
        Ok(chunk)
    }

    /// Answers `None` for the empty field that a browser sends when no file was chosen. An empty
    /// file is a file, and it is for the task to say that it is no picture.
    async fn read_photo(
        &mut self,
        field: &mut Field,
        album: &Album,
        id: TaskId,
    ) -> Result<Option<Incoming>, Refusal> {
        let mut size = 0;
        let mut photo = album.receive(id).await?;
        while let Some(chunk) = self.chunk(field).await? {
            size += chunk.len() as u64;
            if size > self.limit {
                return Err(Refusal::TooLarge { limit: self.limit });
            }
            photo.append(&chunk).await?;
        }
        let name = field
            .content_disposition()
            .and_then(|about| about.get_filename());
        let was_chosen = name.is_some_and(|name| !name.is_empty());
        Ok((size > 0 || was_chosen).then_some(photo))
    }

    async fn read_url(&mut self, field: &mut Field) -> Result<Option<String>, Refusal> {
        let mut url = Vec::new();
        while let Some(chunk) = self.chunk(field).await? {
            if url.len() + chunk.len() > LONGEST_URL {
                return Err(Refusal::bad_request("the `notify_url` is too long"));
            }
            url.extend_from_slice(&chunk);
        }
        let url = String::from_utf8_lossy(&url);
        notify_url(url.trim())
    }

    async fn skip(&mut self, field: &mut Field) -> Result<(), Refusal> {
        while self.chunk(field).await?.is_some() {}
        Ok(())
    }
}

fn notify_url(text: &str) -> Result<Option<String>, Refusal> {
    if text.is_empty() {
        return Ok(None);
    }
    let url = Url::parse(text)
        .map_err(|error| Refusal::bad_request(format!("the `notify_url` is no URL: {error}")))?;
    if !["http", "https"].contains(&url.scheme()) {
        return Err(Refusal::bad_request(
            "the `notify_url` must begin with http:// or https://",
        ));
    }
    Ok(Some(url.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_can_be_notified() {
        for text in ["http://localhost:1/hook", "https://example.org/a?b=c"] {
            assert_eq!(notify_url(text).unwrap().as_deref(), Some(text));
        }
        assert_eq!(notify_url("").unwrap(), None);
        for text in [
            "hook",
            "/hook",
            "ftp://example.org/",
            "file:///etc/passwd",
            "http://",
        ] {
            assert!(notify_url(text).is_err(), "{text}");
        }
    }
}
