//! One change of a queue.

use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait,
    EnumIter, PrimaryKeyTrait, Uuid,
};

use crate::Instant;

/// A row of the table of changes of queues.
#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "evertask_queue_audit")]
pub struct Model {
    /// The id of the change.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The queue.
    pub queue: String,
    /// Which change of this queue it was, from 1.
    pub version: i64,
    /// The word for what was changed.
    pub change: String,
    /// The new parallelism, if that was changed to a number.
    pub parallelism: Option<i64>,
    /// When it was asked for.
    pub at: Instant,
    /// Who asked.
    pub actor: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

/// Tables it belongs to or has rows in.
#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
