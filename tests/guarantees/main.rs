//! What evertask promises, one file per promise.

mod stage;

mod running;
