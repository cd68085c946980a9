//! Bad input gets a typed error that names the thing and the remedy, before anything is stored.

use std::collections::HashMap;
use std::time::Duration;

use evertask::storage::{QueueSelector, Write};
use evertask::time::Clock;
use evertask::{
    CatalogError, DispatchError, EverTask, Queue, QueueError, RetryPolicy, SqlStorage, StartError,
    StorageErrorKind, Stored, Task, TaskContext, TaskHandler, TaskOptions, TaskResult, WhenFull,
};
use serde::{Deserialize, Serialize};

use super::clock::StagedClock;
use super::home::{Home, becomes};
use super::player::{Diary, Player, settle};
use super::row::id_of;
use crate::stage::{Numbered, Watch};

on_every_storage! {
    a_refused_dispatch_names_the_remedy_and_stores_nothing,
    a_full_queue_that_rejects_stores_nothing_and_takes_the_next_one_when_there_is_room,
    a_due_time_that_is_past_or_beyond_all_calendars_is_taken_for_what_it_can_be,
}

/// A task that JSON can't hold: its keys are no texts.
#[derive(Serialize, Deserialize)]
struct Unencodable(HashMap<(u8, u8), u8>);

impl Task for Unencodable {
    const NAME: &'static str = "test.unencodable";
}

#[derive(Serialize, Deserialize)]
struct Large(String);

impl Task for Large {
    const NAME: &'static str = "test.large";
}

#[derive(Serialize, Deserialize)]
struct Unregistered;

impl Task for Unregistered {
    const NAME: &'static str = "test.unregistered";
}

#[derive(Serialize, Deserialize)]
struct Nameless;

impl Task for Nameless {
    const NAME: &'static str = " ";
}

#[derive(Serialize, Deserialize)]
struct Hasty;

impl Task for Hasty {
    const NAME: &'static str = "test.hasty";

    fn options() -> TaskOptions {
        TaskOptions::new().retry(hasty())
    }
}

#[derive(Serialize, Deserialize)]
struct Idle;

impl Task for Idle {
    const NAME: &'static str = "test.idle";

    fn options() -> TaskOptions {
        TaskOptions::new().max_running_per_key(0)
    }
}

#[derive(Serialize, Deserialize)]
struct Pushy;

impl Task for Pushy {
    const NAME: &'static str = "test.pushy";

    fn options() -> TaskOptions {
        TaskOptions::new().priority(99)
    }
}

fn hasty() -> RetryPolicy {
    RetryPolicy::Linear {
        retries: 1,
        delay: Duration::ZERO,
    }
}

struct Anything;

impl<T: Task> TaskHandler<T> for Anything {
    async fn handle(&self, _: &T, _: &TaskContext) -> TaskResult {
        Ok(())
    }
}

#[track_caller]
fn says(error: &impl std::fmt::Display, words: &[&str]) {
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "{word:?} is not in {text:?}");
    }
}

