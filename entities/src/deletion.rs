//! What is kept of a task that somebody deleted.

use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait,
    EnumIter, PrimaryKeyTrait, Uuid,
};

use crate::Instant;

/// A row of the table of deletions.
#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "evertask_deletions")]
pub struct Model {
    /// The id that the task had.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The name of its type.
    pub task: String,
    /// The queue it ran in.
    pub queue: String,
    /// The word for how it had ended.
    pub status: String,
    /// When it was deleted.
    pub at: Instant,
    /// Who did it.
    pub actor: String,
    /// Why.
    pub reason: Option<String>,
}

/// Tables it belongs to or has rows in.
#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
