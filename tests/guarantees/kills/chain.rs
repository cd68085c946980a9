//! A chain of tasks, each dispatched by the one before, whose process is killed again and again.

use std::sync::atomic::{AtomicU32, Ordering};

use evertask::{
    EventStream, EverTask, Status, Task, TaskContext, TaskEventKind, TaskHandler, TaskId,
    TaskResult,
};
use evertask_entities::task;
use serde::{Deserialize, Serialize};

use super::child::{Orders, Voice, assignment};
use super::database::{rows, status};
use super::report::{Assignment, Order, What};
use super::scene::Scene;
use crate::dice::Dice;

/// The path of the entry test.
const ENTRY: &str = "kills::chain::a_child_with_a_chain";

const LINKS: u32 = 100;
const KILLS: u32 = 12;

/// How many links a child that is to be killed runs at most, so that no kill comes after the end.
const LINKS_OF_A_CHILD: u32 = 8;

#[derive(Debug, Deserialize, Serialize)]
struct Link(u32);

impl Task for Link {
    const NAME: &'static str = "test.link";
}

struct Smith {
    voice: Voice,
    entered: AtomicU32,
    limit: u32,
}

impl TaskHandler<Link> for Smith {
    async fn handle(&self, task: &Link, context: &TaskContext) -> TaskResult {
        self.voice.say(What::InProgress(context.id()));
        if self.entered.fetch_add(1, Ordering::Relaxed) >= self.limit {
            return std::future::pending().await;
        }
        if task.0 + 1 < LINKS {
            context.then(Link(task.0 + 1))?;
        }
        Ok(())
    }
}

/// Does nothing unless a test starts it as a child.
#[actix::test]
async fn a_child_with_a_chain() {
    let Some(assignment) = assignment() else {
        return;
    };
    let (voice, orders) = (assignment.voice(), Orders::listen());
    let smith = Smith {
        voice,
        entered: AtomicU32::default(),
        limit: assignment.tasks,
    };
    let evertask = EverTask::builder().storage(assignment.storage());
    let evertask = evertask.handler(smith).start().await.unwrap();
    let told = actix::spawn(tell_the_end(evertask.clone(), evertask.events(), voice));
    if assignment.number == 1 {
        evertask.dispatch(Link(0)).await.unwrap();
    }
    orders.given(Order::Stop).await;
    evertask.shutdown().await.unwrap();
    told.abort();
    voice.say(What::Closed);
}

/// Reports when the last link is over.
async fn tell_the_end(evertask: EverTask, mut events: EventStream, voice: Voice) {
    while let Some(event) = events.next().await {
        if event.kind != TaskEventKind::Completed {
            continue;
        }
        let view = evertask.task(event.id).await.unwrap().unwrap();
        if number_in(&view.record.definition.payload) + 1 == LINKS {
            voice.say(What::Over(event.id));
        }
    }
}

/// Issue 4, build 5: a task that follows another one is stored in the commit of its outcome, so at
/// every instant there is exactly one link that is not over, and it is the last.
#[actix::test]
async fn a_chain_arrives_at_exactly_one_end_whenever_the_process_dies() {
    let mut scene = Scene::new();
    let mut dice = Dice::new(100);
    for _ in 0..KILLS {
        let child = start(&mut scene, LINKS_OF_A_CHILD);
        // The second link shows that the first one of this child is over: nobody is suspected twice.
        for _ in 0..=1 + dice.throw(LINKS_OF_A_CHILD - 2) {
            scene.until(|report| matches!(report.what, What::InProgress(_)));
        }
        scene.kill(child);
        let links = links(&scene).await;
        let open: Vec<_> = links.iter().filter(|link| !is_completed(link)).collect();
        assert_eq!(open.len(), 1, "{open:?}");
        assert_eq!(open[0].id, links[links.len() - 1].id);
    }
    assert!(links(&scene).await.len() < LINKS as usize);

    let last = start(&mut scene, LINKS);
    let end = scene.until(|report| matches!(report.what, What::Over(_)));
    scene.stop(last);
    let links = links(&scene).await;
    assert_eq!(links.len(), LINKS as usize);
    assert!(links.iter().all(is_completed));
    let arrived = TaskId(links[links.len() - 1].id);
    assert_eq!(end.what, What::Over(arrived));
}

fn start(scene: &mut Scene, links: u32) -> super::journal::Child {
    let assignment = Assignment {
        tasks: links,
        ..Assignment::default()
    };
    scene.start_with(ENTRY, assignment)
}

/// Reads the links, which have to be there once each, every one dispatched by the one before.
async fn links(scene: &Scene) -> Vec<task::Model> {
    let mut links: Vec<_> = rows(&scene.database()).await.into_values().collect();
    links.sort_by_key(|link| number_in(&link.payload));
    for (number, link) in (0..).zip(&links) {
        assert_eq!(
            number_in(&link.payload),
            number,
            "a link is lost or doubled"
        );
    }
    for pair in links.windows(2) {
        assert_eq!(pair[1].parent_id, Some(pair[0].id));
    }
    links
}

fn is_completed(link: &task::Model) -> bool {
    status(link) == Status::Completed
}

fn number_in(payload: &str) -> u32 {
    payload.parse().expect("a link is its number")
}
