use actix_multipart::Multipart;
use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path, Query};
use evertask::{CancelOutcome, EverTask, Status, Stored, TaskId, TaskView};
use serde_json::json;
use uuid::Uuid;

use super::wait::Wait;
use crate::album::Album;
use crate::photo::Photo;
use crate::refusal::Refusal;
use crate::tasks::MakeThumbnails;
use crate::upload::read_upload;
use crate::watch::until_over;

/// The largest picture that is accepted, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UploadLimit(pub(crate) u64);

/// Stores a picture and asks for its thumbnails.
///
/// The picture is on disk for good before the task is stored, and the task before the answer, so
/// what was accepted survives a crash. The id is ours, so that both can have the same.
pub(super) async fn upload(
    form: Multipart,
    evertask: Data<EverTask>,
    album: Data<Album>,
    limit: Data<UploadLimit>,
) -> Result<HttpResponse, Refusal> {
    let id = TaskId(Uuid::now_v7());
    let upload = read_upload(form, &album, id, limit.0).await?;
    upload.photo.keep().await?;

    let task = MakeThumbnails {
        photo: id,
        notify_url: upload.notify_url,
    };
    let Err(error) = evertask.dispatch(task).id(id).await else {
        return Ok(accepted(id));
    };
    match error.stored() {
        Stored::Yes(_) => Ok(accepted(id)),
        Stored::No => {
            album.discard(id).await?;
            Err(error.into())
        }
        // The picture stays: a task may be there that needs it.
        Stored::Unknown(_) => Err(error.into()),
    }
}

/// Answers what became of a picture; with `?wait=10` when it is over, after at most that many
/// seconds.
pub(super) async fn show(
    path: Path<String>,
    wait: Query<Wait>,
    evertask: Data<EverTask>,
    album: Data<Album>,
) -> Result<Json<Photo>, Refusal> {
    let task = until_over(&evertask, task_id(&path)?, wait.time()).await?;
    Ok(Json(Photo::of(&album, &made_here(task)?).await?))
}

/// Cancels the making of thumbnails.
pub(super) async fn cancel(
    path: Path<String>,
    evertask: Data<EverTask>,
) -> Result<HttpResponse, Refusal> {
    let id = task_id(&path)?;
    made_here(evertask.task(id).await?)?;
    match evertask.cancel(id).await? {
        CancelOutcome::AlreadyOver(status) => Err(Refusal::Over(status)),
        CancelOutcome::Unknown => Err(Refusal::Unknown),
        CancelOutcome::Cancelled | CancelOutcome::CancelledWhileRunning | _ => {
            Ok(HttpResponse::Ok().json(json!({ "task_id": id, "status": Status::Cancelled })))
        }
    }
}

/// Reads an id from a path; one that can't be read is an id that does not exist.
pub(super) fn task_id(text: &str) -> Result<TaskId, Refusal> {
    text.parse().map_err(|_| Refusal::Unknown)
}

/// Hides the tasks that are not about pictures.
fn made_here(task: Option<TaskView>) -> Result<TaskView, Refusal> {
    task.filter(Photo::is_made_by).ok_or(Refusal::Unknown)
}

fn accepted(id: TaskId) -> HttpResponse {
    HttpResponse::Accepted()
        .insert_header(("Location", format!("/photos/{id}")))
        .json(json!({ "task_id": id }))
}
