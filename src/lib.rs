//! evertask.
