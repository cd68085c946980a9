use evertask_core::storage::{Deletion, StorageError};
use evertask_core::task::TaskId;
use evertask_entities::{deletion, under};
use sea_orm::EntityTrait;

use super::Reads;
use crate::database_error::database_error;
use crate::record;

impl Reads {
    pub(super) async fn deletion_of(&self, id: TaskId) -> Result<Option<Deletion>, StorageError> {
        let query = deletion::Entity::find_by_id(id.0);
        let row = under(query, &self.prefix.deletions())
            .one(&self.readers)
            .await
            .map_err(|error| database_error("read what is kept of a deleted task", error))?;
        Ok(row.map(record::deletion).transpose()?)
    }
}
