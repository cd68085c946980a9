//! What handlers share, keep and dispatch.

use std::sync::Arc;
use std::time::Duration;

use evertask::{
    Failure, Queue, RetryPolicy, Status, Task, TaskContext, TaskError, TaskEventKind, TaskHandler,
    TaskId, TaskResult,
};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::shelf::Shelf;
use crate::stage::{Numbered, Watch, event, over, soon, task};

on_each_storage!(
    one_value_handles_two_kinds_of_tasks,
    what_a_delivery_puts_is_found_by_its_hooks_and_by_no_other,
    a_task_dispatched_from_a_handler_or_a_hook_knows_its_parent,
    a_handler_that_dispatches_into_its_own_full_queue_is_not_blocked,
);

#[derive(Debug, Serialize, Deserialize)]
struct Welcome(u32);

impl Task for Welcome {
    const NAME: &'static str = "test.welcome";
}

#[derive(Debug, Serialize, Deserialize)]
struct Goodbye(u32);

impl Task for Goodbye {
    const NAME: &'static str = "test.goodbye";
}

/// Notes what it does.
#[derive(Clone, Debug, Default)]
struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn note(&self, text: impl Into<String>) {
        self.0.lock().push(text.into());
    }

    fn read(&self) -> Vec<String> {
        self.0.lock().clone()
    }
}

struct Mailer(Diary);

impl TaskHandler<Welcome> for Mailer {
    async fn handle(&self, task: &Welcome, _: &TaskContext) -> TaskResult {
        self.0.note(format!("welcome {}", task.0));
        Ok(())
    }
}

impl TaskHandler<Goodbye> for Mailer {
    async fn handle(&self, task: &Goodbye, _: &TaskContext) -> TaskResult {
        self.0.note(format!("goodbye {}", task.0));
        Ok(())
    }
}

fn one_by_one(shelf: &Shelf) -> evertask::Builder {
    shelf.queues([Queue::new(Queue::DEFAULT).parallelism(1)])
}

/// Decision "handler instance": "one shared immutable handler value".
async fn one_value_handles_two_kinds_of_tasks(shelf: Shelf) {
    let diary = Diary::default();
    let mailer = Arc::new(Mailer(diary.clone()));
    let evertask = one_by_one(&shelf)
        .handler_for::<Welcome, _>(Arc::clone(&mailer))
        .handler_for::<Goodbye, _>(mailer)
        .start()
        .await
        .unwrap();
    let mut events = evertask.events();
    evertask.dispatch(Welcome(1)).await.unwrap();
    evertask.dispatch(Goodbye(2)).await.unwrap();
    over(&mut events, 2).await;
    soon(evertask.shutdown()).await.unwrap();
    assert_eq!(diary.read(), ["welcome 1", "goodbye 2"]);
}

/// Puts what it does where its hooks find it; fails in its first attempt.
struct Keeper(Diary);

#[derive(Debug)]
struct Steps(Vec<String>);

impl Keeper {
    fn step(context: &TaskContext, step: &str) {
        let mut steps = context
            .get::<Steps>()
            .map_or(Vec::new(), |steps| steps.0.clone());
        steps.push(format!("{step} {}", context.attempt()));
        context.put(Steps(steps));
    }
}

impl TaskHandler<Welcome> for Keeper {
    async fn on_started(&self, _: &Welcome, context: &TaskContext) -> TaskResult {
        Self::step(context, "on_started");
        Ok(())
    }

    async fn handle(&self, _: &Welcome, context: &TaskContext) -> TaskResult {
        Self::step(context, "handle");
        if context.attempt() == 1 {
            return Err(TaskError::other("once"));
        }
        Ok(())
    }

    async fn on_retry(
        &self,
        _: &Welcome,
        context: &TaskContext,
        _: &Failure,
        _: Duration,
    ) -> TaskResult {
        Self::step(context, "on_retry");
        Ok(())
    }

