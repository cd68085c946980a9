//! SeaORM migrations of evertask.
