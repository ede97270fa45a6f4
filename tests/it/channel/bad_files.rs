//! Files of a wrong length, kind, version or byte order, or of another channel.

use crate::channel::support::{KEPT, NAME, TestDir, latest_vec, overwrite, peek};
use crate::common::os::clear;
use ndsharray::{Error, HeaderError, Reader};
use std::fs;
use std::path::Path;

fn corruption<T>(result: Result<T, Error>) -> HeaderError {
    match result {
        Ok(_) => panic!("it was taken for good"),
        Err(Error::Corrupt(error)) => error,
        Err(other) => panic!("{other}"),
    }
}

/// Puts `bytes` in place of the file's, and its own back after the check.
fn with_bytes(path: &Path, bytes: &[u8], check: impl FnOnce()) {
    let before = fs::read(path).unwrap();
    fs::write(path, bytes).unwrap();
    check();
    fs::write(path, before).unwrap();
}

/// Changes a few bytes for the time of the check.
fn with_change(path: &Path, at: u64, bytes: &[u8], check: impl FnOnce()) {
    let before = peek(path, at, bytes.len());
    overwrite(path, at, bytes);
    check();
    overwrite(path, at, &before);
}

const ORDER: u32 = 0x0102_0304;

/// Each head that is not one of ours, and what is said of it.
fn bad_heads(magic: &[u8; 8]) -> Vec<(u64, Vec<u8>, HeaderError)> {
    let swapped = ORDER.swap_bytes();
    let mut other = *magic;
    other[7] ^= 1;
    vec![
        (0, other.to_vec(), HeaderError::Magic { found: other }),
        (0, b"\x7fELF\x02\x01\x01\0".to_vec(), HeaderError::Magic { found: *b"\x7fELF\x02\x01\x01\0" }),
        (8, swapped.to_ne_bytes().to_vec(), HeaderError::ByteOrder { found: swapped }),
        (8, 0_u32.to_ne_bytes().to_vec(), HeaderError::ByteOrder { found: 0 }),
        (12, 2_u32.to_ne_bytes().to_vec(), HeaderError::Version { expected: 1, found: 2 }),
        (12, 0_u32.to_ne_bytes().to_vec(), HeaderError::Version { expected: 1, found: 0 }),
    ]
}

#[test]
fn boards_with_a_bad_head() {
    let dir = TestDir::new();
    dir.keep_value();
    let mut bad = bad_heads(b"NDSHBORD");
    for slots in [0, 65, u32::MAX] {
        bad.push((32, slots.to_ne_bytes().to_vec(), HeaderError::Count { what: "slots", found: slots, max: 64 }));
    }
    for readers in [0, 449] {
        bad.push((
            36,
            u32::to_ne_bytes(readers).to_vec(),
            HeaderError::Count { what: "reader entries", found: readers, max: 448 },
        ));
    }
    for (at, bytes, expected) in bad {
        with_change(&dir.board(), at, &bytes, || {
            assert_eq!(corruption(dir.options().open(NAME)), expected);
            assert_eq!(corruption(dir.options().open_read_only(NAME)), expected);
            assert_eq!(corruption(dir.options().create::<u8>(NAME)), expected);
        });
        dir.assert_kept();
    }
}

#[test]
fn reader_tables_with_a_bad_head() {
    let dir = TestDir::new();
    dir.keep_value();
    for (at, bytes, expected) in bad_heads(b"NDSHREAD") {
        with_change(&dir.table(), at, &bytes, || {
            assert_eq!(corruption(dir.options().open(NAME)), expected);
            let copy = dir.options().open_read_only(NAME).unwrap().latest_owned().unwrap().unwrap();
            assert_eq!(copy.view::<i32>().unwrap().as_slice(), KEPT, "which needs no reader table");
        });
        dir.assert_kept();
    }
}

#[test]
fn truncated_boards() {
    let dir = TestDir::new();
    dir.keep_value();
    let whole = fs::read(dir.board()).unwrap();
    assert_eq!(whole.len(), 128 + 4 * 576);
    for (len, expected) in [(1, 64), (63, 64), (64, whole.len()), (127, whole.len()), (whole.len() - 1, whole.len())] {
        with_bytes(&dir.board(), &whole[..len], || {
            let expected = HeaderError::Truncated { expected: expected as u64, found: len as u64 };
            assert_eq!(corruption(dir.options().open(NAME)), expected);
            assert_eq!(corruption(dir.options().open_read_only(NAME)), expected);
            assert_eq!(corruption(dir.options().create::<u8>(NAME)), expected);
        });
        dir.assert_kept();
    }
}

#[test]
fn truncated_reader_tables() {
    let dir = TestDir::new();
    dir.keep_value();
    let whole = fs::read(dir.table()).unwrap();
    assert_eq!(whole.len(), 128 + 64 * 64);
    for (len, expected) in [(1, 64), (64, whole.len()), (128, whole.len()), (whole.len() - 1, whole.len())] {
        with_bytes(&dir.table(), &whole[..len], || {
            let expected = HeaderError::Truncated { expected: expected as u64, found: len as u64 };
            assert_eq!(corruption(dir.options().open(NAME)), expected);
        });
        dir.assert_kept();
    }
}

