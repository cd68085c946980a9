use evertask_core::schedule::occurrence_id;
use evertask_core::storage::NewTask;
use evertask_core::task::{Generation, RowState, TaskDefinition, TaskRecord};
use evertask_core::time::Timestamp;

/// The task that runs an occurrence beside its series: it does what the series does, once and as soon
/// as possible.
///
/// It holds no key, which the series does, and its id is that of the occurrence, so that the same one
/// is stored once.
pub(crate) fn occurrence(series: &TaskDefinition, at: Timestamp, now: Timestamp) -> NewTask {
    let definition = TaskDefinition {
        id: occurrence_id(series.id, at),
        created_at: now,
        scheduled_at: None,
        series_id: Some(series.id),
        occurrence_at: Some(at),
        deadline: None,
        key: None,
        key_until: None,
        series: None,
        ..series.clone()
    };
    NewTask::new(TaskRecord {
        definition,
        generation: Generation::default(),
        state: RowState::waiting(now),
    })
}
