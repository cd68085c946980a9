//! One line that a task logged.

use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait,
    EnumIter, PrimaryKeyTrait, Uuid,
};

use crate::Instant;

/// A row of the table of log lines.
#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "evertask_logs")]
pub struct Model {
    /// The task.
    #[sea_orm(primary_key, auto_increment = false)]
    pub task_id: Uuid,
    /// Which run of a series, from 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub run: i64,
    /// The delivery.
    #[sea_orm(primary_key, auto_increment = false)]
    pub delivery: Uuid,
    /// Its place in the delivery, from 0.
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    /// Which attempt, from 1.
    pub attempt: i64,
    /// When it was logged.
    pub at: Instant,
    /// The name of its level.
    pub level: String,
    /// Where in the program it comes from.
    pub target: String,
    /// What it says.
    pub message: String,
    /// Its other fields as a JSON object.
    pub fields: Option<String>,
}

/// Tables it belongs to or has rows in.
#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
