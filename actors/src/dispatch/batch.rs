//! Many dispatches in one call, stored in one commit.

use actix::Message;
use evertask_core::storage::{Answer, InsertAllAnswer, InsertAnswer, Write};
use evertask_core::task::TaskId;
use futures::future::{BoxFuture, join_all};
use thiserror::Error;

use super::admission::{AdmissionDeps, AdmittedBatch, admit_all};
use super::admitted::Admitted;
use super::answer::{DispatchOutcome, Dispatched};
use super::error::DispatchError;
use super::message::Dispatch;
use crate::persistence::{Patience, WriteError};

/// Asks for many tasks to be stored and run, in one commit: the message of
/// [`Client::dispatch_all`](crate::Client::dispatch_all).
///
/// The answers come in the order of the dispatches.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<Vec<Result<Dispatched, DispatchError>>, DispatchError>")]
pub struct DispatchAll {
    /// What is asked for, at most [`MAX_TASKS`](Self::MAX_TASKS) and [`MAX_BYTES`](Self::MAX_BYTES).
    pub dispatches: Vec<Dispatch>,
}

/// Asks for many tasks of which all are stored or none: the message of
/// [`Client::dispatch_all_or_nothing`](crate::Client::dispatch_all_or_nothing).
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<Vec<Dispatched>, BatchError>")]
pub struct DispatchAllOrNothing {
    /// What is asked for, as much as in [`DispatchAll`].
    pub dispatches: Vec<Dispatch>,
}

/// Why nothing of a batch is stored that had to be stored whole.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum BatchError {
    /// Some of its tasks can't be stored.
    #[error(
        "nothing of the batch is stored: {} of its tasks can't be, number {} because: {}",
        .refused.len(),
        .refused.first().map_or(0, |(place, _)| *place),
        .refused.first().map_or_else(String::new, |(_, error)| error.to_string())
    )]
    Refused {
        /// Which, counted from 0, and why; at least one.
        refused: Vec<(usize, DispatchError)>,
    },
    /// The batch as a whole could not be stored. Only with [`DispatchError::Unknown`], which names its
    /// first task, may it be stored all the same; then dispatch it again with the same ids.
    #[error(transparent)]
    Whole(#[from] DispatchError),
}

impl DispatchAll {
    /// How many tasks one batch has at most: they are one write, which is sent again whole when its
    /// answer is lost.
    pub const MAX_TASKS: usize = 10_000;

    /// How many bytes their payloads have at most, together.
    pub const MAX_BYTES: usize = 64 * 1024 * 1024;
}

/// Answers a message that asks for a batch. What is taken for it is taken now, in the order of the messages.
pub(crate) fn dispatch_all(
    deps: &AdmissionDeps,
    dispatches: Vec<Dispatch>,
) -> BoxFuture<'static, Result<Vec<Result<Dispatched, DispatchError>>, DispatchError>> {
    let (deps, admitted) = (deps.clone(), admit_all(deps, dispatches));
    Box::pin(async move { Ok(store_each(deps, admitted?).await) })
}

/// As [`dispatch_all`], of a batch that is stored whole or not at all.
pub(crate) fn dispatch_all_or_nothing(
    deps: &AdmissionDeps,
    dispatches: Vec<Dispatch>,
) -> BoxFuture<'static, Result<Vec<Dispatched>, BatchError>> {
    let (deps, admitted) = (deps.clone(), admit_all(deps, dispatches));
    Box::pin(async move { store_whole(deps, admitted?).await })
}

/// Stores what can be stored of a batch, in one commit.
async fn store_each(
    deps: AdmissionDeps,
    (admitted, under_way): AdmittedBatch,
) -> Vec<Result<Dispatched, DispatchError>> {
    let good = admitted
        .iter()
        .filter_map(|admitted| admitted.as_ref().ok());
    let inserts = good.map(|admitted| Write::Insert(Box::new(admitted.row().clone())));
    let inserts: Vec<_> = inserts.collect();
    let stored = if inserts.is_empty() {
        Ok(Vec::new())
    } else {
        let patience = Patience::For(deps.patience);
        deps.persistence.apply(inserts, patience).await
    };
    let mut answers = Inserted::of(stored);
    let settled = admitted.into_iter().map(|admitted| {
        let answer = admitted.is_ok().then(|| answers.next());
        settle(admitted, answer)
    });
    let settled = join_all(settled).await;
    drop(under_way);
    settled
}

