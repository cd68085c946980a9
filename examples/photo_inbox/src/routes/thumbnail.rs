use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use actix_web::web::{Data, Path};

use super::photo::task_id;
use crate::album::Album;
use crate::refusal::Refusal;

/// Answers a thumbnail.
pub(super) async fn show(
    path: Path<(String, String)>,
    album: Data<Album>,
) -> Result<HttpResponse, Refusal> {
    let (id, file) = path.into_inner();
    let thumbnail = album.thumbnail(task_id(&id)?, &file).await?;
    let (encoding, content) = thumbnail.ok_or(Refusal::Unknown)?;
    Ok(HttpResponse::Ok()
        .content_type(encoding.content_type())
        .insert_header((CACHE_CONTROL, "private, max-age=31536000, immutable"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(content))
}
