//! What the photo inbox promises, asked of the real program over HTTP.
//!
//! Nothing here sleeps: the program itself holds an answer back until a task is over, and a channel
//! says when a notification arrives.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends with what it did not expect, also in a function that tests share"
)]

mod app;
mod hook;
mod pictures;

use actix_web::http::StatusCode;
use image::{DynamicImage, ImageFormat};
use serde_json::{Value, json};

use app::{App, Field, Signal, World};
use hook::Hook;

#[actix_web::test]
async fn pictures_of_every_format_become_thumbnails() {
    let world = World::new();
    let app = App::start(&world, &[]);
    let cases = [
        (
            pictures::jpeg(1500, 600),
            "jpg",
            [(160, 64), (480, 192), (1280, 512)],
        ),
        (
            pictures::sideways_jpeg(400, 200),
            "jpg",
            [(80, 160), (200, 400), (200, 400)],
        ),
        (
            pictures::png(300, 500),
            "png",
            [(96, 160), (288, 480), (300, 500)],
        ),
        (
            pictures::webp(100, 50),
            "png",
            [(100, 50), (100, 50), (100, 50)],
        ),
    ];
    for (picture, extension, sizes) in cases {
        let id = app.accept(&picture, None).await;
        let photo = app.over(&id).await;
        assert_eq!(photo["task_id"], id);
        assert_eq!(photo["status"], "Completed", "{photo}");
        assert_eq!(photo["attempts"], 1);
        assert_eq!(photo["error"], Value::Null);
        let thumbnails = photo["thumbnails"].as_array().unwrap();
        assert_eq!(thumbnails.len(), sizes.len());
        for ((thumbnail, (width, height)), longest) in
            thumbnails.iter().zip(sizes).zip([160, 480, 1280])
        {
            assert_eq!(
                (&thumbnail["width"], &thumbnail["height"]),
                (&json!(width), &json!(height))
            );
            let url = format!("/photos/{id}/thumbnails/{longest}.{extension}");
            assert_eq!(thumbnail["url"], url);
            let found = app.thumbnail(&url).await;
            assert_eq!((found.width(), found.height()), (width, height));
        }
        if extension == "png" {
            let smallest = app.thumbnail(thumbnails[0]["url"].as_str().unwrap()).await;
            assert_eq!(
                smallest.to_rgba8().get_pixel(1, 1).0[3],
                0,
                "it is clear in this corner"
            );
        }
    }
    let (_, list) = app.get("/photos").await;
    assert_eq!(list["photos"].as_array().unwrap().len(), 4);
}

#[actix_web::test]
async fn nothing_but_thumbnails_can_be_read() {
    let world = World::new();
    let app = App::start(&world, &[]);
    let id = app.accept(&pictures::jpeg(20, 20), None).await;
    app.over(&id).await;
    for path in [
        format!("/photos/{id}/thumbnails/original"),
        format!("/photos/{id}/thumbnails/thumbnails.json"),
        format!("/photos/{id}/thumbnails/..%2foriginal"),
        format!("/photos/{id}/thumbnails/..%2f{id}%2f160.jpg"),
        "/photos/..%2fphotos.db/thumbnails/160.jpg".to_owned(),
    ] {
        assert_eq!(app.get(&path).await.0, StatusCode::NOT_FOUND, "{path}");
    }
}

#[actix_web::test]
async fn a_file_that_is_no_picture_fails_at_once() {
    let world = World::new();
    let app = App::start(&world, &[]);
    for file in [&b"just some text"[..], b""] {
        let id = app.accept(file, None).await;
        let photo = app.over(&id).await;
        assert_eq!(photo["status"], "Failed");
        assert_eq!(photo["attempts"], 1);
        let error = photo["error"].as_str().unwrap();
        assert!(error.contains("not a picture"), "{error}");
        assert_eq!(photo["thumbnails"], json!([]));
    }
}

#[actix_web::test]
async fn a_task_can_be_cancelled_until_it_is_over() {
    let world = World::new();
    let app = App::start(&world, &[]);
    let slow = pictures::large_png();
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(app.accept(&slow, None).await);
    }
    // From the last, which waits, to the first, which runs.
    for id in ids.iter().rev() {
        let (status, answer) = app.delete(id).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let photo = app.over(id).await;
        assert_eq!(photo["status"], "Cancelled");
        assert_eq!(photo["thumbnails"], json!([]));
        let (status, answer) = app.delete(id).await;
        assert_eq!(status, StatusCode::CONFLICT, "{answer}");
    }
    let id = app.accept(&pictures::jpeg(30, 20), None).await;
    assert_eq!(app.over(&id).await["status"], "Completed");
    assert_eq!(app.delete(&id).await.0, StatusCode::CONFLICT);
    for unknown in ["01900000-0000-7000-8000-000000000000", "nonsense"] {
        assert_eq!(app.delete(unknown).await.0, StatusCode::NOT_FOUND);
        assert_eq!(
            app.get(&format!("/photos/{unknown}")).await.0,
            StatusCode::NOT_FOUND
        );
    }
}

