//! The actor way: every request as a message to the supervisor.

use std::time::Duration;

use actix::{Actor, Addr, Context, Handler};
use evertask::{
    Cancel, CancelOutcome, Dispatch, DispatchError, GetTask, RuntimeFault, Shutdown, Status,
    Subscribe, Supervisor, TaskEvent, TaskEventKind, TaskId,
};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use uuid::Uuid;

use super::shelf::Shelf;
use crate::stage::{Numbered, Watch, soon};

on_each_storage!(everything_can_be_asked_of_the_supervisor);

struct Listener(UnboundedSender<TaskEvent>);

impl Actor for Listener {
    type Context = Context<Self>;
}

impl Handler<TaskEvent> for Listener {
    type Result = ();

    fn handle(&mut self, event: TaskEvent, _: &mut Self::Context) {
        self.0.send(event).ok();
    }
}

async fn everything_can_be_asked_of_the_supervisor(shelf: Shelf) {
    let watch = Watch::held();
    let evertask = shelf.runtime(&watch).start().await.unwrap();
    let supervisor: Addr<Supervisor> = evertask.supervisor().clone();
    let (seen, mut told) = unbounded_channel();
    let listener = Listener(seen).start().recipient();
    supervisor.send(Subscribe::to(listener)).await.unwrap();

    let running = supervisor
        .send(Dispatch::new(Numbered(1)))
        .await
        .unwrap()
        .unwrap();
    let later = Dispatch::new(Numbered(2)).after(Duration::from_hours(1));
    let parked = supervisor.send(later).await.unwrap().unwrap().id;
    while soon(told.recv()).await.unwrap().kind != TaskEventKind::Started {}

    let cancel = Cancel::new(parked).by("ada").because("not needed");
    let cancelled = supervisor.send(cancel).await.unwrap().unwrap();
    assert_eq!(cancelled, CancelOutcome::Cancelled);
    let again = supervisor.send(Cancel::new(parked)).await.unwrap().unwrap();
    assert_eq!(again, CancelOutcome::AlreadyOver(Status::Cancelled));
    let unknown = Cancel::new(TaskId(Uuid::nil()));
    let unknown = supervisor.send(unknown).await.unwrap().unwrap();
    assert_eq!(unknown, CancelOutcome::Unknown);

    let view = supervisor
        .send(GetTask(parked))
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(view.record.state.status, Status::Cancelled);
    let nothing = supervisor.send(GetTask(TaskId(Uuid::nil()))).await.unwrap();
    assert_eq!(nothing.unwrap(), None);

    let cancelled = supervisor
        .send(Cancel::new(running))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(cancelled, CancelOutcome::CancelledWhileRunning);
    let refused = Dispatch::new(Numbered(3)).tag("x".repeat(1_000));
    let refused = supervisor.send(refused).await.unwrap().unwrap_err();
    assert!(matches!(refused, DispatchError::OptionTooLong { .. }));

    let (report, same) = tokio::join!(supervisor.send(Shutdown), supervisor.send(Shutdown));
    let report = report.unwrap();
    assert_eq!(report, same.unwrap());
    assert_eq!(report.aborted, 0);
    let refused = supervisor.send(Dispatch::new(Numbered(4))).await.unwrap();
    assert!(matches!(refused, Err(DispatchError::ShuttingDown)));
    let stopped: Result<(), RuntimeFault> = evertask.stopped().await;
    stopped.unwrap();
    assert_eq!(watch.order(), [1]);
}
