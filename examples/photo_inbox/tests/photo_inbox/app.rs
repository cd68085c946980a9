use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use actix_web::http::StatusCode;
use image::DynamicImage;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Response};
use serde_json::Value;
use tempfile::TempDir;

use crate::decoded;

const BOUNDARY: &str = "the-boundary-of-the-form";

/// A field of a form: its name, the name of the file if it is one, and its content.
pub(crate) type Field<'a> = (&'a str, Option<&'a str>, &'a [u8]);

/// What is left of the program when it ends.
pub(crate) struct World {
    directory: TempDir,
}

/// The running program.
pub(crate) struct App {
    child: Child,
    address: String,
    http: Client,
}

/// How to end the program.
#[derive(Clone, Copy)]
pub(crate) enum Signal {
    Interrupt,
    Terminate,
    Kill,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    /// How many pictures are kept or being received.
    pub(crate) fn files(&self) -> usize {
        let count = |name| {
            let directory = self.directory.path().join("data").join(name);
            std::fs::read_dir(directory).unwrap().count()
        };
        count("photos") + count("incoming")
    }
}

impl App {
    pub(crate) fn start(world: &World, options: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_photo-inbox"))
            .current_dir(&world.directory)
            .args([
                "--port",
                "0",
                "--database",
                "photos.db",
                "--data-dir",
                "data",
            ])
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = log.by_ref().find_map(|line| {
            let line = line.unwrap();
            let start = line.find("http://127.0.0.1:")?;
            Some(line[start..].trim().to_owned())
        });
        // The program would block if nobody read what it has to say.
        std::thread::spawn(move || log.for_each(drop));
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        Self {
            child,
            address: address.expect("the program says where it listens"),
            http: Client::builder()
                .timeout(Duration::from_mins(2))
                .build()
                .unwrap(),
        }
    }

    pub(crate) async fn upload(
        &self,
        photo: &[u8],
        notify_url: Option<&str>,
    ) -> (StatusCode, Value) {
        let mut fields: Vec<Field<'_>> = vec![("photo", Some("holiday.jpg"), photo)];
        fields.extend(notify_url.map(|url| ("notify_url", None, url.as_bytes())));
        self.post(&fields).await
    }

    /// Uploads a file that must be accepted and answers the id of its task.
    pub(crate) async fn accept(&self, photo: &[u8], notify_url: Option<&str>) -> String {
        let (status, answer) = self.upload(photo, notify_url).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
        answer["task_id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn post(&self, fields: &[Field<'_>]) -> (StatusCode, Value) {
        let request = self.http.post(self.url("/photos"));
        let request = request
            .header(
                CONTENT_TYPE,
                format!("multipart/form-data; boundary={BOUNDARY}"),
            )
            .body(form(fields));
        answer(request.send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        answer(self.http.get(self.url(path)).send().await.unwrap()).await
    }

    pub(crate) async fn delete(&self, id: &str) -> (StatusCode, Value) {
        answer(
            self.http
                .delete(self.url(&format!("/photos/{id}")))
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    /// Waits until a task is over and answers what became of it.
    pub(crate) async fn over(&self, id: &str) -> Value {
        for _ in 0..10 {
            let (status, photo) = self.get(&format!("/photos/{id}?wait=20")).await;
            assert_eq!(status, StatusCode::OK, "{photo}");
            if ["Completed", "Failed", "Cancelled"].contains(&photo["status"].as_str().unwrap()) {
                return photo;
            }
        }
        panic!("the task {id} does not come to an end");
    }

    pub(crate) async fn thumbnail(&self, path: &str) -> DynamicImage {
        let answer = self.http.get(self.url(path)).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        let content_type = answer.headers()[CONTENT_TYPE].to_str().unwrap().to_owned();
        decoded(&content_type, &answer.bytes().await.unwrap())
    }

    pub(crate) async fn page(&self) -> String {
        self.http
            .get(self.url("/"))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    }

    /// Ends the program and answers its exit code, if the signal left it one.
    pub(crate) fn stop(mut self, signal: Signal) -> Option<i32> {
        let name = match signal {
            Signal::Interrupt => "-INT",
            Signal::Terminate => "-TERM",
            Signal::Kill => "-KILL",
        };
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([name, &id])
                .status()
                .unwrap()
                .success()
        );
        self.child.wait().unwrap().code()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

async fn answer(answer: Response) -> (StatusCode, Value) {
    let status = StatusCode::from_u16(answer.status().as_u16()).unwrap();
    let text = answer.text().await.unwrap();
    (
        status,
        serde_json::from_str(&text).unwrap_or(Value::String(text)),
    )
}

fn form(fields: &[Field<'_>]) -> Vec<u8> {
    let mut form = Vec::new();
    for (name, file, content) in fields {
        let file = file
            .map(|file| format!("; filename=\"{file}\""))
            .unwrap_or_default();
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n"
        );
        form.extend_from_slice(head.as_bytes());
        form.extend_from_slice(content);
        form.extend_from_slice(b"\r\n");
    }
    form.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    form
}
