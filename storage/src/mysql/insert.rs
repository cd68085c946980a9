//! How tasks are inserted that may be there already.
//!
//! There is no insert that passes over a row for one reason and fails for any other. Nearly always
//! nothing is there, so all rows are tried at once. If the server refuses them, one looks which ids and
//! keys are taken, leaves those out and tries the rest. What is refused though nothing is taken is
//! refused for another reason.

use std::collections::HashSet;

use evertask_core::storage::StorageError;
use sea_orm::{ConnectionTrait, DbErr, SqlErr, Statement};
use uuid::Uuid;

use super::packets::Packets;
use super::statements::Statements;
use crate::database_error::database_error;
use crate::dialect::{query, query_ids};
use crate::rows::{Cell, Row};

/// What no other row can have.
#[derive(Default)]
struct Taken {
    ids: HashSet<Uuid>,
    keys: HashSet<String>,
}

/// What rows are inserted with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inserts<'a> {
    pub(super) statements: &'a Statements,
    pub(super) packets: Packets,
}

/// Inserts the rows whose id and active key are free, and answers their ids.
pub(super) async fn insert<C: ConnectionTrait>(
    inserts: Inserts<'_>,
    connection: &C,
    rows: &[Row<'_>],
) -> Result<Vec<Uuid>, StorageError> {
    let doing = "insert tasks";
    let mut taken = Taken::default();
    let mut inserted = Vec::new();
    loop {
        let free = taken.free(inserts, rows);
        if free.is_empty() {
            return Ok(inserted);
        }
        for part in inserts.packets.split(&free)? {
            let Err(error) = try_insert(inserts, connection, part).await? else {
                taken.add(inserts, part);
                inserted.extend(part.iter().filter_map(id_of));
                continue;
            };
            let found = look(inserts, connection, part).await?;
            if found.ids.is_empty() && found.keys.is_empty() {
                return Err(database_error(doing, error));
            }
            taken.ids.extend(found.ids);
            taken.keys.extend(found.keys);
            break;
        }
    }
}

/// Inserts all rows, or none if anything of them is taken.
async fn try_insert<C: ConnectionTrait>(
    inserts: Inserts<'_>,
    connection: &C,
    rows: &[Row<'_>],
) -> Result<Result<(), DbErr>, StorageError> {
    let values = [inserts.packets.rows(rows)?.into()];
    let backend = connection.get_database_backend();
    let insert = Statement::from_sql_and_values(backend, &inserts.statements.insert_tasks, values);
    match connection.execute_raw(insert).await {
        Ok(_) => Ok(Ok(())),
        Err(error) if is_duplicate(&error) => Ok(Err(error)),
        Err(error) => Err(database_error("insert tasks", error)),
    }
}

/// Finds what the rows want and others have.
async fn look<C: ConnectionTrait>(
    inserts: Inserts<'_>,
    connection: &C,
    rows: &[Row<'_>],
) -> Result<Taken, StorageError> {
    let doing = "look for tasks";
    let statements = inserts.statements;
    let ids: Vec<_> = rows.iter().filter_map(id_of).collect();
    let values = [inserts.packets.ids(&ids)?.into()];
    let ids = query_ids(connection, doing, &statements.existing, values).await?;
    let keys: Row<'_> = rows
        .iter()
        .filter_map(|row| key_of(inserts, row))
        .map(|key| Cell::Text(key.into()))
        .collect();
    let values = [inserts.packets.list(&keys)?.into()];
    let found = query(connection, doing, &statements.taken_keys, values).await?;
    let keys: Result<_, DbErr> = found
        .iter()
        .map(|row| row.try_get("", "active_key"))
        .collect();
    Ok(Taken {
        ids: ids.into_iter().collect(),
        keys: keys.map_err(|error| database_error(doing, error))?,
    })
}

impl Taken {
    /// The rows that want nothing that is taken, not even by one before them.
    fn free<'row>(&self, inserts: Inserts<'_>, rows: &[Row<'row>]) -> Vec<Row<'row>> {
        let mut wanted = Self::default();
        let is_free = |row: &&Row<'row>| {
            let Some(id) = id_of(row) else {
                return false;
            };
            let key = key_of(inserts, row);
            let is_taken = |taken: &Self| {
                taken.ids.contains(&id) || key.is_some_and(|key| taken.keys.contains(key))
            };
            if is_taken(self) || is_taken(&wanted) {
                return false;
            }
            wanted.ids.insert(id);
            wanted.keys.extend(key.map(str::to_owned));
            true
        };
        rows.iter().filter(is_free).cloned().collect()
    }

    fn add(&mut self, inserts: Inserts<'_>, rows: &[Row<'_>]) {
        self.ids.extend(rows.iter().filter_map(id_of));
        let keys = rows.iter().filter_map(|row| key_of(inserts, row));
        self.keys.extend(keys.map(str::to_owned));
    }
}

/// The id of a task comes first in its row.
fn id_of(row: &Row<'_>) -> Option<Uuid> {
    match row.first() {
        Some(Cell::Id(id)) => Some(*id),
        _ => None,
    }
}

fn key_of<'a>(inserts: Inserts<'_>, row: &'a Row<'_>) -> Option<&'a str> {
    match row.get(inserts.statements.place_of_key) {
        Some(Cell::Text(key)) => Some(key),
        _ => None,
    }
}

fn is_duplicate(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}
