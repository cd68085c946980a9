//! One start of a runtime.

use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait,
    EnumIter, PrimaryKeyTrait, Uuid,
};

use crate::Instant;

/// A row of the table of processes.
#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "evertask_processes")]
pub struct Model {
    /// The id of the start.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// When it started.
    pub started_at: Instant,
    /// The number of the last group of writes it committed.
    pub last_group: i64,
    /// The id the operating system gave it, for a person who looks for it.
    pub pid: i64,
}

/// Tables it belongs to or has rows in.
#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
