//! The partner's service, which notes every call.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::{Data, Path};
use actix_web::{App, HttpResponse, HttpServer, rt, web};
use evertask::time::{Clock, SystemClock};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::plan::TENANTS;

/// What the partner knows.
#[derive(Clone)]
pub(crate) struct Partner {
    clock: Arc<dyn Clock>,
    begun: Duration,
    arrivals: Arc<Mutex<Vec<Vec<Duration>>>>,
    /// Whether it keeps everybody waiting.
    stalls: watch::Sender<bool>,
}

/// A partner that answers.
pub(crate) struct Listening {
    pub(crate) partner: Partner,
    pub(crate) address: SocketAddr,
    server: ServerHandle,
}

impl Partner {
    /// Begins to listen on a free port.
    pub(crate) fn listen() -> std::io::Result<Listening> {
        let clock = SystemClock::shared();
        let tenants = usize::try_from(TENANTS).unwrap_or_default();
        let partner = Self {
            begun: clock.elapsed(),
            clock,
            arrivals: Arc::new(Mutex::new(vec![Vec::new(); tenants])),
            stalls: watch::Sender::new(false),
        };
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let shared = partner.clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(Data::new(shared.clone()))
                .route("/call/{tenant}", web::post().to(call))
        });
        let server = server.workers(1).disable_signals().listen(listener)?.run();
        let handle = server.handle();
        rt::spawn(server);
        Ok(Listening {
            partner,
            address,
            server: handle,
        })
    }

    /// Keeps everybody waiting, or no longer.
    pub(crate) fn stall(&self, stalls: bool) {
        self.stalls.send_replace(stalls);
    }

    /// When the calls of each tenant arrived.
    pub(crate) fn arrivals(&self) -> Vec<Vec<Duration>> {
        self.arrivals.lock().clone()
    }

    /// How long it has been listening.
    pub(crate) fn elapsed(&self) -> Duration {
        self.clock.elapsed().saturating_sub(self.begun)
    }
}

impl Listening {
    pub(crate) async fn stop(self) {
        self.server.stop(false).await;
    }
}

async fn call(partner: Data<Partner>, tenant: Path<usize>) -> HttpResponse {
    let now = partner.elapsed();
    match partner.arrivals.lock().get_mut(*tenant) {
        Some(arrivals) => arrivals.push(now),
        None => return HttpResponse::NotFound().finish(),
    }
    let mut stalls = partner.stalls.subscribe();
    // An error means that the partner is gone, and with it whoever waits.
    stalls.wait_for(|stalls| !stalls).await.ok();
    HttpResponse::Ok().finish()
}
