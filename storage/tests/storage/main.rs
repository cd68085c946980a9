//! The storages in SQL databases: the contract of every storage, and what is a database's own.
//!
//! Those on a server run where an environment variable names one, `EVERTASK_TEST_POSTGRES_URL` for
//! instance. Without it they say that they were skipped.

#[cfg(test)]
mod mariadb;
#[cfg(test)]
mod postgres;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod sqlite;
