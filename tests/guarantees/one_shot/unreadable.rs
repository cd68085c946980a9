//! Rows that this start can't run: they wait visibly, a bounded number of times, and block nobody.

use evertask::storage::{Answer, Write};
use evertask::time::Timestamp;
use evertask::{
    EverTask, FailureKind, Phase, Provocation, Queue, Status, Target, Task, TaskContext,
    TaskHandler, TaskRecord, TaskResult, WaitReason,
};
use serde::{Deserialize, Serialize};

use super::home::{Home, becomes};
use super::player::{Diary, Player};
use super::row::{id_of, waiting};
use crate::stage::Numbered;

on_every_storage! {
    an_unreadable_payload_waits_for_four_starts_and_fails_in_the_fifth,
    a_payload_of_nothing_is_as_unreadable_as_any,
    a_crash_within_a_start_does_not_count_a_second_failure,
    a_payload_that_can_be_read_again_resets_the_count,
    a_row_that_can_not_run_is_seen_and_blocks_nobody,
    a_task_without_a_handler_waits_however_often_and_runs_when_there_is_one,
}

const T0: Timestamp = Timestamp::UNIX_EPOCH;

fn broken(number: u32, payload: &str) -> TaskRecord {
    let mut row = waiting(number, T0);
    payload.clone_into(&mut row.definition.payload);
    row
}

fn waits_for(reason: WaitReason) -> impl Fn(&Write, &Answer) -> bool {
    move |write, _| matches!(write, Write::Change(change) if change.state.wait_reason == Some(reason))
}

/// Core acceptance scenario 11, core edge cases 31 and 33.
async fn an_unreadable_payload_waits_for_four_starts_and_fails_in_the_fifth(home: Home) {
    home.seed(|_| vec![broken(0, "{\"not\": \"a number\"")])
        .await;
    let diary = Diary::default();
    let player = Player::idle(&diary);
    for start in 1..=4 {
        let evertask = player.at(&home).start().await.unwrap();
        let waits = waits_for(WaitReason::Undecodable);
        home.commits(start, waits).await;
        home.shut_down(evertask).await;
        let state = home.row(id_of(0)).await.state;
        assert_eq!(state.status, Status::WaitingQueue);
        assert_eq!(state.recovery_failures, u32::try_from(start).unwrap());
        let failure = state.failure.unwrap();
        assert_eq!(failure.kind, FailureKind::Undecodable);
    }
    let evertask = player.at(&home).start().await.unwrap();
    home.commits(1, becomes(Status::Failed)).await;
    home.shut_down(evertask).await;
    let failed = home.row(id_of(0)).await;
    assert_eq!(failed.state.status, Status::Failed);
    let failure = failed.state.failure.clone().unwrap();
    assert_eq!(failure.kind, FailureKind::Undecodable);

    let evertask = player.at(&home).start().await.unwrap();
    evertask.dispatch(Numbered(1)).await.unwrap();
    diary.says("completed 1").await;
    home.shut_down(evertask).await;
    assert_eq!(
        home.row(id_of(0)).await,
        failed,
        "a sixth start leaves it alone"
    );
    assert_eq!(diary.count("handle 0"), 0);
    assert_eq!(diary.count("error"), 0);
}

/// Core edge case 34.
async fn a_payload_of_nothing_is_as_unreadable_as_any(home: Home) {
    home.seed(|_| vec![broken(0, "null"), broken(1, "")]).await;
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    home.commits(2, waits_for(WaitReason::Undecodable)).await;
    home.shut_down(evertask).await;
    for number in 0..2 {
        let state = home.row(id_of(number)).await.state;
        assert_eq!(state.status, Status::WaitingQueue);
        assert_eq!(state.wait_reason, Some(WaitReason::Undecodable));
        assert_eq!(state.recovery_failures, 1);
    }
    assert_eq!(diary.entries(), [""; 0]);
}

/// Core edge case 30, as the decisions read it: at most one count per start.
async fn a_crash_within_a_start_does_not_count_a_second_failure(home: Home) {
    home.seed(|_| vec![broken(0, "null")]).await;
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    home.commits(1, waits_for(WaitReason::Undecodable)).await;
    for (number, target) in [
        (1, Target::Pool),
        (2, Target::Persistence),
        (3, Target::Scheduler),
    ] {
        evertask.provoke(Provocation::Actor(target, Phase::Message));
        evertask.dispatch(Numbered(number)).await.unwrap();
        diary.says(&format!("completed {number}")).await;
    }
    home.shut_down(evertask).await;
    assert_eq!(home.row(id_of(0)).await.state.recovery_failures, 1);
}

