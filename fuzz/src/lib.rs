//! Properties to be fuzzed: each function takes any bytes and panics when its property does not hold.
//!
//! The fuzz targets in `fuzz/` are one line each over these functions, and the tests here replay the committed corpus through the same
//! functions, so that `cargo test` checks what the fuzzer has found, without the fuzzer and without a nightly compiler.
//!
//! Inputs are read by [`input::Input`] from the front, byte by byte, so that seeds can be written by hand and keep their meaning.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a property that does not hold is told by a panic"
)]
// On-disk counts are small here, and a fuzzer has no use for the bits that are cut off.
#![allow(clippy::cast_possible_truncation, reason = "inputs are numbers to be taken modulo something")]

mod array;
mod compat;
mod damage;
mod input;
mod inspect;
mod open;
mod operations;
mod place;
mod values;

use crate::format::file::{FileKind, Head};
use crate::format::slot::{self, RawHeader};

pub use array::{array, array_head};
pub use compat::{compat_channel, compat_payload, compat_tag};
pub use inspect::inspect;
pub use open::open;
pub use operations::operations;

/// Header bytes decode or are refused; what decodes encodes to the same bytes, and copied out word by word means the same.
pub fn header(data: &[u8]) {
    let decoded = slot::decode(data);
    if let Ok(header) = &decoded {
        let again = RawHeader::encode(header.payload, header.byte_len, header.written_ns, header.dtype, &header.shape);
        assert_eq!(slot::decode(again.as_bytes()).as_ref(), Ok(header), "encoded and decoded again");
        assert!(data.starts_with(again.as_bytes()), "there is one spelling of each header");
    }
    let word = |i: usize| {
        let mut bytes = [0; 8];
        let found = data.get(i * 8..).unwrap_or_default();
        bytes.iter_mut().zip(found).for_each(|(to, from)| *to = *from);
        u64::from_ne_bytes(bytes)
    };
    let copied = slot::decode(RawHeader::copy_out(word).as_bytes());
    if let Ok(header) = decoded {
        assert_eq!(copied, Ok(header), "copied out of a board");
    }
}

/// Heads of both files decode or are refused; what decodes encodes to the same bytes.
pub fn head(data: &[u8]) {
    for kind in [FileKind::Board, FileKind::Readers] {
        if let Ok(head) = Head::decode(kind, data) {
            let again = head.encode(kind);
            assert_eq!(Head::decode(kind, &again), Ok(head), "encoded and decoded again");
            assert!(data.starts_with(&again[..56]), "there is one spelling of each head, but for the reserved bytes");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// Runs every file of `fuzz/corpus/NAME` through `property`; with `NDSHARRAY_CORPUS_STEP=n`, for where files are slow, every `n`th.
    fn replay(name: &str, property: fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
        if !folder.is_dir() {
            eprintln!("skipped: {} is not part of the published package", folder.display());
            return;
        }
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
    fn header_corpus() {
        replay("header", super::header);
    }

    #[test]
    fn head_corpus() {
        replay("head", super::head);
    }

    #[test]
    fn open_corpus() {
        replay("open", super::open);
    }

    #[test]
    fn inspect_corpus() {
        replay("inspect", super::inspect);
    }

    #[test]
    fn operations_corpus() {
        replay("operations", super::operations);
    }

    #[test]
    fn array_head_corpus() {
        replay("array_head", super::array_head);
    }

    #[test]
    fn array_corpus() {
        replay("array", super::array);
    }

    #[test]
    fn compat_tag_corpus() {
        replay("compat_tag", super::compat_tag);
    }

    #[test]
    fn compat_payload_corpus() {
        replay("compat_payload", super::compat_payload);
    }

    #[test]
    fn compat_channel_corpus() {
        replay("compat_channel", super::compat_channel);
    }
}
