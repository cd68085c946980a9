//! Many tasks in one call and one commit (issue 4, build 6).

use std::time::Duration;

use evertask::storage::Write;
use evertask::{
    BatchError, Dispatch, DispatchAll, DispatchError, DispatchOutcome, KeptReason, Queue, Status,
    TaskId, WhenFull,
};

use crate::one_shot::home::{Home, becomes};
use crate::one_shot::player::{Diary, Player};
use crate::one_shot::row::id_of;
use crate::one_shot::session::Fault;
use crate::stage::Numbered;

on_every_storage_and_server! {
    thousands_of_tasks_are_one_commit_and_each_is_answered,
    one_that_can_not_be_stored_is_in_nobodys_way,
    a_batch_comes_to_terms_with_the_holders_of_its_keys,
    what_the_storage_refuses_of_a_batch_keeps_nobody_else_out,
    a_lost_answer_doubles_nothing_of_a_batch,
    a_batch_that_is_stored_whole_runs_whole,
    a_batch_is_stored_whole_or_not_at_all,
    what_is_wrong_with_one_task_keeps_a_whole_batch_out,
    a_whole_batch_that_is_repeated_is_stored_once,
    a_batch_never_waits_for_a_place,
}

/// How many inserts of single tasks were committed.
fn inserts(home: &Home) -> usize {
    let committed = home.committed();
    let inserts = committed
        .iter()
        .filter(|(write, _)| matches!(write, Write::Insert(_)));
    inserts.count()
}

fn is_insert(write: &Write) -> bool {
    matches!(write, Write::Insert(_) | Write::InsertAll(_))
}

fn numbered(numbers: impl IntoIterator<Item = u32>) -> Vec<Dispatch> {
    let numbers = numbers.into_iter();
    numbers
        .map(|number| Dispatch::new(Numbered(number)).id(id_of(number)))
        .collect()
}

async fn thousands_of_tasks_are_one_commit_and_each_is_answered(home: Home) {
    const TASKS: u32 = 3_000;
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    let answers = evertask.dispatch_all((0..TASKS).map(Numbered)).await;
    let ids: Vec<TaskId> = answers
        .unwrap()
        .into_iter()
        .map(|answer| answer.unwrap().id)
        .collect();
    assert_eq!(inserts(&home), TASKS as usize);
    assert_eq!(home.groups_with(is_insert), 1);
    home.commits(TASKS as usize, becomes(Status::Completed))
        .await;
    for number in [0, 1, TASKS - 1] {
        let row = home.row(ids[number as usize]).await;
        assert_eq!(row.definition.payload, number.to_string());
    }
    assert!(
        evertask
            .dispatch_all([0; 0].map(Numbered))
            .await
            .unwrap()
            .is_empty()
    );
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle"), TASKS as usize);
}

async fn one_that_can_not_be_stored_is_in_nobodys_way(home: Home) {
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    evertask.dispatch(Numbered(9)).id(id_of(1)).await.unwrap();
    let mut batch = numbered(0..3);
    batch.push(Dispatch::new(Numbered(3)).tag("t".repeat(201)));
    batch.extend(numbered([4]));
    let answers = evertask.dispatch_all(batch).await.unwrap();
    let errors: Vec<_> = answers
        .iter()
        .map(Result::as_ref)
        .map(Result::err)
        .collect();
    assert!(matches!(
        errors[..],
        [
            None,
            Some(DispatchError::IdTaken { .. }),
            None,
            Some(DispatchError::OptionTooLong { .. }),
            None
        ]
    ));
    for number in [0, 2, 4] {
        diary.says(&format!("completed {number}")).await;
    }
    let too_many = numbered(0..=u32::try_from(DispatchAll::MAX_TASKS).unwrap());
    let refused = evertask.dispatch_all(too_many).await.unwrap_err();
    assert!(matches!(refused, DispatchError::BatchTooLarge { .. }));
    home.shut_down(evertask).await;
}

async fn a_batch_comes_to_terms_with_the_holders_of_its_keys(home: Home) {
    const HOUR: Duration = Duration::from_hours(1);
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    let holder = evertask.dispatch(Numbered(9)).key("a").after(HOUR);
    let holder = holder.await.unwrap().id;
    let later = |number| Dispatch::new(Numbered(number)).after(HOUR);
    let batch = [later(1).key("a"), later(2).key("b"), later(3).key("b")];
    let answers = evertask.dispatch_all(batch).await.unwrap();
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    let outcomes: Vec<_> = answers.iter().map(|answer| answer.outcome).collect();
    let (created, updated) = (DispatchOutcome::Created, DispatchOutcome::Updated);
    assert_eq!(outcomes, [updated, created, updated]);
    assert_eq!(answers[0].id, holder);
    assert_eq!(answers[1].id, answers[2].id);
    assert_eq!(home.row(holder).await.definition.payload, "1");
    assert_eq!(home.row(answers[1].id).await.definition.payload, "3");
    home.shut_down(evertask).await;
}

async fn what_the_storage_refuses_of_a_batch_keeps_nobody_else_out(home: Home) {
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    // It refuses every group that holds the one task, whoever else is in it.
    home.fail(
        usize::MAX,
        Fault::Rejected,
        |write| matches!(write, Write::Insert(new) if new.record.id() == id_of(1)),
    );
    let answers = evertask.dispatch_all(numbered(0..3)).await.unwrap();
    assert!(matches!(
        answers[..],
        [Ok(_), Err(DispatchError::Storage { .. }), Ok(_)]
    ));
    home.recover();
    diary.says("completed 0").await;
    diary.says("completed 2").await;
    home.shut_down(evertask).await;
    assert_eq!(home.find(id_of(1)).await, None);
}