/// Core 1.1, 2.2 and core edge case 69.
async fn a_refused_dispatch_names_the_remedy_and_stores_nothing(home: Home) {
    let evertask = EverTask::builder()
        .storage(home.clone())
        .handler_for::<Unencodable, _>(Anything)
        .handler_for::<Large, _>(Anything)
        .handler_for::<Numbered, _>(Anything)
        .max_payload(100)
        .start()
        .await
        .unwrap();
    let unencodable = Unencodable([((1, 2), 3)].into());
    let large = Large("x".repeat(99));
    let long = "ü".repeat(101);
    let trace = evertask::TraceContext {
        parent: "x".repeat(513),
        state: None,
    };
    let refusals = [
        evertask.dispatch(Unregistered).await,
        evertask.dispatch(unencodable).await,
        evertask.dispatch(large).await,
        evertask.dispatch(Numbered(0)).retry(hasty()).await,
        evertask.dispatch(Numbered(0)).priority(11).await,
        evertask.dispatch(Numbered(0)).concurrency_key(" ").await,
        evertask.dispatch(Numbered(0)).tag(&long).await,
        evertask.dispatch(Numbered(0)).correlation_id(&long).await,
        evertask.dispatch(Numbered(0)).trace(trace).await,
    ];
    let errors = refusals.map(Result::unwrap_err);
    for error in &errors {
        assert_eq!(error.stored(), Stored::No, "{error}");
    }
    let [
        unknown,
        encoding,
        large,
        retry,
        priority,
        blank,
        tag,
        correlation,
        trace,
    ] = errors;
    assert!(matches!(unknown, DispatchError::UnknownTask { .. }));
    says(&unknown, &["\"test.unregistered\"", "register one"]);
    assert!(matches!(encoding, DispatchError::Encoding { .. }));
    says(&encoding, &["\"test.unencodable\"", "key must be a string"]);
    assert!(matches!(
        large,
        DispatchError::PayloadTooLarge {
            size: 101,
            limit: 100,
            ..
        }
    ));
    says(&large, &["\"test.large\"", "101", "100", "max_payload"]);
    assert!(matches!(retry, DispatchError::Retry(_)));
    says(&retry, &["retry policy", "delay above zero"]);
    assert!(matches!(priority, DispatchError::Priority(_)));
    says(&priority, &["11", "from -10 to 10"]);
    assert!(matches!(blank, DispatchError::BlankKey));
    says(&blank, &["concurrency key", "leave it out"]);
    for (error, option) in [
        (tag, "tag"),
        (correlation, "correlation id"),
        (trace, "trace parent"),
    ] {
        assert!(matches!(error, DispatchError::OptionTooLong { .. }));
        says(&error, &[option, "limit"]);
    }
    // The largest payload that fits is taken, and so is the next good one.
    let fits = evertask.dispatch(Large("x".repeat(98))).await.unwrap().id;
    let again = evertask.dispatch(Numbered(1)).id(fits).await.unwrap_err();
    assert!(matches!(again, DispatchError::IdTaken { .. }));
    says(&again, &["test.large", "use an id once"]);
    home.shut_down(evertask).await;
    for (write, _) in home.committed() {
        if let Write::Insert(task) = write {
            assert_eq!(task.record.definition.id, fits);
        }
    }
    assert_eq!(home.row(fits).await.definition.task, Large::NAME);
}

/// Core edge cases 15 and 16 are void by the decision on a refused dispatch; what holds instead.
async fn a_full_queue_that_rejects_stores_nothing_and_takes_the_next_one_when_there_is_room(
    home: Home,
) {
    let watch = Watch::held();
    let queue = Queue::new("strict").capacity(1).when_full(WhenFull::Reject);
    let evertask = EverTask::builder()
        .storage(home.clone())
        .queue(queue)
        .handler(watch.clone())
        .start()
        .await
        .unwrap();
    // The window opens once the stored rows were looked at.
    home.commits(1, |write, _| {
        let strict = QueueSelector::Only("strict".to_owned());
        matches!(write, Write::Claim(claim) if claim.queues == strict)
    })
    .await;
    settle(&evertask).await;
    let dispatch = |number| {
        evertask
            .dispatch(Numbered(number))
            .queue("strict")
            .id(id_of(number))
    };
    dispatch(0).await.unwrap();
    dispatch(1).await.unwrap();
    for number in 2..5 {
        let error = dispatch(number).await.unwrap_err();
        assert!(
            matches!(error, DispatchError::QueueFull { .. }),
            "{error:?}"
        );
        assert_eq!(error.stored(), Stored::No);
        says(&error, &["\"strict\"", "try again later", "spill"]);
        assert_eq!(home.find(id_of(number)).await, None);
    }
    // A delayed task needs no place.
    let later = dispatch(5).after(Duration::from_hours(1)).await.unwrap().id;
    assert_eq!(home.status(later).await, evertask::Status::WaitingQueue);
    watch.release(3);
    home.commits(2, becomes(evertask::Status::Completed)).await;
    settle(&evertask).await;
    dispatch(2).await.unwrap();
    home.commits(3, becomes(evertask::Status::Completed)).await;
    home.shut_down(evertask).await;
    assert_eq!(watch.order(), [0, 1, 2]);
}

