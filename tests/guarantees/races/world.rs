//! What these tests share: a handler that is steered by number, and steps to tell apart.

use std::sync::Arc;

use evertask::storage::{Answer, RowChange, Write, WriteGroup};
use evertask::{EverTask, TaskContext, TaskHandler, TaskId, TaskResult};
use tokio::sync::{Semaphore, watch};
use uuid::Uuid;

use crate::ground::Step;
use crate::stage::{Numbered, soon};

/// Notes who enters and holds everybody until let go.
#[derive(Clone, Debug)]
pub(super) struct Runs {
    entered: watch::Sender<Vec<u32>>,
    gate: Arc<Semaphore>,
}

impl Runs {
    pub(super) fn held() -> Self {
        Self {
            entered: watch::Sender::default(),
            gate: Arc::new(Semaphore::new(0)),
        }
    }

    /// Lets that many runs end.
    pub(super) fn release(&self, runs: usize) {
        self.gate.add_permits(runs);
    }

    /// Waits until `number` has been entered.
    pub(super) async fn entered(&self, number: u32) {
        let mut entered = self.entered.subscribe();
        soon(entered.wait_for(|entered| entered.contains(&number)))
            .await
            .unwrap();
    }

    pub(super) fn order(&self) -> Vec<u32> {
        self.entered.borrow().clone()
    }
}

impl TaskHandler<Numbered> for Runs {
    async fn handle(&self, &Numbered(number): &Numbered, _: &TaskContext) -> TaskResult {
        self.entered.send_modify(|entered| entered.push(number));
        self.gate.acquire().await?.forget();
        Ok(())
    }
}

/// Gives the actors, which share one thread, more turns than anything they do takes.
pub(crate) async fn quiet(evertask: &EverTask) {
    for _ in 0..100 {
        let unknown = TaskId(Uuid::nil());
        soon(evertask.task(unknown)).await.unwrap();
    }
}

/// Whether a step is about to change a row so.
pub(super) fn changes(step: &Step<'_>, wanted: impl Fn(&RowChange) -> bool) -> bool {
    writes(step).iter().any(|write| match write {
        Write::Change(change) => wanted(change),
        Write::Insert(_)
        | Write::InsertAll(_)
        | Write::Redefine(_)
        | Write::AppendLogs(_)
        | Write::Cancel(_)
        | Write::Delete(_)
        | Write::Reconsider(_)
        | Write::ChangeQueue(_)
        | Write::Claim(_) => false,
    })
}

/// Whether a step is about to claim.
pub(super) fn claims(step: &Step<'_>) -> bool {
    writes(step)
        .iter()
        .any(|write| matches!(write, Write::Claim(_)))
}

/// Whether a step has claimed something.
pub(super) fn has_claimed(step: &Step<'_>) -> bool {
    let Step::Answers(answers) = step else {
        return false;
    };
    answers
        .iter()
        .any(|answer| matches!(answer, Answer::Claim(claim) if !claim.tasks.is_empty()))
}

fn writes<'a>(step: &'a Step<'_>) -> &'a [Write] {
    match step {
        Step::Group(WriteGroup { writes }) => writes,
        Step::Answers(_) | Step::Owned | Step::Retention => &[],
    }
}
