//! Photo inbox.
fn main() {}
