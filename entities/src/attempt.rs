//! One attempt of a task.

use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait,
    EnumIter, PrimaryKeyTrait, Uuid,
};

use crate::Instant;

/// A row of the table of attempts.
#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "evertask_attempts")]
pub struct Model {
    /// The id of the record.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The task.
    pub task_id: Uuid,
    /// Which attempt it was, from 1.
    pub number: i64,
    /// The process that ran it.
    pub process_id: Uuid,
    /// When the handler was entered.
    pub started_at: Instant,
    /// How long the task had been due before that, in microseconds.
    pub waited_us: i64,
    /// How long the handler ran, in microseconds.
    pub ran_us: i64,
    /// The name of the outcome.
    pub outcome: String,
    /// The text of its failure.
    pub error: Option<String>,
    /// The kind of its failure.
    pub error_kind: Option<String>,
    /// When the handler was left; what `started_at` and `ran_us` say, for an index.
    pub ended_at: Option<Instant>,
    /// Whether statistics count it.
    pub is_counted: bool,
}

/// Tables it belongs to or has rows in.
#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