#[actix_web::test]
async fn an_upload_over_the_limit_is_refused_and_leaves_nothing_behind() {
    let world = World::new();
    let app = App::start(&world, &["--max-upload-mib", "1"]);
    let (status, answer) = app.upload(&vec![0; 1024 * 1024 + 1], None).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(
        answer["error"].as_str().unwrap().contains("1048576"),
        "{answer}"
    );
    let (status, _) = app.upload(&vec![0; 8 * 1024 * 1024], None).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(world.files(), 0);
    let (status, _) = app.upload(&vec![0; 1024 * 1024], None).await;
    assert_eq!(status, StatusCode::ACCEPTED);
}

#[actix_web::test]
async fn a_form_that_makes_no_sense_is_refused() {
    let world = World::new();
    let app = App::start(&world, &[]);
    let picture = pictures::jpeg(20, 20);
    for url in ["ftp://example.org/", "hook", "javascript:alert(1)"] {
        let (status, answer) = app.upload(&picture, Some(url)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(
            answer["error"].as_str().unwrap().contains("notify_url"),
            "{answer}"
        );
    }
    let without_photo: [&[Field<'_>]; 3] =
        [&[], &[("other", None, b"x")], &[("photo", Some(""), b"")]];
    for fields in without_photo {
        let (status, answer) = app.post(fields).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(
            answer["error"].as_str().unwrap().contains("photo"),
            "{answer}"
        );
    }
    let fields = [("other", None, &b"x"[..]), ("photo", Some("a"), &picture)];
    assert_eq!(
        app.post(&fields).await.0,
        StatusCode::ACCEPTED,
        "unknown fields are ignored"
    );
    assert_eq!(world.files(), 1);
}

#[actix_web::test]
async fn the_notification_is_repeated_until_it_is_taken() {
    let world = World::new();
    let app = App::start(&world, &[]);
    let mut hook = Hook::open(&[500, 500, 200]);
    let id = app.accept(&pictures::jpeg(200, 100), Some(&hook.url)).await;
    let photo = app.over(&id).await;
    for _ in 0..3 {
        assert_eq!(hook.next().await, photo);
    }
    // One who is told of a failed picture would look for thumbnails in vain.
    app.over(&app.accept(b"no picture", Some(&hook.url)).await)
        .await;
    let id = app.accept(&pictures::jpeg(20, 10), Some(&hook.url)).await;
    assert_eq!(hook.next().await["task_id"], id, "nothing came in between");
}

#[actix_web::test]
async fn what_was_accepted_survives_a_signal() {
    let world = World::new();
    let app = App::start(&world, &[]);
    let ids = [
        app.accept(&pictures::jpeg(900, 600), None).await,
        app.accept(&pictures::png(900, 600), None).await,
        app.accept(&pictures::webp(900, 600), None).await,
    ];
    assert_eq!(app.stop(Signal::Terminate), Some(0));
    let app = App::start(&world, &[]);
    for id in ids {
        assert_eq!(app.over(&id).await["status"], "Completed");
    }
    assert_eq!(app.stop(Signal::Interrupt), Some(0));
}

#[actix_web::test]
async fn what_was_accepted_survives_a_crash() {
    let world = World::new();
    let app = App::start(&world, &[]);
    let mut hook = Hook::open(&[200]);
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(app.accept(&pictures::jpeg(700, 500), Some(&hook.url)).await);
    }
    assert_eq!(app.stop(Signal::Kill), None);
    let app = App::start(&world, &[]);
    for id in &ids {
        let photo = app.over(id).await;
        assert_eq!(photo["status"], "Completed", "{photo}");
        assert_eq!(photo["thumbnails"].as_array().unwrap().len(), 3);
    }
    // At least once: a notification that arrived just before the crash may come again.
    while !ids.is_empty() {
        let told = hook.next().await;
        ids.retain(|id| told["task_id"] != json!(id));
    }
}

#[actix_web::test]
async fn the_page_is_one_file_and_its_list_waits_for_news() {
    let world = World::new();
    let app = App::start(&world, &[]);
    let page = app.page().await;
    assert!(page.contains("<form"));
    for elsewhere in ["src=\"", "href=\"http", "@import", "innerHTML"] {
        assert!(!page.contains(elsewhere), "{elsewhere}");
    }
    let (_, empty) = app.get("/photos").await;
    assert_eq!(empty["photos"], json!([]));
    let mut version = empty["version"].as_str().unwrap().to_owned();
    let id = app.accept(&pictures::jpeg(20, 10), None).await;
    for _ in 0..10 {
        let (_, list) = app.get(&format!("/photos?wait=20&seen={version}")).await;
        assert_ne!(list["version"], version);
        version = list["version"].as_str().unwrap().to_owned();
        assert_eq!(list["photos"][0]["task_id"], id);
        if list["photos"][0]["status"] == "Completed" {
            return;
        }
    }
    panic!("the list never said that the thumbnails are ready");
}

/// Decodes what the program answered, by what it says it is.
fn decoded(content_type: &str, content: &[u8]) -> DynamicImage {
    let format = ImageFormat::from_mime_type(content_type).unwrap();
    image::load_from_memory_with_format(content, format).unwrap()
}
