//! A change of a task's status.

use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait,
    EnumIter, PrimaryKeyTrait, Uuid,
};

use crate::Instant;

/// A row of the status audit.
#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "evertask_status_audit")]
pub struct Model {
    /// Rises with every row written.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The task.
    pub task_id: Uuid,
    /// When the status changed.
    pub at: Instant,
    /// The name of the status it changed to.
    pub status: String,
    /// The text of its failure.
    pub error: Option<String>,
    /// The kind of its failure.
    pub error_kind: Option<String>,
    /// Who did it.
    pub actor: Option<String>,
    /// Why that person did it.
    pub reason: Option<String>,
}

/// Tables it belongs to or has rows in.
#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
