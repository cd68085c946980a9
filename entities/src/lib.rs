//! SeaORM entities of evertask, one table a file.