/// Core 2.1: a due time that is not in the future means now; one that no database can hold is cut.
async fn a_due_time_that_is_past_or_beyond_all_calendars_is_taken_for_what_it_can_be(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let evertask = Player::idle(&diary).at(&home).clock(clock.clone());
    let evertask = evertask.start().await.unwrap();
    evertask
        .dispatch(Numbered(0))
        .after(Duration::ZERO)
        .await
        .unwrap();
    let past = clock.now() - Duration::from_hours(1);
    evertask.dispatch(Numbered(1)).at(past).await.unwrap();
    diary.says("completed 0").await;
    diary.says("completed 1").await;
    let never = evertask
        .dispatch(Numbered(2))
        .after(Duration::MAX)
        .await
        .unwrap()
        .id;
    let far = evertask::time::Timestamp::MAX_UTC;
    let neither = evertask.dispatch(Numbered(3)).at(far).await.unwrap().id;
    home.shut_down(evertask).await;
    for id in [never, neither] {
        let due = home.row(id).await.state.available_at.unwrap();
        assert!(due.to_rfc3339().starts_with("9999-12-31"), "{due}");
    }
}

async fn refusal(builder: evertask::Builder) -> StartError {
    builder
        .start()
        .await
        .expect_err("the runtime must not start")
}

/// The default queue alone, on a storage in memory.
fn builder() -> evertask::Builder {
    EverTask::builder()
        .storage(Home::memory())
        .handler(Watch::open())
}

#[actix::test]
async fn a_start_without_a_storage_or_a_handler_is_refused() {
    let error = refusal(EverTask::builder().handler(Watch::open())).await;
    assert!(matches!(error, StartError::NoStorage));
    says(&error, &[".storage(…)"]);
    let error = refusal(EverTask::builder().storage(Home::memory())).await;
    assert!(matches!(error, StartError::Catalog(CatalogError::Empty)));
    says(&error, &[".handler(…)"]);
}

/// Core edge case 131, by the decision on bad settings.
#[actix::test]
async fn a_handler_that_can_not_be_registered_is_refused_by_name() {
    let error = refusal(builder().handler(Watch::open())).await;
    let duplicate = CatalogError::Duplicate("test.numbered");
    assert_eq!(error.to_string(), duplicate.to_string());
    says(&error, &["\"test.numbered\"", "exactly one"]);

    let error = refusal(builder().handler_for::<Nameless, _>(Anything)).await;
    assert!(matches!(
        error,
        StartError::Catalog(CatalogError::Name { .. })
    ));
    says(&error, &["Nameless", "must not be blank"]);

    let error = refusal(builder().handler_for::<Hasty, _>(Anything)).await;
    assert!(matches!(
        error,
        StartError::Catalog(CatalogError::Retry { .. })
    ));
    says(&error, &["\"test.hasty\"", "delay above zero"]);

    let error = refusal(builder().handler_for::<Idle, _>(Anything)).await;
    let idle = CatalogError::NoneRunning("test.idle");
    assert_eq!(error.to_string(), idle.to_string());
    says(&error, &["\"test.idle\"", "at least 1"]);

    let error = refusal(builder().handler_for::<Pushy, _>(Anything)).await;
    assert!(matches!(
        error,
        StartError::Catalog(CatalogError::Priority { .. })
    ));
    says(&error, &["\"test.pushy\"", "99", "from -10 to 10"]);
}

