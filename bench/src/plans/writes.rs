use std::time::Duration;

use evertask_core::lease::RowLease;
use evertask_core::retention::{RetentionPolicy, RetentionRules, Window, plan};
use evertask_core::storage::{
    Answer, ClaimTasks, QueueSelector, StorageError, TaskStorage, Write, WriteGroup,
};
use evertask_core::task::{ProcessId, TaskRecord};

use super::{Plans, now};
use crate::Failure;

const DAY: Duration = Duration::from_hours(24);

/// How many rows a batch of retention deletes.
const BATCH: u32 = 100;

/// What a runtime sends while tasks come and go.
pub(super) async fn explain(
    plans: &mut Plans<'_>,
    storage: &dyn TaskStorage,
    process: ProcessId,
) -> Result<(), Failure> {
    let now = now()?;
    let mail = QueueSelector::Only("mail".to_owned());
    let claim = |now| ClaimTasks {
        limit: 100,
        ..ClaimTasks::everything(mail.clone(), now)
    };
    let claimed = plans
        .of("A claim", true, take(storage, claim(now + 15 * DAY)))
        .await?;
    let nothing_due = claim(now - 60 * DAY);
    plans
        .of(
            "A claim of nothing, and the next instant",
            true,
            take(storage, nothing_due),
        )
        .await?;
    let starts = claimed.iter().map(|record| {
        let mut lease = RowLease::new(record);
        Write::Change(Box::new(lease.start(process, false, now)))
    });
    let starts = starts.collect();
    plans
        .of(
            "Changes",
            true,
            storage.apply(&WriteGroup { writes: starts }),
        )
        .await?;
    plans
        .of("What a process owns", false, storage.owned(process, &mail))
        .await?;
    let rules = RetentionRules::uniform(Window::days(7));
    for step in plan(&RetentionPolicy::new(rules), now).steps {
        let what = format!("A batch of retention: {}", step.target.name());
        plans
            .of(&what, true, storage.retain(&step, None, BATCH))
            .await?;
    }
    Ok(())
}

async fn take(
    storage: &dyn TaskStorage,
    claim: ClaimTasks,
) -> Result<Vec<TaskRecord>, StorageError> {
    let writes = vec![Write::Claim(claim)];
    let answers = storage.apply(&WriteGroup { writes }).await?;
    let claimed = answers.into_iter().filter_map(|answer| match answer {
        Answer::Claim(claimed) => Some(claimed.tasks),
        Answer::Insert(_)
        | Answer::Change(_)
        | Answer::InsertAll(_)
        | Answer::Redefine(_)
        | Answer::AppendLogs(_)
        | Answer::Cancel(_)
        | Answer::Delete(_)
        | Answer::ChangeQueue(_)
        | Answer::Reconsidered => None,
    });
    Ok(claimed.flatten().map(|task| task.record).collect())
}
