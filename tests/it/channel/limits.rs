//! A process runs out of descriptors, addresses, mappings, or bytes of a file.
//!
//! The limits are those of a peer. It can go on with small values in the files that it has.

use crate::channel::support::{TestDir, pattern};
use crate::common::Peer;
use crate::peer::channel;
use ndsharray::{DType, Reader};

/// Has `writer` publish `len` bytes, which `reader` finds.
fn put(writer: &mut Peer, reader: &mut Reader, len: usize, seed: u64) {
    let answer = writer.ask(&format!("write uint8 [{len}] {seed}"));
    assert!(answer.parse::<u64>().is_ok(), "{answer}");
    let sample = reader.read().unwrap().unwrap();
    assert!(sample.as_bytes() == pattern(DType::U8, len, seed), "{seed}");
}

/// Limits a writer that has published two values.
///
/// Its values may take turns in more files than those.
fn limited(dir: &TestDir, what: &str) -> (Peer, Reader) {
    let mut writer = channel::start(dir);
    assert_eq!(writer.ask("create 64 8 false"), "ok");
    let mut reader = dir.reader();
    put(&mut writer, &mut reader, 16_000, 1);
    put(&mut writer, &mut reader, 16_000, 2);
    assert_eq!(writer.ask(&format!("limit {what}")), "ok");
    (writer, reader)
}

#[test]
fn no_descriptors() {
    let dir = TestDir::new();
    let (mut writer, mut reader) = limited(&dir, "descriptors");
    (3..1000).for_each(|seed| put(&mut writer, &mut reader, 16_000, seed));
    assert_eq!(dir.payloads().len(), 2);
    let refused = writer.ask("write uint8 [100000] 1");
    assert_eq!(refused, "error: out of memory: there are no more descriptors to be had for open files (RLIMIT_NOFILE)");
    put(&mut writer, &mut reader, 16_000, 1000);
    assert_eq!(writer.ask("limit descriptors-no-more"), "ok");
    put(&mut writer, &mut reader, 100_000, 1001);
    // Not at once, but at last, files are made that are good to have.
    (0..1000).for_each(|seed| put(&mut writer, &mut reader, 16_000, seed));
    assert_eq!(dir.payloads().len(), 6);
}

#[test]
fn no_addresses() {
    let dir = TestDir::new();
    let (mut writer, mut reader) = limited(&dir, "addresses");
    (3..1000).for_each(|seed| put(&mut writer, &mut reader, 16_000, seed));
    assert_eq!(dir.payloads().len(), 2);
    let refused = writer.ask("write uint8 [1000000] 1");
    assert!(refused.starts_with("error: out of memory: 1048576 bytes requested, "), "{refused}");
    assert!(refused.ends_with(" available of the address space of this process (RLIMIT_AS)"), "{refused}");
    put(&mut writer, &mut reader, 16_000, 1000);
    assert_eq!(writer.ask("limit addresses-no-more"), "ok");
    put(&mut writer, &mut reader, 1_000_000, 1001);
}

// Elsewhere the system does not say that it is mappings which are short.
#[cfg(not(ndsharray_portable))]
#[test]
fn no_mappings() {
    let dir = TestDir::new();
    let (mut writer, mut reader) = limited(&dir, "mappings");
    (3..1000).for_each(|seed| put(&mut writer, &mut reader, 16_000, seed));
    assert_eq!(dir.payloads().len(), 2);
    // The file that a larger value replaces gives its mapping back first.
    put(&mut writer, &mut reader, 1_000_000, 1000);
    put(&mut writer, &mut reader, 1_000_000, 1001);
    let refused = writer.ask("open");
    assert_eq!(
        refused,
        "error: out of memory: there are no more mappings to be had for this process (vm.max_map_count)"
    );
    put(&mut writer, &mut reader, 16_000, 1002);
}

/// The system would end the process by a signal.
#[test]
fn no_larger_files() {
    let dir = TestDir::new();
    let (mut writer, mut reader) = limited(&dir, "file-size");
    let refusal = |bytes: u64| {
        format!(
            "error: out of memory: {bytes} bytes requested, 1048576 available of the size that this process may give to a file \
             (RLIMIT_FSIZE)"
        )
    };
    assert_eq!(writer.ask("write uint8 [2097152] 1"), refusal(2 << 20), "a file that its content fills");
    assert_eq!(writer.ask("write uint8 [2000000] 1"), refusal(2 << 20));
    let refused = writer.ask("make-array a 2000000");
    assert!(refused.ends_with("of the size that this process may give to a file (RLIMIT_FSIZE)"), "{refused}");
    put(&mut writer, &mut reader, 1 << 20, 3);
    assert_eq!(writer.ask("limit file-size-no-more"), "ok");
    put(&mut writer, &mut reader, 2 << 20, 4);
    assert_eq!(dir.payloads().len(), dir.files().len() - 2, "nothing is left of the attempts");
}

/// Lends a whole mebibyte, which has attributes then if the answer is `ok`.
fn lend(writer: &mut Peer, reader: &mut Reader, answer: &str) {
    assert_eq!(writer.ask("lend-with 1048576 4096"), answer);
    let sample = reader.read().unwrap().unwrap();
    assert!(sample.as_bytes().len() == 1 << 20 && sample.as_bytes().iter().all(|&byte| byte == 7));
    assert!(sample.attributes() == vec![5; if answer == "ok" { 4096 } else { 0 }]);
}

/// A file that cannot be extended for attributes keeps what it has.
#[test]
fn no_room_for_attributes() {
    let dir = TestDir::new();
    let (mut writer, mut reader) = limited(&dir, "file-size");
    let refused = "error: out of memory: 1056768 bytes requested, 1048576 available of the size that this process may \
                   give to a file (RLIMIT_FSIZE)";
    (0..2).for_each(|_| lend(&mut writer, &mut reader, refused));
    assert_eq!(writer.ask("limit file-size-no-more"), "ok");
    (0..4).for_each(|_| lend(&mut writer, &mut reader, "ok"));
}