async fn a_lost_answer_doubles_nothing_of_a_batch(home: Home) {
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    for (round, fault) in [Fault::LostAfterCommit, Fault::LostBeforeCommit]
        .into_iter()
        .enumerate()
    {
        let first = 10 * u32::try_from(round).unwrap();
        home.fail(1, fault, is_insert);
        let answers = evertask.dispatch_all(numbered(first..first + 3)).await;
        assert!(answers.unwrap().iter().all(Result::is_ok));
        home.fail(1, fault, is_insert);
        let whole = numbered(first + 3..first + 6);
        evertask.dispatch_all_or_nothing(whole).await.unwrap();
    }
    home.commits(12, becomes(Status::Completed)).await;
    assert_eq!(home.faults_left(), 0);
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle"), 12);
}

async fn a_batch_that_is_stored_whole_runs_whole(home: Home) {
    const TASKS: u32 = 200;
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    let mut events = evertask.events();
    let stored = evertask.dispatch_all_or_nothing((0..TASKS).map(Numbered));
    let stored = stored.await.unwrap();
    assert!(stored.iter().all(evertask::Dispatched::is_new));
    crate::stage::over(&mut events, TASKS as usize).await;
    let none = evertask.dispatch_all_or_nothing([0; 0].map(Numbered));
    assert_eq!(none.await.unwrap(), []);
    home.shut_down(evertask).await;
    assert_eq!(home.groups_with(is_insert), 1);
    assert_eq!(diary.count("handle"), TASKS as usize);
}

async fn a_batch_is_stored_whole_or_not_at_all(home: Home) {
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    let holder = evertask
        .dispatch(Numbered(9))
        .key("a")
        .after(Duration::from_hours(1));
    let holder = holder.await.unwrap().id;
    evertask.dispatch(Numbered(9)).id(id_of(1)).await.unwrap();
    let mut batch = numbered(0..3);
    batch.push(Dispatch::new(Numbered(3)).key("a"));
    let refused = evertask.dispatch_all_or_nothing(batch).await.unwrap_err();
    let BatchError::Refused { refused } = refused else {
        panic!("{refused}");
    };
    let places: Vec<_> = refused.iter().map(|(place, _)| *place).collect();
    assert_eq!(places, [1, 3]);
    assert!(matches!(refused[0].1, DispatchError::IdTaken { .. }));
    let DispatchError::KeyHeld { id, key } = &refused[1].1 else {
        panic!("{refused:?}");
    };
    assert_eq!((*id, key.as_str()), (holder, "a"));
    // What was taken for it is given back: the queue goes on.
    evertask.dispatch(Numbered(8)).await.unwrap();
    diary.says("completed 8").await;
    home.shut_down(evertask).await;
    for number in [0, 2] {
        assert_eq!(home.find(id_of(number)).await, None);
    }
    assert_eq!(home.row(holder).await.definition.payload, "9");
    assert_eq!(diary.count("handle 0") + diary.count("handle 2"), 0);
}

async fn what_is_wrong_with_one_task_keeps_a_whole_batch_out(home: Home) {
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    let mut batch = numbered(0..2);
    batch.push(Dispatch::new(Numbered(2)).tag("t".repeat(201)));
    let refused = evertask.dispatch_all_or_nothing(batch).await.unwrap_err();
    let BatchError::Refused { refused } = refused else {
        panic!("{refused}");
    };
    let [(2, DispatchError::OptionTooLong { .. })] = refused[..] else {
        panic!("{refused:?}");
    };
    evertask.dispatch(Numbered(8)).await.unwrap();
    diary.says("completed 8").await;
    home.shut_down(evertask).await;
    assert_eq!(home.find(id_of(0)).await, None);
}

async fn a_whole_batch_that_is_repeated_is_stored_once(home: Home) {
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    let batch = || evertask.dispatch_all_or_nothing(numbered(0..3));
    batch().await.unwrap();
    home.commits(3, becomes(Status::Completed)).await;
    let again = batch().await.unwrap();
    let kept = DispatchOutcome::Existing(KeptReason::SameId);
    assert!(again.iter().all(|answer| answer.outcome == kept));
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle"), 3);
}

async fn a_batch_never_waits_for_a_place(home: Home) {
    let diary = Diary::default();
    let queue = |name, when_full| {
        Queue::new(name)
            .parallelism(1)
            .capacity(1)
            .when_full(when_full)
    };
    let evertask = Player::cooperative(&diary)
        .at(&home)
        .queue(queue("waits", WhenFull::Wait))
        .queue(queue("rejects", WhenFull::Reject))
        .drain(Duration::ZERO)
        .start()
        .await
        .unwrap();
    let batch =
        |name: &'static str| (0..9).map(move |number| Dispatch::new(Numbered(number)).queue(name));
    let answers = evertask.dispatch_all(batch("waits")).await.unwrap();
    assert!(answers.iter().all(Result::is_ok));
    let answers = evertask.dispatch_all(batch("rejects")).await.unwrap();
    let is_full = |answer: &&Result<_, _>| matches!(answer, Err(DispatchError::QueueFull { .. }));
    assert!(answers.iter().filter(is_full).count() >= 7, "{answers:?}");
    home.shut_down(evertask).await;
}
