//! Mistakes with giving a row other work.

use std::collections::HashMap;

use async_trait::async_trait;
use evertask_core::storage::{Answer, ChangeAnswer, Redefinition, TaskStorage, Write, WriteGroup};
use evertask_core::task::{TaskDefinition, TaskId, TaskRecord};

use super::bent::{Applied, Mistake};

/// Calls `edit` with each redefinition of a group and the row as it was before the group.
async fn edited(
    inner: &dyn TaskStorage,
    group: &WriteGroup,
    edit: impl Fn(&mut Redefinition, &TaskRecord),
) -> Applied {
    let mut group = group.clone();
    for write in &mut group.writes {
        if let Write::Redefine(redefinition) = write
            && let Some(found) = inner.task(redefinition.record.definition.id).await?
        {
            edit(redefinition, &found);
        }
    }
    inner.apply(&group).await
}

/// Calls `edit` with each answer to a redefinition.
async fn answered(
    inner: &dyn TaskStorage,
    group: &WriteGroup,
    edit: impl Fn(&Redefinition, &mut ChangeAnswer),
) -> Applied {
    let mut answers = inner.apply(group).await?;
    for (write, answer) in group.writes.iter().zip(&mut answers) {
        if let (Write::Redefine(redefinition), Answer::Redefine(answer)) = (write, answer) {
            edit(redefinition, answer);
        }
    }
    Ok(answers)
}

/// Moves the row and leaves what was asked for as it was.
#[derive(Debug)]
pub(super) struct KeepsDefinitions;

#[async_trait]
impl Mistake for KeepsDefinitions {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        edited(inner, group, |redefinition, found| {
            redefinition.record.definition = found.definition.clone();
        })
        .await
    }
}

/// Keeps what a redefinition leaves out.
#[derive(Debug)]
pub(super) struct MergesDefinitions;

#[async_trait]
impl Mistake for MergesDefinitions {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        edited(inner, group, |redefinition, found| {
            let (old, new) = (&found.definition, &mut redefinition.record.definition);
            *new = TaskDefinition {
                series: new.series.clone().or_else(|| old.series.clone()),
                timeout: new.timeout.or(old.timeout),
                ..new.clone()
            };
        })
        .await
    }
}

/// Leaves the row in the queue and at the time where claims found it before.
#[derive(Debug)]
pub(super) struct LeavesRowsInPlace;

#[async_trait]
impl Mistake for LeavesRowsInPlace {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        edited(inner, group, |redefinition, found| {
            redefinition.record.state.available_at = found.state.available_at;
            let queue = &mut redefinition.record.definition.queue;
            found.definition.queue.clone_into(queue);
        })
        .await
    }
}

/// Gives a row other work whatever its generation.
#[derive(Debug)]
pub(super) struct IgnoresGenerations;

#[async_trait]
impl Mistake for IgnoresGenerations {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut present: HashMap<TaskId, _> = HashMap::new();
        let mut group = group.clone();
        for write in &mut group.writes {
            let Write::Redefine(redefinition) = write else {
                continue;
            };
            let id = redefinition.record.definition.id;
            let found = inner.task(id).await?.map(|found| found.generation);
            if let Some(found) = present.get(&id).copied().or(found) {
                redefinition.expected = found;
            }
            present.insert(id, redefinition.record.generation);
        }
        inner.apply(&group).await
    }
}

/// Does not note that the row has moved on.
#[derive(Debug)]
pub(super) struct KeepsGenerations;

#[async_trait]
impl Mistake for KeepsGenerations {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        edited(inner, group, |redefinition, _| {
            redefinition.record.generation = redefinition.expected;
        })
        .await
    }
}

/// Takes a row of the same generation for one that was given this work before.
#[derive(Debug)]
pub(super) struct ComparesGenerationsOnly;

#[async_trait]
impl Mistake for ComparesGenerationsOnly {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        answered(inner, group, |redefinition, answer| {
            if let ChangeAnswer::Refused(found) = answer
                && found.generation == redefinition.record.generation
            {
                *answer = ChangeAnswer::Applied;
            }
        })
        .await
    }
}

/// Says of a redefinition that was refused that it was made.
#[derive(Debug)]
pub(super) struct HidesRefusals;

#[async_trait]
impl Mistake for HidesRefusals {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        answered(inner, group, |_, answer| {
            if let ChangeAnswer::Refused(_) = answer {
                *answer = ChangeAnswer::Applied;
            }
        })
        .await
    }
}

/// Refuses a redefinition that was made before, instead of recognising it.
#[derive(Debug)]
pub(super) struct RefusesRepetitions;

#[async_trait]
impl Mistake for RefusesRepetitions {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut answers = Vec::new();
        let mut repeated = Vec::new();
        for write in &group.writes {
            repeated.push(if let Write::Redefine(redefinition) = write {
                let found = inner.task(redefinition.record.definition.id).await?;
                found.filter(|found| redefinition.is_applied_to(found))
            } else {
                None
            });
        }
        for (answer, found) in inner.apply(group).await?.into_iter().zip(repeated) {
            answers.push(match found {
                Some(found) => Answer::Redefine(ChangeAnswer::Refused(Box::new(found))),
                None => answer,
            });
        }
        Ok(answers)
    }
}

/// Says of a row that is not there that it was given other work.
#[derive(Debug)]
pub(super) struct AppliesToNothing;

#[async_trait]
impl Mistake for AppliesToNothing {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        answered(inner, group, |_, answer| {
            if *answer == ChangeAnswer::Missing {
                *answer = ChangeAnswer::Applied;
            }
        })
        .await
    }
}

/// Gives rows other work without writing their audit.
#[derive(Debug)]
pub(super) struct LosesAudit;

#[async_trait]
impl Mistake for LosesAudit {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        edited(inner, group, |redefinition, _| redefinition.audit.clear()).await
    }
}

/// Keeps the audit that the level before would have kept.
#[derive(Debug)]
pub(super) struct AuditsAtTheOldLevel;

#[async_trait]
impl Mistake for AuditsAtTheOldLevel {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        edited(inner, group, |redefinition, found| {
            let level = found.definition.audit_level;
            let keeps = |entry: &evertask_core::storage::AuditEntry| {
                level.keeps_status(entry.status, entry.failure.as_ref())
            };
            redefinition.audit.retain(keeps);
        })
        .await
    }
}

/// Gives rows other work before their deliveries write what they did.
#[derive(Debug)]
pub(super) struct RedefinesFirst;

#[async_trait]
impl Mistake for RedefinesFirst {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let is_redefinition = |write: &&Write| matches!(write, Write::Redefine(_));
        let (first, rest): (Vec<_>, Vec<_>) = group.writes.iter().partition(is_redefinition);
        let apply = |writes: Vec<&Write>| {
            let writes = writes.into_iter().cloned().collect();
            async move { inner.apply(&WriteGroup { writes }).await }
        };
        let mut first = apply(first).await?.into_iter();
        let mut rest = apply(rest).await?.into_iter();
        let answers = group.writes.iter().map(|write| {
            if is_redefinition(&write) {
                first.next()
            } else {
                rest.next()
            }
        });
        Ok(answers.flatten().collect())
    }
}