/// Core edge case 138, by the decision on bad settings. Negative values can't be written: counts are
/// `usize` and `u32`, times are `Duration`.
#[actix::test]
async fn a_queue_that_can_not_work_is_refused_by_name() {
    let mail = || Queue::new("mail");
    let cases: [(Queue, &[&str]); 6] = [
        (
            mail().parallelism(0),
            &["\"mail\"", "parallelism 0", "at least 1"],
        ),
        (
            mail().capacity(0),
            &["\"mail\"", "capacity 0", "at least 1"],
        ),
        (
            mail().capacity(usize::MAX),
            &["\"mail\"", "at most 1000000"],
        ),
        (mail().retry(hasty()), &["\"mail\"", "delay above zero"]),
        (Queue::new(" "), &["queue", "must not be blank"]),
        (
            Queue::new("q".repeat(201)),
            &["queue", "201 bytes", "limit is 200"],
        ),
    ];
    for (queue, words) in cases {
        let error = refusal(builder().queue(queue)).await;
        assert!(matches!(error, StartError::Queue(_)), "{error:?}");
        says(&error, words);
    }
    let error = refusal(builder().queue(mail()).queue(mail())).await;
    assert!(matches!(error, StartError::Queue(QueueError::Duplicate(_))));
    says(&error, &["\"mail\"", "twice"]);
}

#[actix::test]
async fn a_setting_of_zero_is_refused_by_name_where_it_makes_no_sense() {
    let zero = Duration::ZERO;
    let cases = [
        (builder().max_payload(0), "max_payload"),
        (builder().max_dispatches(0), "max_dispatches"),
        (builder().quarantine_after(0), "quarantine_after"),
        (builder().decode_failures(0), "decode_failures"),
        (builder().patience(zero), "patience"),
        (builder().abort_after(zero), "abort_after"),
        (builder().probation(zero), "probation"),
    ];
    for (builder, name) in cases {
        let error = refusal(builder).await;
        assert!(matches!(error, StartError::Setting { setting, .. } if setting == name));
        says(&error, &[name, "must be"]);
    }
    // Here zero has a meaning: no time to drain, no time of grace, one thread per core.
    let evertask = builder().drain(zero).grace(zero).handler_threads(0);
    evertask.start().await.unwrap().shutdown().await.unwrap();
}

#[actix::test]
async fn a_database_address_that_can_not_be_used_is_refused_with_a_remedy() {
    let urls = [
        ("tasks.db", "write sqlite://"),
        ("mysql://me:secret@host:p/tasks", "URL of MySQL"),
        ("postgres://me:secret@host:p/tasks", "URL of PostgreSQL"),
        ("redis://host", "scheme is not known"),
        ("sqlite::memory:", "in-memory storage"),
        ("sqlite://tasks.db?mode=ro", "read-only"),
        ("sqlite://", "names no file"),
    ];
    for (url, remedy) in urls {
        let error = SqlStorage::from_url(url).unwrap_err();
        assert_eq!(error.kind(), StorageErrorKind::Unusable, "{url}");
        says(&error, &[remedy]);
        assert!(!error.to_string().contains("secret"));
    }
}

/// A rollback to an older program must not touch what the newer one has changed.
#[actix::test]
async fn a_database_of_a_newer_version_is_refused() {
    use sea_orm::{ConnectionTrait, Database};
    let home = Home::sqlite();
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    home.shut_down(evertask).await;
    let path = home.directory.as_ref().unwrap().path().join("tasks.db");
    let url = format!("sqlite://{}", path.display());
    let database = Database::connect(url).await.unwrap();
    let future = "INSERT INTO evertask_migrations VALUES ('m29990101_000001_future', 0)";
    database.execute_unprepared(future).await.unwrap();
    let error = refusal(Player::idle(&diary).at(&home)).await;
    let StartError::Storage(cause) = &error else {
        panic!("another error: {error:?}");
    };
    assert_eq!(cause.kind(), StorageErrorKind::Unusable);
    says(
        &error,
        &["newer version of evertask", "another table prefix"],
    );
}

/// Core 2.1: an unknown queue is no error, its tasks run in the default one.
#[actix::test]
async fn a_task_for_an_unknown_queue_runs_in_the_default_one() {
    let home = Home::memory();
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    let task = evertask.dispatch(Numbered(0)).queue("nobody's");
    let id = task.await.unwrap().id;
    diary.says("completed 0").await;
    home.shut_down(evertask).await;
    assert_eq!(home.row(id).await.definition.queue, "default");
}
