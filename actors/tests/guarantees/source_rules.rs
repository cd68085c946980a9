//! Rules that no compiler checks, read off the sources themselves.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a source that cannot be read has to fail its test"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// A crash is survived only where panics unwind; the crate refuses to compile otherwise, and this
/// says so before anybody builds with that profile.
#[test]
fn no_profile_of_the_workspace_aborts_on_panic() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut manifests = files_named(&workspace, |name| name == "Cargo.toml");
    assert!(manifests.len() > 1, "found no manifests in {workspace:?}");
    for config in [".cargo/config.toml", ".cargo/config"] {
        manifests.extend(Some(workspace.join(config)).filter(|path| path.is_file()));
    }
    for manifest in manifests {
        for (number, line) in read(&manifest).lines().enumerate() {
            assert!(
                !aborts_on_panic(line),
                "{}:{}: supervision needs panics that unwind",
                manifest.display(),
                number + 1
            );
        }
    }
}

#[test]
fn aborting_on_panic_is_recognised_however_it_is_written() {
    for line in [
        r#"panic = "abort""#,
        "panic='abort'  # smaller",
        r#"profile.release.panic = "abort""#,
        r#"release = { lto = true, panic = "abort" }"#,
        r#""panic" = "abort""#,
    ] {
        assert!(aborts_on_panic(line), "{line}");
    }
    for line in [r#"panic = "unwind""#, r#"# never panic = "abort""#] {
        assert!(!aborts_on_panic(line), "{line}");
    }
}

/// design actix.md 3.8 probe 8, second half: the hooks that run on half-changed state do not exist.
#[test]
fn no_actor_of_ours_has_a_stopping_or_stopped_hook() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let sources = files_named(&sources, |name| has_extension(name, "rs"));
    assert!(!sources.is_empty());
    for source in sources {
        for (number, line) in read(&source).lines().enumerate() {
            let code = line.trim_start();
            assert!(
                !code.starts_with("fn stopping(") && !code.starts_with("fn stopped("),
                "{}:{}: orderly shutdown is a message with a reply",
                source.display(),
                number + 1
            );
        }
    }
}

fn aborts_on_panic(line: &str) -> bool {
    let code = line.split('#').next().unwrap_or_default();
    let code: String = code
        .chars()
        .filter(|character| !character.is_whitespace() && !"\"'".contains(*character))
        .collect();
    code.contains("panic=abort")
}

fn has_extension(name: &str, extension: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|found| found == extension)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Collects the files below `directory`, leaving out what is built or hidden.
fn files_named(directory: &Path, wanted: fn(&str) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        let entries = fs::read_dir(&directory)
            .unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
        for entry in entries {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with('.') || name == "target" {
                continue;
            }
            if path.is_dir() {
                directories.push(path);
            } else if wanted(&name) {
                found.push(path);
            }
        }
    }
    found
}
