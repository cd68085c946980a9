//! One run of a series.

use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait,
    EnumIter, PrimaryKeyTrait, Uuid,
};

use crate::Instant;

/// A row of the table of runs.
#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "evertask_runs")]
pub struct Model {
    /// The id of the record.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The series.
    pub task_id: Uuid,
    /// Which run it was, from 1.
    pub number: i64,
    /// The occurrence it served.
    pub scheduled_at: Option<Instant>,
    /// When it ended.
    pub at: Instant,
    /// How long its last attempt ran, in microseconds.
    pub execution_time_us: i64,
    /// The name of the status it ended with.
    pub status: String,
    /// The text of its failure.
    pub error: Option<String>,
    /// The kind of its failure.
    pub error_kind: Option<String>,
}

/// Tables it belongs to or has rows in.
#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
