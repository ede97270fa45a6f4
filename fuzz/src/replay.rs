//! The committed corpus, through the properties.

use std::path::Path;

/// Runs the files of `corpus/NAME` through `property`.
///
/// `NDSHARRAY_CORPUS_STEP=n` takes every `n`th file only, for systems whose files are slow.
fn replay(name: &str, property: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    let step = std::env::var("NDSHARRAY_CORPUS_STEP").map_or(1, |step| step.parse().unwrap());
    for file in files.iter().step_by(step) {
        let data = std::fs::read(file).unwrap();
        if std::panic::catch_unwind(|| property(&data)).is_err() {
            panic!("the property {name} does not hold for {}", file.display());
        }
    }
}

#[test]
fn element_type_corpus() {
    replay("element_type", crate::element_type);
}

#[test]
fn header_corpus() {
    replay("header", crate::header);
}

#[test]
fn head_corpus() {
    replay("head", crate::head);
}

#[test]
fn open_corpus() {
    replay("open", crate::open);
}

#[test]
fn inspect_corpus() {
    replay("inspect", crate::inspect);
}

#[test]
fn operations_corpus() {
    replay("operations", crate::operations);
}

#[test]
fn record_corpus() {
    replay("record", crate::record);
}

#[test]
fn link_corpus() {
    replay("link", crate::link);
}

#[test]
fn array_head_corpus() {
    replay("array_head", crate::array_head);
}

#[test]
fn array_corpus() {
    replay("array", crate::array);
}

#[test]
fn compat_tag_corpus() {
    replay("compat_tag", crate::compat_tag);
}

#[test]
fn compat_payload_corpus() {
    replay("compat_payload", crate::compat_payload);
}

#[test]
fn compat_channel_corpus() {
    replay("compat_channel", crate::compat_channel);
}