/// Core edge case 30: success resets the count. The stored payload is that of another version,
/// which one start in between can read.
async fn a_payload_that_can_be_read_again_resets_the_count(home: Home) {
    home.seed(|_| vec![broken(0, "\"seven\"")]).await;
    let diary = Diary::default();
    let player = Player::idle(&diary);
    for start in 1..=3 {
        let evertask = player.at(&home).start().await.unwrap();
        home.commits(start, waits_for(WaitReason::Undecodable))
            .await;
        home.shut_down(evertask).await;
    }
    assert_eq!(home.row(id_of(0)).await.state.recovery_failures, 3);
    let evertask = EverTask::builder()
        .storage(home.clone())
        .handler(Rollback(diary.clone()))
        .drain(std::time::Duration::ZERO)
        .start()
        .await
        .unwrap();
    diary.says("seven").await;
    home.shut_down(evertask).await;
    let state = home.row(id_of(0)).await.state;
    assert_eq!(state.status, Status::ServiceStopped);
    assert_eq!(state.recovery_failures, 0);
}

/// The numbered task as another version of the program has it: with a text.
#[derive(Serialize, Deserialize)]
struct Worded(String);

impl Task for Worded {
    const NAME: &'static str = Numbered::NAME;
}

/// Notes the text and runs until it is told to stop.
struct Rollback(Diary);

impl TaskHandler<Worded> for Rollback {
    async fn handle(&self, task: &Worded, context: &TaskContext) -> TaskResult {
        self.0.note(task.0.clone());
        context.cancelled().await;
        Err(evertask::TaskError::other("told to stop"))
    }
}

/// Core edge case 32: there is no summary that could call it a success; what could not be recovered
/// is an event, and a row that says why.
async fn a_row_that_can_not_run_is_seen_and_blocks_nobody(home: Home) {
    let mut rows: Vec<_> = (0..20).map(|number| broken(number, "null")).collect();
    for row in &mut rows[10..] {
        "test.unknown".clone_into(&mut row.definition.task);
    }
    rows.extend((20..25).map(|number| waiting(number, T0)));
    home.seed(|_| rows).await;
    let diary = Diary::default();
    // Neither window nor slots are large enough for all that can't run.
    let evertask = EverTask::builder()
        .storage(home.clone())
        .queue(Queue::new("default").parallelism(1).capacity(2))
        .handler(Player::idle(&diary));
    let evertask = evertask.start().await.unwrap();
    diary.counts(5, "completed").await;
    home.commits(10, waits_for(WaitReason::Undecodable)).await;
    home.commits(10, waits_for(WaitReason::NoHandler)).await;
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle"), 5);
    let state = home.row(id_of(10)).await.state;
    assert_eq!(state.wait_reason, Some(WaitReason::NoHandler));
    let text = state.failure.unwrap().text;
    assert!(text.contains("\"test.unknown\""), "{text}");
}

/// Core edge case 45: it is never failed for that, and its failures are not counted.
async fn a_task_without_a_handler_waits_however_often_and_runs_when_there_is_one(home: Home) {
    home.seed(|_| vec![waiting(0, T0)]).await;
    let diary = Diary::default();
    for start in 1..=7 {
        let evertask = EverTask::builder()
            .storage(home.clone())
            .handler(Other)
            .start()
            .await
            .unwrap();
        if start == 1 {
            home.commits(1, waits_for(WaitReason::NoHandler)).await;
        }
        home.shut_down(evertask).await;
        let state = home.row(id_of(0)).await.state;
        assert_eq!(state.status, Status::WaitingQueue);
        assert_eq!(state.wait_reason, Some(WaitReason::NoHandler));
        assert_eq!(state.recovery_failures, 0);
    }
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    diary.says("completed 0").await;
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle"), 1);
    let state = home.row(id_of(0)).await.state;
    assert_eq!(state.status, Status::Completed);
    assert_eq!(state.wait_reason, None);
    assert_eq!(state.failure, None);
}

#[derive(Serialize, Deserialize)]
struct Unrelated;

impl Task for Unrelated {
    const NAME: &'static str = "test.unrelated";
}

struct Other;

impl TaskHandler<Unrelated> for Other {
    async fn handle(&self, _: &Unrelated, _: &TaskContext) -> TaskResult {
        Ok(())
    }
}
