//! What is decided about queues, for all processes and for the time after a restart.

use uuid::Uuid;

use super::World;
use super::process::Process;
use super::sample::{HOSTILE, at, new_task, task};
use crate::storage::query::PageLimit;
use crate::storage::{
    Answer, ChangeQueue, ChangeQueueAnswer, QueueChange, QueueChangeId, QueueChangeRecord,
    QueueSettings, Write,
};

use QueueChange::{Pause, Resume, SetParallelism};

/// A change of the queue of that name; changes of one number are one change.
fn change(number: u128, queue: &str, change: QueueChange) -> ChangeQueue {
    let seconds = i64::try_from(number).unwrap();
    ChangeQueue {
        id: QueueChangeId(Uuid::from_u128(number)),
        queue: queue.to_owned(),
        change,
        at: at(seconds),
        actor: Some(format!("actor {number}: {HOSTILE}")),
        reason: Some(format!("reason {number}: {HOSTILE}")),
    }
}

/// The settings after a change that was the `version`th of its queue.
fn settings(
    last: &ChangeQueue,
    version: i64,
    is_paused: bool,
    parallelism: Option<u32>,
) -> QueueSettings {
    QueueSettings {
        queue: last.queue.clone(),
        is_paused,
        parallelism,
        version,
        changed_at: last.at,
        actor: last.actor.clone(),
        reason: last.reason.clone(),
    }
}

impl Process<'_> {
    async fn change_queue(&self, change: &ChangeQueue) -> ChangeQueueAnswer {
        let answers = self.apply(vec![Write::ChangeQueue(change.clone())]).await;
        let Answer::ChangeQueue(answer) = &answers[0] else {
            panic!("a change of a queue was answered with {:?}", answers[0]);
        };
        answer.clone()
    }

    async fn queue_settings(&self) -> Vec<QueueSettings> {
        let storage = self.storage();
        storage.queries().queue_settings().await.unwrap()
    }

    async fn queue_changes(
        &self,
        queue: &str,
        before: Option<i64>,
        limit: u32,
    ) -> Vec<QueueChangeRecord> {
        let (storage, limit) = (self.storage(), PageLimit::new(limit).unwrap());
        let changes = storage.queries().queue_changes(queue, before, limit).await;
        changes.unwrap()
    }
}

pub async fn a_queue_of_which_nothing_was_decided_has_no_settings(world: &dyn World) {
    let process = Process::start(world).await;
    assert_eq!(process.queue_settings().await, []);
    assert_eq!(process.queue_changes("mail", None, 9).await, []);
    for (number, nothing) in [(1, Resume), (2, SetParallelism(None))] {
        let answer = process.change_queue(&change(number, "mail", nothing)).await;
        assert_eq!(answer, ChangeQueueAnswer::Unchanged(None));
    }
    assert_eq!(process.queue_settings().await, []);
    assert_eq!(process.queue_changes("mail", None, 9).await, []);
}

pub async fn a_change_is_read_back_with_who_and_why(world: &dyn World) {
    let process = Process::start(world).await;
    let pause = change(1, "mail", Pause);
    let paused = settings(&pause, 1, true, None);
    let answer = process.change_queue(&pause).await;
    assert_eq!(answer, ChangeQueueAnswer::Changed(paused.clone()));
    assert_eq!(process.queue_settings().await, [paused]);
    let mut limit = change(2, "mail", SetParallelism(Some(u32::MAX)));
    (limit.actor, limit.reason) = (None, None);
    let limited = settings(&limit, 2, true, Some(u32::MAX));
    let answer = process.change_queue(&limit).await;
    assert_eq!(answer, ChangeQueueAnswer::Changed(limited.clone()));
    assert_eq!(process.queue_settings().await, [limited]);
    let resume = change(3, "mail", Resume);
    process.change_queue(&resume).await;
    let unlimit = change(4, "mail", SetParallelism(None));
    process.change_queue(&unlimit).await;
    let untouched = settings(&unlimit, 4, false, None);
    assert_eq!(process.queue_settings().await, [untouched]);
    let made = [(4, &unlimit), (3, &resume), (2, &limit), (1, &pause)];
    let made = made.map(|(version, change)| change.record(version));
    assert_eq!(process.queue_changes("mail", None, 9).await, made);
}

pub async fn what_is_so_already_is_not_written(world: &dyn World) {
    let process = Process::start(world).await;
    let pause = change(1, "mail", Pause);
    process.change_queue(&pause).await;
    let paused = settings(&pause, 1, true, None);
    let answer = process.change_queue(&change(2, "mail", Pause)).await;
    let unchanged = ChangeQueueAnswer::Unchanged(Some(paused.clone()));
    assert_eq!(answer, unchanged);
    assert_eq!(process.queue_settings().await, [paused]);
    assert_eq!(
        process.queue_changes("mail", None, 9).await,
        [pause.record(1)]
    );
}

/// A change whose answer was lost is written again; by then somebody may have decided otherwise.
pub async fn a_change_written_again_is_made_once(world: &dyn World) {
    let process = Process::start(world).await;
    let pause = change(1, "mail", Pause);
    let resume = change(2, "mail", Resume);
    process.change_queue(&pause).await;
    process.change_queue(&resume).await;
    let resumed = settings(&resume, 2, false, None);
    let answer = process.change_queue(&pause).await;
    assert_eq!(answer, ChangeQueueAnswer::Changed(resumed.clone()));
    assert_eq!(process.queue_settings().await, [resumed]);
    let made = [resume.record(2), pause.record(1)];
    assert_eq!(process.queue_changes("mail", None, 9).await, made);
}

