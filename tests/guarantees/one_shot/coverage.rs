//! The map from the specification to these tests is true.

use std::collections::BTreeSet;
use std::path::PathBuf;

/// The folders of tests here that the map names one by one.
const FOLDERS: [&str; 6] = [
    "one_shot",
    "series",
    "audit",
    "evolution",
    "kills",
    "queues",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// What stands between backticks and looks like the path of a test in that folder.
fn mapped(folder: &str) -> BTreeSet<(String, String)> {
    let map = std::fs::read_to_string(root().join("docs/spec-coverage.md")).unwrap();
    let quoted = map.split('`').skip(1).step_by(2);
    let paths = quoted.filter_map(|path| {
        let path = path.strip_prefix(folder)?.strip_prefix("::")?;
        path.split_once("::")
    });
    paths
        .filter(|(_, name)| *name != "…" && !name.contains("::"))
        .map(|(module, name)| (module.to_owned(), name.to_owned()))
        .collect()
}

#[test]
fn every_test_that_the_map_names_exists() {
    let mut mapped_tests = 0;
    for folder in FOLDERS {
        let mapped = mapped(folder);
        assert!(!mapped.is_empty(), "{folder}");
        mapped_tests += mapped.len();
        for (module, name) in mapped {
            let file = root().join(format!("tests/guarantees/{folder}/{module}.rs"));
            let source = std::fs::read_to_string(&file).unwrap();
            let is_there = source.contains(&format!("async fn {name}("));
            assert!(is_there, "{name} is not in {}", file.display());
        }
    }
    assert!(mapped_tests > 100, "only {mapped_tests} tests");
}