/// What became of the inserts of a batch, one after the other.
enum Inserted {
    Each(std::vec::IntoIter<Answer>),
    /// The storage refuses some of them for what it says, and does not tell which.
    Rejected,
    Failed(WriteError),
}

impl Inserted {
    fn of(stored: Result<Vec<Answer>, WriteError>) -> Self {
        match stored {
            Ok(answers) => Self::Each(answers.into_iter()),
            Err(WriteError::Rejected(_)) => Self::Rejected,
            Err(error) => Self::Failed(error),
        }
    }

    fn next(&mut self) -> Next {
        match self {
            Self::Each(answers) => match answers.next() {
                Some(Answer::Insert(answer)) => Next::Settle(answer),
                _ => Next::Fail(WriteError::Lost),
            },
            Self::Rejected => Next::Alone,
            Self::Failed(error) => Next::Fail(error.clone()),
        }
    }
}

/// What follows for one task of a batch.
enum Next {
    Settle(InsertAnswer),
    Alone,
    Fail(WriteError),
}

async fn settle(
    admitted: Result<Admitted, DispatchError>,
    next: Option<Next>,
) -> Result<Dispatched, DispatchError> {
    let admitted = admitted?;
    match next {
        Some(Next::Settle(answer)) => admitted.settle(answer).await,
        Some(Next::Alone) => admitted.commit(&mut None).await,
        Some(Next::Fail(error)) => Err(admitted.fail(&error)),
        None => Err(admitted.fail(&WriteError::Lost)),
    }
}

/// Stores a batch whole or not at all.
async fn store_whole(
    deps: AdmissionDeps,
    (admitted, under_way): AdmittedBatch,
) -> Result<Vec<Dispatched>, BatchError> {
    let admitted = whole(admitted)?;
    let Some(first) = admitted.first().map(Admitted::id) else {
        return Ok(Vec::new());
    };
    let rows = admitted.iter().map(|admitted| admitted.row().clone());
    let insert = Write::InsertAll(rows.collect());
    let patience = Patience::For(deps.patience);
    let dispatched = match deps.persistence.apply_one(insert, patience).await {
        Ok(Answer::InsertAll(InsertAllAnswer::Stored(answers))) => {
            let settled = admitted.into_iter().zip(answers);
            let settled = settled.map(|(admitted, answer)| settle_stored(admitted, answer));
            whole(join_all(settled).await)
        }
        Ok(Answer::InsertAll(InsertAllAnswer::Refused(refused))) => {
            let refused = refused.into_iter().filter_map(|(place, answer)| {
                let error = admitted.get(place)?.refuse(answer);
                Some((place, error))
            });
            Err(BatchError::Refused {
                refused: refused.collect(),
            })
        }
        Ok(_) => Err(give_back(admitted, &WriteError::Lost, first)),
        Err(error) => Err(give_back(admitted, &error, first)),
    };
    drop(under_way);
    dispatched
}

/// Goes on with a task that is stored; what could not be handed over runs after the next start.
async fn settle_stored(
    admitted: Admitted,
    answer: InsertAnswer,
) -> Result<Dispatched, DispatchError> {
    match admitted.settle(answer).await {
        Err(error @ DispatchError::NotHandedOver { id }) => {
            tracing::warn!(%error, "a task of a batch was not handed over");
            Ok(Dispatched::new(id, DispatchOutcome::Created))
        }
        settled => settled,
    }
}

/// The values, or every error with its place.
fn whole<T>(results: Vec<Result<T, DispatchError>>) -> Result<Vec<T>, BatchError> {
    let mut values = Vec::with_capacity(results.len());
    let mut refused = Vec::new();
    for (place, result) in results.into_iter().enumerate() {
        match result {
            Ok(value) => values.push(value),
            Err(error) => refused.push((place, error)),
        }
    }
    if refused.is_empty() {
        Ok(values)
    } else {
        Err(BatchError::Refused { refused })
    }
}

/// Gives back what was taken for a batch that got no answer.
fn give_back(admitted: Vec<Admitted>, error: &WriteError, first: TaskId) -> BatchError {
    let mut whole = DispatchError::Unknown { id: first };
    for admitted in admitted {
        let id = admitted.id();
        let failed = admitted.fail(error);
        if id == first {
            whole = failed;
        }
    }
    BatchError::Whole(whole)
}
