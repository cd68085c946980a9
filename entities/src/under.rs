use sea_orm::sea_query::Alias;
use sea_orm::{EntityTrait, QueryTrait, Select};

/// Makes a query read the table `table` under the name of the entity.
///
/// `SELECT "evertask_tasks"."id" … FROM "jobs_tasks" AS "evertask_tasks"`: everything that was
/// built with the entity's columns still fits.
#[must_use]
pub fn under<E: EntityTrait>(mut select: Select<E>, table: &str) -> Select<E> {
    QueryTrait::query(&mut select)
        .from_clear()
        .from_as(Alias::new(table), E::default());
    select
}

/// The same of a table in a schema that the connection does not look into by itself.
#[must_use]
pub fn under_in<E: EntityTrait>(mut select: Select<E>, schema: &str, table: &str) -> Select<E> {
    QueryTrait::query(&mut select)
        .from_clear()
        .from_as((Alias::new(schema), Alias::new(table)), E::default());
    select
}
