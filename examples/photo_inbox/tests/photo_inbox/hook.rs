use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, post};
use actix_web::{App, HttpResponse, HttpServer};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

/// Something that is notified: a server that gives these answers, the last one for ever.
pub(crate) struct Hook {
    pub(crate) url: String,
    notifications: UnboundedReceiver<Value>,
}

struct Answers {
    left: Mutex<VecDeque<u16>>,
    notifications: UnboundedSender<Value>,
}

impl Hook {
    pub(crate) fn open(answers: &[u16]) -> Self {
        let (sender, notifications) = unbounded_channel();
        let answers = Data::new(Answers {
            left: Mutex::new(answers.iter().copied().collect()),
            notifications: sender,
        });
        let server = HttpServer::new(move || {
            App::new()
                .app_data(answers.clone())
                .route("/hook", post().to(answer))
        });
        let server = server
            .workers(1)
            .disable_signals()
            .bind(("127.0.0.1", 0))
            .unwrap();
        let url = format!("http://{}/hook", server.addrs()[0]);
        actix_web::rt::spawn(server.run());
        Self { url, notifications }
    }

    /// Waits for the next notification.
    pub(crate) async fn next(&mut self) -> Value {
        let next = timeout(Duration::from_mins(1), self.notifications.recv()).await;
        next.expect("no notification came").unwrap()
    }
}

async fn answer(notification: Json<Value>, answers: Data<Answers>) -> HttpResponse {
    let mut left = answers.left.lock().unwrap();
    let code = if left.len() > 1 {
        left.pop_front()
    } else {
        left.front().copied()
    };
    answers.notifications.send(notification.into_inner()).ok();
    HttpResponse::new(StatusCode::from_u16(code.unwrap()).unwrap())
}