pub async fn queues_are_told_apart_exactly(world: &dyn World) {
    let process = Process::start(world).await;
    let mut names = ["mail", "Mail", "mail ", " mail", "m\u{e4}il", HOSTILE];
    let mut expected = Vec::new();
    for (number, name) in (1..).zip(names) {
        let pause = change(number, name, Pause);
        process.change_queue(&pause).await;
        expected.push(settings(&pause, 1, true, None));
        assert_eq!(
            process.queue_changes(name, None, 9).await,
            [pause.record(1)]
        );
    }
    names.sort_unstable();
    expected.sort_by(|left, right| left.queue.cmp(&right.queue));
    let read = process.queue_settings().await;
    let order: Vec<_> = read.iter().map(|of| of.queue.as_str()).collect();
    assert_eq!(order, names);
    assert_eq!(read, expected);
}

pub async fn changes_are_read_page_by_page_latest_first(world: &dyn World) {
    let process = Process::start(world).await;
    for number in 1..=5 {
        let parallelism = SetParallelism(u32::try_from(number).ok());
        let of_mail = change(number, "mail", parallelism);
        process.change_queue(&of_mail).await;
        let of_another = change(100 + number, "report", parallelism);
        process.change_queue(&of_another).await;
    }
    let versions = |changes: Vec<QueueChangeRecord>| -> Vec<i64> {
        assert!(changes.iter().all(|change| change.queue == "mail"));
        changes.iter().map(|change| change.version).collect()
    };
    let first = process.queue_changes("mail", None, 2).await;
    assert_eq!(versions(first), [5, 4]);
    let second = process.queue_changes("mail", Some(4), 2).await;
    assert_eq!(versions(second), [3, 2]);
    let last = process.queue_changes("mail", Some(2), 2).await;
    assert_eq!(versions(last), [1]);
    assert_eq!(process.queue_changes("mail", Some(1), 2).await, []);
}

/// Several changes of a group are made in their order, and answered in it.
pub async fn changes_of_a_group_follow_each_other(world: &dyn World) {
    let process = Process::start(world).await;
    let changes = [
        change(1, "mail", Pause),
        change(2, "default", SetParallelism(Some(3))),
        change(3, "mail", Resume),
    ];
    let writes = changes.iter().cloned().map(Write::ChangeQueue).collect();
    let answers = process.apply(writes).await;
    let expected = [
        settings(&changes[0], 1, true, None),
        settings(&changes[1], 1, false, Some(3)),
        settings(&changes[2], 2, false, None),
    ];
    for (answer, expected) in answers.iter().zip(&expected) {
        let Answer::ChangeQueue(ChangeQueueAnswer::Changed(settings)) = answer else {
            panic!("{answer:?}");
        };
        assert_eq!(settings, expected);
    }
    let [_, default, mail] = expected;
    assert_eq!(process.queue_settings().await, [default, mail]);
}

pub async fn a_rejected_group_changes_no_queue(world: &dyn World) {
    let process = Process::start(world).await;
    let mut first = task(1);
    first.definition.series_id = Some(first.definition.id);
    first.definition.occurrence_at = Some(at(1));
    let mut second = first.clone();
    second.definition.id = super::sample::id(2);
    let writes = vec![
        Write::ChangeQueue(change(1, "mail", Pause)),
        new_task(&first),
        new_task(&second),
    ];
    process.try_apply(writes).await.unwrap_err();
    assert_eq!(process.queue_settings().await, []);
    assert_eq!(process.queue_changes("mail", None, 9).await, []);
}

pub async fn decisions_are_everybodys_and_outlive_their_process(world: &dyn World) {
    let first = Process::start(world).await;
    let second = Process::start(world).await;
    let pause = change(1, "mail", Pause);
    first.change_queue(&pause).await;
    let paused = settings(&pause, 1, true, None);
    assert_eq!(second.queue_settings().await, [paused]);
    first.crash().await;
    second.stop().await;
    let third = Process::start(world).await;
    let limit = change(2, "mail", SetParallelism(Some(2)));
    let answer = third.change_queue(&limit).await;
    let limited = settings(&limit, 2, true, Some(2));
    assert_eq!(answer, ChangeQueueAnswer::Changed(limited));
    assert_eq!(third.queue_changes("mail", None, 9).await.len(), 2);
}

pub async fn of_two_processes_that_change_a_queue_at_once_both_are_heard(world: &dyn World) {
    let first = Process::start(world).await;
    let second = Process::start(world).await;
    for round in 0..10 {
        let queue = format!("queue {round}");
        let pause = change(round * 2 + 1, &queue, Pause);
        let limit = change(round * 2 + 2, &queue, SetParallelism(Some(7)));
        futures::join!(first.change_queue(&pause), second.change_queue(&limit));
        let read = first.queue_settings().await;
        let of_it = read.iter().find(|of| of.queue == queue).unwrap();
        assert_eq!((of_it.is_paused, of_it.parallelism), (true, Some(7)));
        assert_eq!(of_it.version, 2);
    }
}