#[test]
fn longer_files_are_no_harm() {
    let dir = TestDir::new();
    dir.keep_value();
    for path in [dir.board(), dir.table(), dir.path().join(&dir.payloads()[0])] {
        let mut longer = fs::read(&path).unwrap();
        longer.extend([0xaa; 10_001]);
        fs::write(&path, longer).unwrap();
        dir.assert_kept();
    }
    let mut writer = dir.writer::<u8>();
    assert_eq!(writer.write(&[1], &[1]).unwrap(), 2);
    assert_eq!(latest_vec::<u8>(&mut dir.reader()), [1]);
}

#[test]
fn empty_files_and_zeros_are_channels_still_to_be_made() {
    let dir = TestDir::new();
    for content in [vec![], vec![0; 64], vec![0; 5000]] {
        fs::write(dir.board(), &content).unwrap();
        assert!(matches!(dir.options().open(NAME), Err(Error::NotFound { path, .. }) if path == dir.board()));
        assert!(matches!(dir.options().open_read_only(NAME), Err(Error::NotFound { .. })));
        let mut writer = dir.writer::<u8>();
        writer.write(&[1], &[1]).unwrap();
        assert_eq!(latest_vec::<u8>(&mut dir.reader()), [1]);
        drop(writer);
        assert_eq!(dir.files(), [""; 0]);
    }
}

/// What a writer that was killed while it made its channel may leave.
#[test]
fn channels_half_made_are_made_anew() {
    let dir = TestDir::new();
    dir.keep_value();
    let state = 64 + 24;
    let table = fs::read(dir.table()).unwrap();
    for remains in [None, Some(vec![]), Some(vec![0; 4224]), Some(table)] {
        overwrite(&dir.board(), state, &0_u32.to_ne_bytes());
        match remains {
            None => fs::remove_file(dir.table()).unwrap(),
            Some(bytes) => fs::write(dir.table(), bytes).unwrap(),
        }
        assert!(matches!(dir.options().open(NAME), Err(Error::NotFound { .. })));
        let mut writer = dir.options().persist(true).create::<u8>(NAME).unwrap();
        writer.write(&[2], &[3, 4]).unwrap();
        assert_eq!(latest_vec::<u8>(&mut dir.reader()), [3, 4]);
    }
}

