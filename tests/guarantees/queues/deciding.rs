//! Who decided what about a queue, and what can't be decided.

use evertask::storage::QueueChange;
use evertask::storage::query::PageLimit;
use evertask::{
    ControlQueue, Queue, QueueError, QueueEventKind, QueueOutcome, RequestError, Status,
};

use super::{FREE, Q, Scene, dispatch, queue, status};
use crate::one_shot::home::{Home, becomes};
use crate::one_shot::session::Fault;
use crate::stage::soon;

on_every_storage! {
    a_decision_is_kept_with_who_made_it_and_why,
    a_decision_whose_answer_is_lost_is_made_once,
}

async fn a_decision_is_kept_with_who_made_it_and_why(home: Home) {
    let scene = Scene::new(home);
    let evertask = scene.builder([queue()]).start().await.unwrap();
    let mut events = evertask.queue_events();
    let pause = evertask.queue(Q).pause().by("ada").because("too hot");
    assert_eq!(pause.await.unwrap(), QueueOutcome::Changed);
    let again = evertask.queue(Q).pause().by("bob").await.unwrap();
    assert_eq!(again, QueueOutcome::AlreadySo);
    let limit = ControlQueue::parallelism(Q, Some(5)).by("bob");
    let limit = soon(evertask.supervisor().send(limit)).await.unwrap();
    assert_eq!(limit.unwrap(), QueueOutcome::Changed);
    let settings = status(&evertask, Q).await.settings.unwrap();
    assert_eq!((settings.is_paused, settings.parallelism), (true, Some(5)));
    assert_eq!(settings.actor.as_deref(), Some("bob"));
    for (kind, actor, reason) in [
        (QueueEventKind::Paused, "ada", Some("too hot")),
        (QueueEventKind::ParallelismChanged(5), "bob", None),
    ] {
        let event = soon(events.next()).await.unwrap();
        assert_eq!((event.queue.as_str(), event.kind), (Q, kind));
        assert_eq!(event.actor.as_deref(), Some(actor));
        assert_eq!(event.reason.as_deref(), reason);
    }
    scene.home.shut_down(evertask).await;
    assert_eq!(soon(events.next()).await, None);
    let reader = scene.home.reader().await.queries();
    let changes = reader.queue_changes(Q, None, PageLimit::default()).await;
    let changes: Vec<_> = changes.unwrap().into_iter().collect();
    let made: Vec<_> = changes
        .iter()
        .map(|change| (change.change, change.actor.as_deref()))
        .collect();
    let limited = QueueChange::SetParallelism(Some(5));
    assert_eq!(
        made,
        [(limited, Some("bob")), (QueueChange::Pause, Some("ada"))]
    );
}

async fn a_decision_whose_answer_is_lost_is_made_once(home: Home) {
    let scene = Scene::new(home);
    let evertask = scene.builder([queue()]).start().await.unwrap();
    for fault in [
        Fault::Transient,
        Fault::LostAfterCommit,
        Fault::LostBeforeCommit,
    ] {
        for request in [evertask.queue(Q).pause(), evertask.queue(Q).resume()] {
            scene.home.fail(1, fault, |write| {
                matches!(write, evertask::storage::Write::ChangeQueue(_))
            });
            let outcome = soon(request.into_future()).await.unwrap();
            assert_eq!(outcome, QueueOutcome::Changed, "{fault:?}");
        }
    }
    let settings = status(&evertask, Q).await.settings.unwrap();
    assert_eq!((settings.is_paused, settings.version), (false, 6));
    dispatch(&evertask, FREE).queue(Q).await.unwrap();
    scene.home.commits(1, becomes(Status::Completed)).await;
    scene.home.shut_down(evertask).await;
}

#[actix::test]
async fn what_can_not_be_decided_is_refused_by_name() {
    let scene = Scene::new(Home::memory());
    let evertask = scene.builder([queue()]).start().await.unwrap();
    let unknown = evertask.queue("nobody's");
    for request in [unknown.pause(), unknown.resume(), unknown.drain()] {
        let error = request.await.unwrap_err();
        assert!(
            matches!(&error, RequestError::UnknownQueue { queue } if queue == "nobody's"),
            "{error:?}"
        );
    }
    assert!(unknown.status().await.is_err());
    for (handlers, words) in [(0, "at least 1"), (u32::MAX, "at most 1000000")] {
        let request = evertask.queue(Q).set_parallelism(handlers);
        let error = request.await.unwrap_err();
        let is_typed = matches!(
            error,
            RequestError::Queue(QueueError::NoParallelism(_) | QueueError::TooLarge { .. })
        );
        assert!(is_typed, "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
    }
    assert_eq!(status(&evertask, Q).await.settings, None);
    let names: Vec<_> = evertask.queues().await.unwrap();
    let names: Vec<_> = names.iter().map(|status| status.queue.as_str()).collect();
    assert_eq!(names, [Queue::DEFAULT, Q, Queue::RECURRING]);
    scene.home.shut_down(evertask).await;
}
