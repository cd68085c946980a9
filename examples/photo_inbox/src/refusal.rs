use std::io;

use actix_multipart::MultipartError;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use evertask::{DispatchError, RequestError, Status};
use serde_json::json;
use thiserror::Error;

/// Why a request is not fulfilled; answered as `{"error": …}`.
#[derive(Debug, Error)]
pub(crate) enum Refusal {
    /// The request makes no sense.
    #[error("{0}")]
    BadRequest(String),
    /// It is no form that could hold a file.
    #[error("the form can't be read: {0}")]
    Form(#[from] MultipartError),
    /// The sender paused for too long.
    #[error("the upload stalled")]
    Stalled,
    /// The picture is over the limit.
    #[error("the photo is too large, the limit is {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// There is nothing of that id or name.
    #[error("there is no such photo")]
    Unknown,
    /// It is too late to cancel.
    #[error("the task is over already, it is {0}")]
    Over(Status),
    /// The task was not stored.
    #[error("the photo was not accepted: {0}")]
    Dispatch(#[from] DispatchError),
    /// The runtime did not answer.
    #[error("the task can't be reached: {0}")]
    Request(#[from] RequestError),
    /// The disk did not do its part.
    #[error("the files of the photo can't be used")]
    Files(#[from] io::Error),
}

impl Refusal {
    pub(crate) fn bad_request(problem: impl Into<String>) -> Self {
        Self::BadRequest(problem.into())
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Form(error) => error.status_code(),
            Self::Stalled => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unknown => StatusCode::NOT_FOUND,
            Self::Over(_) => StatusCode::CONFLICT,
            Self::Dispatch(_) | Self::Request(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Files(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.status_code();
        if status.is_server_error() {
            tracing::error!(error = ?self, "a request was not fulfilled");
        }
        HttpResponse::build(status).json(json!({ "error": self.to_string() }))
    }
}