#[test]
fn random_bytes() {
    let dir = TestDir::new();
    dir.keep_value();
    let noise: Vec<u8> = (1..6000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut found = [0; 8];
    found.copy_from_slice(&noise[..8]);
    with_bytes(&dir.board(), &noise, || {
        assert_eq!(corruption(dir.options().open(NAME)), HeaderError::Magic { found });
        assert_eq!(corruption(dir.options().create::<u8>(NAME)), HeaderError::Magic { found });
    });
    with_bytes(&dir.table(), &noise, || {
        assert_eq!(corruption(dir.options().open(NAME)), HeaderError::Magic { found });
    });
    dir.assert_kept();
}

#[test]
fn each_file_in_the_place_of_the_other() {
    let dir = TestDir::new();
    dir.keep_value();
    let (board, table) = (fs::read(dir.board()).unwrap(), fs::read(dir.table()).unwrap());
    with_bytes(&dir.board(), &table, || {
        assert_eq!(corruption(dir.options().open(NAME)), HeaderError::Magic { found: *b"NDSHREAD" });
    });
    with_bytes(&dir.table(), &board, || {
        assert_eq!(corruption(dir.options().open(NAME)), HeaderError::Magic { found: *b"NDSHBORD" });
    });
    dir.assert_kept();
}

#[test]
fn the_reader_table_of_another_channel() {
    let dir = TestDir::new();
    dir.keep_value();
    let mut other = dir.options().persist(true).create::<i32>("other").unwrap();
    other.write(&[1], &[1]).unwrap();
    drop(other);
    let strange = fs::read(dir.path().join("other.ndsh-readers")).unwrap();
    let (ours, theirs) = (peek(&dir.board(), 16, 16), &strange[16..32]);
    with_bytes(&dir.table(), &strange, || {
        let HeaderError::Stranger { expected, found } = corruption(dir.options().open(NAME)) else {
            panic!("not told as a stranger")
        };
        assert_eq!((expected.as_bytes().as_slice(), found.as_bytes().as_slice()), (ours.as_slice(), theirs));
    });
    dir.assert_kept();
}

#[test]
fn a_missing_reader_table() {
    let dir = TestDir::new();
    dir.keep_value();
    let table = fs::read(dir.table()).unwrap();
    fs::remove_file(dir.table()).unwrap();
    assert!(matches!(dir.options().open(NAME), Err(Error::NotFound { path, .. }) if path == dir.table()));
    let copy = dir.options().open_read_only(NAME).unwrap().latest_owned().unwrap().unwrap();
    assert_eq!(copy.view::<i32>().unwrap().as_slice(), KEPT);
    fs::write(dir.table(), table).unwrap();
    dir.assert_kept();
}

/// A writer cannot know which reader holds what when the reader table is damaged.
///
/// It creates a new channel that goes on with the numbers.
#[test]
fn a_damaged_reader_table_is_replaced_by_the_next_writer() {
    let dir = TestDir::new();
    dir.keep_value();
    let mut attached = dir.reader();
    assert_eq!(latest_vec::<i32>(&mut attached), KEPT);
    let held = attached.latest_owned().unwrap().unwrap();
    if cfg!(windows) {
        // A file that is mapped cannot be cut there.
        overwrite(&dir.table(), 0, b"no table");
    } else {
        fs::write(dir.table(), "no table").unwrap();
    }
    let mut writer = dir.writer::<i32>();
    for (n, seq) in (2..=4).zip(2..) {
        assert_eq!(writer.write(&[1], &[n]).unwrap(), seq);
    }
    assert_eq!(latest_vec::<i32>(&mut dir.reader()), [4]);
    assert_eq!(held.view::<i32>().unwrap().as_slice(), KEPT);
    let sample = attached.read().unwrap().expect("it has found the new channel");
    assert_eq!((sample.seq(), sample.missed()), (4, 2));
    assert_eq!(dir.reader().writer_epoch(), 2);
}

fn payload_error(reader: &mut Reader) -> HeaderError {
    corruption(reader.latest())
}

#[test]
fn missing_and_truncated_payloads() {
    let dir = TestDir::new();
    let value: Vec<u64> = (0..1000).collect();
    dir.options().persist(true).create::<u64>(NAME).unwrap().write(&[1000], &value).unwrap();
    let path = dir.path().join(&dir.payloads()[0]);
    let whole = fs::read(&path).unwrap();
    let mut copies = dir.options().open_read_only(NAME).unwrap();
    for len in [7999, 4096, 1, 0] {
        with_bytes(&path, &whole[..len], || {
            let expected = HeaderError::Payload { expected: 8000, found: len as u64 };
            assert_eq!(payload_error(&mut dir.reader()), expected);
            assert_eq!(corruption(copies.latest_owned()), expected);
            assert_eq!(corruption(dir.reader().read_into(&mut Vec::<u64>::new())), expected);
        });
        assert_eq!(latest_vec::<u64>(&mut dir.reader()), value);
        assert_eq!(copies.latest_owned().unwrap().unwrap().view::<u64>().unwrap().as_slice(), value);
    }
    let mut late = dir.reader();
    clear(&path);
    let expected = HeaderError::Payload { expected: 8000, found: 0 };
    assert_eq!(payload_error(&mut late), expected);
    assert_eq!(corruption(dir.options().open_read_only(NAME).unwrap().latest_owned()), expected);
    fs::write(&path, &whole).unwrap();
    assert_eq!(latest_vec::<u64>(&mut late), value, "the reader that failed can try again");

    clear(&path);
    let mut writer = dir.writer::<u64>();
    assert_eq!(writer.write(&[1], &[5]).unwrap(), 2);
    assert_eq!(latest_vec::<u64>(&mut late), [5]);
}

#[test]
fn damaged_channels_can_be_removed() {
    let dir = TestDir::new();
    for damage in [b"".as_slice(), &[0; 3], &[0; 100], b"NDSHBORD", b"NDSHBORDxxxx".repeat(9).as_slice()] {
        dir.keep_value();
        fs::write(dir.board(), damage).unwrap();
        dir.options().remove(NAME).unwrap();
        assert_eq!(dir.files(), [""; 0]);
    }
    dir.keep_value();
    fs::remove_file(dir.table()).unwrap();
    dir.options().remove(NAME).unwrap();
    assert_eq!(dir.files(), [""; 0]);
}

/// A file without this library's sign is left alone, under any of its names.
#[test]
fn foreign_files_under_our_names_stay() {
    for content in [b"x".as_slice(), b"somebody's thesis", &[0xff; 3000], b"NDSHARRY".repeat(20).as_slice()] {
        let dir = TestDir::new();
        let foreign = |path: &Path| {
            fs::write(path, content).unwrap();
            let options = dir.options();
            for refused in [
                options.create::<u8>(NAME).map(drop),
                options.create_any(NAME).map(drop),
                options.remove(NAME),
                options.remove_unused(NAME),
            ] {
                let refused = refused.unwrap_err();
                assert!(matches!(refused, Error::Corrupt(_)), "{}: {refused:?}", path.display());
            }
            assert_eq!(fs::read(path).unwrap(), content, "{}", path.display());
            fs::remove_file(path).unwrap();
            assert_eq!(dir.files(), [""; 0], "nothing else is left");
        };
        foreign(&dir.board());
        foreign(&dir.table());
        // Digits that are no id of a payload of ours.
        let close = dir.path().join(format!("{NAME}.ndsh-{}", "0".repeat(32)));
        fs::write(&close, content).unwrap();
        dir.options().create::<u8>(NAME).unwrap().write(&[1], &[1]).unwrap();
        dir.keep_value();
        dir.options().remove(NAME).unwrap();
        assert_eq!(fs::read(&close).unwrap(), content);
        assert!(matches!(dir.options().remove(NAME), Err(Error::NotFound { .. })));
    }
}
