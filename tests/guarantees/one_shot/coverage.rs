//! The map from the specification to these tests is true.

use std::collections::BTreeSet;
use std::path::PathBuf;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// What stands between backticks and looks like a path of a test here.
fn mapped() -> BTreeSet<(String, String)> {
    let map = std::fs::read_to_string(root().join("docs/spec-coverage.md")).unwrap();
    let quoted = map.split('`').skip(1).step_by(2);
    let paths = quoted.filter_map(|path| path.strip_prefix("one_shot::")?.split_once("::"));
    paths
        .filter(|(_, name)| *name != "…" && !name.contains("::"))
        .map(|(module, name)| (module.to_owned(), name.to_owned()))
        .collect()
}

#[test]
fn every_test_that_the_map_names_exists() {
    let mapped = mapped();
    assert!(mapped.len() > 50, "{mapped:?}");
    for (module, name) in mapped {
        let file = root().join(format!("tests/guarantees/one_shot/{module}.rs"));
        let source = std::fs::read_to_string(&file).unwrap();
        let is_there = source.contains(&format!("async fn {name}("));
        assert!(is_there, "{name} is not in {}", file.display());
    }
}
