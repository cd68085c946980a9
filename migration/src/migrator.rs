use sea_orm_migration::prelude::{Alias, DynIden, IntoIden};
use sea_orm_migration::{MigrationTrait, MigratorTraitSelf};

use crate::m20261121_000001_initial::Initial;
use crate::m20261122_000002_series::Series;
use crate::m20261122_000003_logs::Logs;
use crate::m20261122_000004_search::Search;
use crate::m20261122_000005_deadline::Deadline;
use crate::m20261122_000006_keys::Keys;
use crate::m20261122_000007_queues::Queues;
use crate::m20261122_000008_claims::Claims;
use crate::m20261122_000009_concurrency::Concurrency;
use crate::m20261122_000010_results::Results;
use crate::m20261122_000011_deletions::Deletions;
use crate::m20261122_000012_schedules::Schedules;
use crate::m20261122_000013_limits::Limits;
use crate::prefix::TablePrefix;

/// Brings the tables of one prefix up to date.
#[derive(Clone, Debug)]
pub struct Migrator {
    prefix: TablePrefix,
}

impl Migrator {
    /// Creates the migrator for the tables of `prefix`.
    pub fn new(prefix: TablePrefix) -> Self {
        Self { prefix }
    }
}

impl MigratorTraitSelf for Migrator {
    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(Initial(self.prefix.clone())),
            Box::new(Series(self.prefix.clone())),
            Box::new(Logs(self.prefix.clone())),
            Box::new(Search(self.prefix.clone())),
            Box::new(Deadline(self.prefix.clone())),
            Box::new(Keys(self.prefix.clone())),
            Box::new(Queues(self.prefix.clone())),
            Box::new(Claims(self.prefix.clone())),
            Box::new(Concurrency(self.prefix.clone())),
            Box::new(Results(self.prefix.clone())),
            Box::new(Deletions(self.prefix.clone())),
            Box::new(Schedules(self.prefix.clone())),
            Box::new(Limits(self.prefix.clone())),
        ]
    }

    fn migration_table_name(&self) -> DynIden {
        Alias::new(self.prefix.migrations()).into_iden()
    }
}
