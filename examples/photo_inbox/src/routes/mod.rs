//! What the application answers over HTTP.

mod list;
mod page;
mod photo;
mod thumbnail;
mod wait;

use actix_web::web::{self, ServiceConfig};

use crate::refusal::Refusal;

pub(crate) use photo::UploadLimit;

/// Adds all routes.
pub(crate) fn configure(config: &mut ServiceConfig) {
    let bad_query = |error: actix_web::error::QueryPayloadError, _: &actix_web::HttpRequest| {
        Refusal::bad_request(error.to_string()).into()
    };
    config
        .app_data(web::QueryConfig::default().error_handler(bad_query))
        .route("/", web::get().to(page::show))
        .route("/photos", web::get().to(list::show))
        .route("/photos", web::post().to(photo::upload))
        .route("/photos/{id}", web::get().to(photo::show))
        .route("/photos/{id}", web::delete().to(photo::cancel))
        .route(
            "/photos/{id}/thumbnails/{file}",
            web::get().to(thumbnail::show),
        );
}
