//! Photo inbox: upload a picture, get thumbnails made in the background.
//!
//! An Actix Web application with an evertask runtime inside. An upload is answered once
//! the picture and its task are stored; what is left to do then survives a crash and a restart.
//!
//! ```text
//! POST /photos ──► album ──► MakeThumbnails ──► NotifyReady ──► POST notify_url
//!                 (disk)    (queue "images")   (queue "notifications")
//! ```

mod album;
mod options;
mod photo;
mod picture;
mod refusal;
mod routes;
mod tasks;
mod upload;
mod watch;

use std::error::Error;
use std::io::IsTerminal;
use std::net::TcpListener;
use std::process::ExitCode;

use actix_web::web::Data;
use actix_web::{App, HttpServer};
use clap::Parser;
use evertask::{EverTask, LogCapture, LogOptions, Queue, SqlStorage};
use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use album::Album;
use options::Options;
use routes::UploadLimit;
use tasks::{Notifier, Thumbnailer};

/// How long open requests may take when the server stops, in seconds.
const LAST_REQUESTS: u64 = 3;

#[actix_web::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let print = fmt::layer().with_ansi(std::io::stdout().is_terminal());
    tracing_subscriber::registry()
        .with(print.with_filter(filter))
        .with(LogCapture::new().with_filter(LevelFilter::INFO))
        .init();
    match run(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error, "the photo inbox failed");
            ExitCode::FAILURE
        }
    }
}

/// Serves until a signal says to stop, then lets the running tasks come to their end.
async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let (host, port) = (options.host, options.port);
    let listener = TcpListener::bind((host, port))
        .map_err(|error| format!("{host} port {port} can't be listened on: {error}"))?;
    let address = listener.local_addr()?;
    let directory = options.data_dir.display();
    let album = Album::open(&options.data_dir)
        .map_err(|error| format!("the directory {directory} can't be used: {error}"))?;
    let evertask = start(&options, &album).await?;

    let limit = UploadLimit(options.max_upload());
    let data = (
        Data::new(evertask.clone()),
        Data::new(album),
        Data::new(limit),
    );
    let app = move || {
        let (evertask, album, limit) = data.clone();
        App::new()
            .app_data(evertask)
            .app_data(album)
            .app_data(limit)
            .configure(routes::configure)
    };
    // The server stops by itself on SIGTERM and SIGINT.
    let server = HttpServer::new(app)
        .shutdown_timeout(LAST_REQUESTS)
        .listen(listener)?
        .run();
    tracing::info!("listening on http://{address}");
    let ended = server.await;

    // Whatever ended the server: without this, the running tasks would be interrupted.
    evertask.shutdown().await?;
    Ok(ended?)
}

async fn start(options: &Options, album: &Album) -> Result<EverTask, Box<dyn Error>> {
    // Fails only if another part of the process has chosen already, which would do as well.
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    let evertask = EverTask::builder()
        .storage(SqlStorage::sqlite(&options.database))
        .queue(Queue::new("images").parallelism(2).capacity(100))
        .queue(Queue::new("notifications").parallelism(8).capacity(500))
        .blocking_handler(Thumbnailer::new(album.clone()))
        .handler(Notifier::new(album.clone())?)
        .logs(LogOptions::new())
        .start()
        .await?;
    Ok(evertask)
}
