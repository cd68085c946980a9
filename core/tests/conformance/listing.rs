//! A case that is written but not listed would never run.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use evertask_core::storage::conformance::CASES;

#[test]
fn every_case_is_listed_under_its_subject() {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/storage/conformance");
    let mut written = BTreeSet::new();
    for entry in fs::read_dir(&suite).unwrap() {
        let path = entry.unwrap().path();
        let subject = path.file_stem().unwrap().to_str().unwrap().to_owned();
        for line in fs::read_to_string(&path).unwrap().lines() {
            if let Some(case) = line.strip_prefix("pub async fn ") {
                let name = case.split('(').next().unwrap_or_default();
                written.insert((subject.clone(), name.to_owned()));
            }
        }
    }
    let listed: BTreeSet<_> = CASES
        .iter()
        .map(|case| (case.subject.to_owned(), case.name.to_owned()))
        .collect();
    let missing: Vec<_> = written.difference(&listed).collect();
    assert!(!written.is_empty());
    assert!(missing.is_empty(), "{missing:?}");
}
