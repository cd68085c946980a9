//! Tasks that somebody deletes.

use std::time::Duration;

use evertask::{ManageOutcome, ManageTask, Refusal, Status, TaskEventKind};

use super::home::{Home, becomes};
use super::player::{Diary, Player};
use super::row::id_of;
use crate::stage::{Numbered, soon};

on_every_storage_and_server! {
    a_deleted_task_is_gone_and_who_deleted_it_is_known,
    what_is_not_over_is_not_deleted,
}

const HOUR: Duration = Duration::from_hours(1);

async fn a_deleted_task_is_gone_and_who_deleted_it_is_known(home: Home) {
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    let mut events = evertask.events();
    let id = evertask.dispatch(Numbered(1)).key("k").key_for(HOUR);
    let id = id.await.unwrap().id;
    home.commits(1, becomes(Status::Completed)).await;
    let delete = ManageTask::delete(id).by("ada").because("private");
    let deleted = evertask.manage(delete).await.unwrap();
    assert_eq!(deleted, ManageOutcome::Done);
    while soon(events.next()).await.unwrap().kind != TaskEventKind::Deleted {}
    assert!(evertask.task(id).await.unwrap().is_none());
    let deletion = evertask.deletion(id).await.unwrap().unwrap();
    assert_eq!((deletion.id, deletion.status), (id, Status::Completed));
    assert_eq!(deletion.task, "test.numbered");
    assert_eq!(deletion.actor, "ada");
    assert_eq!(deletion.reason.as_deref(), Some("private"));
    let again = evertask.delete(id).await.unwrap();
    assert_eq!(again, ManageOutcome::Unknown);
    // Its key is free.
    evertask.dispatch(Numbered(2)).key("k").await.unwrap();
    diary.says("completed 2").await;
    home.shut_down(evertask).await;
}

async fn what_is_not_over_is_not_deleted(home: Home) {
    let diary = Diary::default();
    let player = Player::cooperative(&diary).at(&home);
    let evertask = player.drain(Duration::ZERO).start().await.unwrap();
    let running = evertask.dispatch(Numbered(1)).await.unwrap().id;
    home.commits(1, becomes(Status::InProgress)).await;
    let waiting = evertask.dispatch(Numbered(2)).after(HOUR).await.unwrap().id;
    for (id, status) in [
        (running, Status::InProgress),
        (waiting, Status::WaitingQueue),
    ] {
        let refused = ManageOutcome::Refused(Refusal::NotOver(status));
        assert_eq!(evertask.delete(id).await.unwrap(), refused);
        assert_eq!(evertask.deletion(id).await.unwrap(), None);
    }
    let unknown = evertask.delete(id_of(77)).await.unwrap();
    assert_eq!(unknown, ManageOutcome::Unknown);
    home.shut_down(evertask).await;
}
