//! What evertask guarantees, and the facts about its dependencies that the guarantees stand on.

mod actix_facts;
mod source_rules;
mod stage;
mod supervision;
