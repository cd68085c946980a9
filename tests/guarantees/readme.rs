//! The README shows what really runs.

const README: &str = include_str!("../../README.md");

/// An example without the line that says what it is.
fn program(source: &str) -> &str {
    let (_, program) = source.split_once("\n\n").expect("a line, then the program");
    program
}

#[test]
fn the_first_program_in_the_readme_is_the_quickstart() {
    let quickstart = program(include_str!("../../examples/quickstart.rs"));
    let (_, block) = README.split_once("```rust,no_run\n").expect("a program");
    let (block, _) = block.split_once("```").expect("the end of the block");
    assert_eq!(block, quickstart);
}

#[test]
fn the_quickstart_has_less_than_forty_lines() {
    let lines = include_str!("../../examples/quickstart.rs").lines();
    assert!(lines.count() < 40);
}

#[test]
fn every_example_is_shown() {
    for example in [
        "quickstart",
        "cancel_and_progress",
        "actor_subscriber",
        "queues_and_priorities",
        "next_runs",
    ] {
        assert!(README.contains(example), "{example} is not in the README");
    }
}
