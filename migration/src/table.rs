//! How a table is made and grows, by database.

use sea_orm_migration::SchemaManager;
use sea_orm_migration::prelude::{
    Alias, ColumnDef, DbErr, Index, IndexCreateStatement, Table, TableCreateStatement,
};
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, Statement};

/// Creates a table with its indexes.
///
/// `MySQL` commits at every change of the schema. There, a table comes with its indexes in one
/// statement, which is atomic, and one that is there already is left alone: a migration that was cut
/// short is simply run again.
pub(crate) async fn create(
    manager: &SchemaManager<'_>,
    table: TableCreateStatement,
    indexes: Vec<IndexCreateStatement>,
) -> Result<(), DbErr> {
    if manager.get_database_backend() == DbBackend::MySql {
        return create_at_once(manager, table, indexes).await;
    }
    manager.create_table(table).await?;
    for index in indexes {
        manager.create_index(index).await?;
    }
    Ok(())
}

/// Adds columns to a table, unless they are there: on `MySQL` all of them in one statement, as a table
/// is made there.
pub(crate) async fn add_columns(
    manager: &SchemaManager<'_>,
    table: &str,
    columns: impl IntoIterator<Item = ColumnDef>,
) -> Result<(), DbErr> {
    let mut missing = Vec::new();
    for column in columns {
        if !manager.has_column(table, column.get_column_name()).await? {
            missing.push(column);
        }
    }
    let at_once = match manager.get_database_backend() {
        DbBackend::MySql => missing.len().max(1),
        DbBackend::Sqlite | DbBackend::Postgres | _ => 1,
    };
    for columns in missing.chunks(at_once) {
        let mut add = Table::alter();
        add.table(Alias::new(table));
        for column in columns {
            add.add_column(column.clone());
        }
        manager.alter_table(add).await?;
    }
    Ok(())
}

/// Creates an index of a table, unless it is there; `MySQL` has no words for that.
pub(crate) async fn create_index(
    manager: &SchemaManager<'_>,
    table: &str,
    index: IndexCreateStatement,
) -> Result<(), DbErr> {
    let name = index.get_index_spec().get_name().unwrap_or_default();
    if manager.has_index(table, name).await? {
        return Ok(());
    }
    manager.create_index(index).await
}

/// Drops an index of a table, unless it is gone already.
pub(crate) async fn drop_index(
    manager: &SchemaManager<'_>,
    table: &str,
    name: &str,
) -> Result<(), DbErr> {
    let name = format!("{table}_{name}");
    if !manager.has_index(table, &name).await? {
        return Ok(());
    }
    let mut drop = Index::drop();
    drop.name(name).table(Alias::new(table));
    manager.drop_index(drop).await
}

/// An index, with the name of its table before its own.
pub(crate) fn index(table: &str, name: &str, columns: &[&str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index
        .name(format!("{table}_{name}"))
        .table(Alias::new(table));
    for column in columns {
        index.col(Alias::new(*column));
    }
    index
}

async fn create_at_once(
    manager: &SchemaManager<'_>,
    mut table: TableCreateStatement,
    indexes: Vec<IndexCreateStatement>,
) -> Result<(), DbErr> {
    table
        .if_not_exists()
        .engine("InnoDB")
        .character_set("utf8mb4")
        .collate(exact_collation(manager).await?);
    for mut index in indexes {
        table.index(&mut index);
    }
    manager.create_table(table).await
}

/// The collation that tells all texts apart: letters of another case or with an accent, and trailing
/// spaces.
///
/// `utf8mb4_bin` is one that both databases have, but it ignores trailing spaces: "mail" and "mail "
/// would be one queue. Bytes (`varbinary`) would be exact on both and unreadable in every other
/// program that looks at the table.
async fn exact_collation(manager: &SchemaManager<'_>) -> Result<&'static str, DbErr> {
    let connection = manager.get_connection();
    let version = connection
        .query_one_raw(Statement::from_string(
            DbBackend::MySql,
            "SELECT VERSION() AS version",
        ))
        .await?;
    let version: String = match version {
        Some(row) => row.try_get("", "version")?,
        None => String::new(),
    };
    Ok(if version.contains("MariaDB") {
        "utf8mb4_nopad_bin"
    } else {
        "utf8mb4_0900_bin"
    })
}
