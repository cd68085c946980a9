//! Task storage of evertask on SeaORM.
