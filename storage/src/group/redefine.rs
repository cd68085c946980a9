use std::collections::HashSet;

use evertask_core::storage::{ChangeAnswer, Redefinition, StorageError};
use uuid::Uuid;

use super::Group;
use super::change::rounds;
use crate::rows;

impl Group<'_> {
    /// Gives rows other work that are where the writers believe them to be.
    pub(super) async fn redefine(
        &mut self,
        redefinitions: &[&Redefinition],
    ) -> Result<Vec<ChangeAnswer>, StorageError> {
        let mut answers = vec![ChangeAnswer::Missing; redefinitions.len()];
        let rows = redefinitions.iter().map(|new| new.record.id().0);
        for round in rounds(rows) {
            let round = round.into_iter().map(|index| (index, redefinitions[index]));
            self.redefine_round(round.collect(), &mut answers).await?;
        }
        Ok(answers)
    }

    /// Redefines rows that are all different.
    async fn redefine_round(
        &mut self,
        round: Vec<(usize, &Redefinition)>,
        answers: &mut [ChangeAnswer],
    ) -> Result<(), StorageError> {
        let rows: Vec<_> = round
            .iter()
            .map(|(_, new)| rows::redefinition(new))
            .collect::<Result<_, _>>()?;
        let dialect = &self.setting.dialect;
        let redefined = dialect.redefine_tasks(self.transaction, &rows).await?;
        let redefined: HashSet<Uuid> = redefined.into_iter().collect();
        self.has_written |= !redefined.is_empty();
        let (made, refused): (Vec<_>, Vec<_>) = round
            .into_iter()
            .partition(|(_, new)| redefined.contains(&new.record.id().0));
        for (index, new) in made {
            let id = new.record.id();
            let audit = new.kept_audit().map(|entry| rows::audit(id, entry));
            self.audit.extend(audit);
            answers[index] = ChangeAnswer::Applied;
        }
        let ids = refused.iter().map(|(_, new)| new.record.id().0).collect();
        let mut records = self.records(ids).await?;
        for (index, new) in refused {
            answers[index] = match records.remove(&new.record.id().0) {
                None => ChangeAnswer::Missing,
                // Its answer was lost.
                Some(record) if new.is_applied_to(&record) => ChangeAnswer::Applied,
                Some(record) => ChangeAnswer::Refused(Box::new(record)),
            };
        }
        Ok(())
    }
}