    async fn on_completed(&self, _: &Welcome, context: &TaskContext) -> TaskResult {
        Self::step(context, "on_completed");
        let steps = context.get::<Steps>().unwrap();
        self.0.note(steps.0.join(", "));
        Ok(())
    }
}

/// Decision "handler instance": "typed per-delivery state from `handle` to the hooks".
async fn what_a_delivery_puts_is_found_by_its_hooks_and_by_no_other(shelf: Shelf) {
    let diary = Diary::default();
    let builder = shelf.queues([Queue::new(Queue::DEFAULT).parallelism(4)]);
    let evertask = builder
        .handler(Keeper(diary.clone()))
        .start()
        .await
        .unwrap();
    let mut events = evertask.events();
    let retry = RetryPolicy::Linear {
        retries: 1,
        delay: Duration::from_millis(1),
    };
    for number in 0..20 {
        let dispatch = evertask.dispatch(Welcome(number));
        dispatch.retry(retry.clone()).await.unwrap();
    }
    over(&mut events, 20).await;
    // The last hooks are over too.
    soon(evertask.shutdown()).await.unwrap();
    let own = "on_started 1, handle 1, on_retry 2, handle 2, on_completed 2";
    assert_eq!(diary.read(), [own; 20]);
}

/// Dispatches a farewell from its body and from its last hook.
struct Host;

impl TaskHandler<Welcome> for Host {
    async fn handle(&self, task: &Welcome, context: &TaskContext) -> TaskResult {
        context.client().dispatch(Goodbye(task.0)).await?;
        Ok(())
    }

    async fn on_completed(&self, task: &Welcome, context: &TaskContext) -> TaskResult {
        context.client().dispatch(Goodbye(task.0 + 1)).await?;
        Ok(())
    }
}

async fn a_task_dispatched_from_a_handler_or_a_hook_knows_its_parent(shelf: Shelf) {
    let diary = Diary::default();
    let evertask = shelf
        .queues([])
        .handler(Host)
        .handler_for::<Goodbye, _>(Mailer(diary.clone()))
        .start()
        .await
        .unwrap();
    let mut events = evertask.events();
    let parent = evertask.dispatch(Welcome(1)).await.unwrap().id;
    let mut ids: Vec<TaskId> = Vec::new();
    while ids.len() < 3 {
        let event = event(&mut events, |event| event.kind == TaskEventKind::Completed).await;
        ids.push(event.id);
    }
    for id in ids {
        let definition = task(&evertask, id).await.record.definition;
        let expected = (id != parent).then_some(parent);
        assert_eq!(definition.parent_id, expected, "{definition:?}");
    }
    soon(evertask.shutdown()).await.unwrap();
    let mut goodbyes = diary.read();
    goodbyes.sort_unstable();
    assert_eq!(goodbyes, ["goodbye 1", "goodbye 2"]);
}

/// Dispatches many, into its own queue.
struct Breeder;

impl TaskHandler<Welcome> for Breeder {
    async fn handle(&self, task: &Welcome, context: &TaskContext) -> TaskResult {
        for number in 0..task.0 {
            context.client().dispatch(Numbered(number)).await?;
        }
        Ok(())
    }
}

/// Architecture rule 1: "a full queue of handlers that dispatch would wait for itself".
async fn a_handler_that_dispatches_into_its_own_full_queue_is_not_blocked(shelf: Shelf) {
    let watch = Watch::open();
    let evertask = shelf
        .queues([Queue::new(Queue::DEFAULT).parallelism(1).capacity(1)])
        .handler(Breeder)
        .handler(watch.clone())
        .start()
        .await
        .unwrap();
    let mut events = evertask.events();
    let parent = evertask.dispatch(Welcome(10)).await.unwrap().id;
    over(&mut events, 11).await;
    assert_eq!(
        task(&evertask, parent).await.record.state.status,
        Status::Completed
    );
    soon(evertask.shutdown()).await.unwrap();
    assert_eq!(watch.order(), (0..10).collect::<Vec<_>>());
}
