//! A process with the owner's rights writes nonsense to the board or to a payload.

use crate::channel::support::{KEPT, NAME, TestDir, latest_vec, overwrite, peek};
use crate::common::stress;
use crate::peer::channel;
use ndsharray::{DType, Error, HeaderError, ShapeError};
use proptest::prelude::*;
use std::path::Path;

/// Where the fields stand, see `docs/FORMAT.md`.
const LATEST: u64 = 64;
const SLOTS: u64 = 128;
const SLOT: u64 = 576;
const LENGTH: u64 = 24;
const TAG: u64 = 40;
const NDIM: u64 = 41;
const AXES: u64 = 48;

fn word(path: &Path, at: u64) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&peek(path, at, 8));
    u64::from_ne_bytes(bytes)
}

/// Where the current value's slot begins.
fn slot(dir: &TestDir) -> u64 {
    SLOTS + SLOT * (word(&dir.board(), LATEST) & 63)
}

/// What all kinds of readers say of a channel; it must be the same.
fn verdict(dir: &TestDir) -> HeaderError {
    let mut reader = dir.reader();
    let Err(Error::Corrupt(error)) = reader.latest().map(drop) else { panic!("it was taken for good") };
    for answer in [
        reader.read().map(drop),
        reader.latest_owned().map(drop),
        reader.read_into(&mut Vec::<i32>::new()).map(drop),
        dir.options().open_read_only(NAME).unwrap().latest_owned().map(drop),
    ] {
        assert!(matches!(&answer, Err(Error::Corrupt(other)) if *other == error), "{answer:?}, but {error}");
    }
    error
}

/// The error for a first axis beyond all memory.
///
/// A 32-bit process cannot even name some of these lengths.
fn too_long(len: u64) -> HeaderError {
    match usize::try_from(len) {
        Ok(len) => HeaderError::Shape(ShapeError::Overflow { axis: 0, len }),
        Err(_) => HeaderError::Axis { axis: 0, len },
    }
}

#[test]
fn slot_headers() {
    let dir = TestDir::new();
    dir.keep_value();
    let at = slot(&dir);
    let cases: Vec<(u64, Vec<u8>, HeaderError)> = vec![
        (TAG, vec![0], HeaderError::DType { tag: 0 }),
        (TAG, vec![200], HeaderError::DType { tag: 200 }),
        (TAG, vec![255], HeaderError::DType { tag: 255 }),
        (TAG, vec![DType::F64 as u8], HeaderError::Length { expected: 24, found: 12 }),
        (NDIM, vec![65], HeaderError::Shape(ShapeError::TooManyDims { ndim: 65 })),
        (NDIM, vec![255], HeaderError::Shape(ShapeError::TooManyDims { ndim: 255 })),
        (NDIM, vec![0], HeaderError::Length { expected: 4, found: 12 }),
        (LENGTH, 13_u64.to_ne_bytes().to_vec(), HeaderError::Length { expected: 12, found: 13 }),
        (LENGTH, u64::MAX.to_ne_bytes().to_vec(), HeaderError::Length { expected: 12, found: u64::MAX }),
        (AXES, 4_u64.to_ne_bytes().to_vec(), HeaderError::Length { expected: 16, found: 12 }),
        (AXES, u64::MAX.to_ne_bytes().to_vec(), too_long(u64::MAX)),
        // Shape and length agree, but the file is shorter.
        (8, [0xab; 16].to_vec(), HeaderError::Payload { expected: 12, found: 0 }),
    ];
    for (field, bytes, expected) in cases {
        let before = peek(&dir.board(), at + field, bytes.len());
        overwrite(&dir.board(), at + field, &bytes);
        assert_eq!(verdict(&dir), expected);
        overwrite(&dir.board(), at + field, &before);
        dir.assert_kept();
    }
    // Flags that no writer sets, and the dtype's parameter.
    for (field, byte) in [(42, 4), (43, 1), (44, 1), (45, 1), (46, 1), (47, 1)] {
        overwrite(&dir.board(), at + field, &[byte]);
        assert!(matches!(verdict(&dir), HeaderError::Parameter { .. }));
        overwrite(&dir.board(), at + field, &[0]);
    }
    dir.assert_kept();
}

#[test]
fn a_shape_larger_than_the_file() {
    let dir = TestDir::new();
    dir.keep_value();
    let at = slot(&dir);
    let (length, axis) = (peek(&dir.board(), at + LENGTH, 8), peek(&dir.board(), at + AXES, 8));
    overwrite(&dir.board(), at + LENGTH, &(4_000_000_u64).to_ne_bytes());
    overwrite(&dir.board(), at + AXES, &(1_000_000_u64).to_ne_bytes());
    assert_eq!(verdict(&dir), HeaderError::Payload { expected: 4_000_000, found: 4096 });
    overwrite(&dir.board(), at + LENGTH, &length);
    overwrite(&dir.board(), at + AXES, &axis);
    dir.assert_kept();
}

/// The most that a header can ask for.
///
/// A peer reads it, since a process that runs out of memory ends.
#[test]
fn a_shape_larger_than_memory() {
    let dir = TestDir::new();
    dir.keep_value();
    let at = slot(&dir);
    let good = peek(&dir.board(), at, SLOT as usize);
    let elements = 1_u64 << 60;
    overwrite(&dir.board(), at + LENGTH, &(elements * 4).to_ne_bytes());
    overwrite(&dir.board(), at + AXES, &elements.to_ne_bytes());
    let mut peer = channel::start(&dir);
    let expected = match usize::try_from(elements) {
        Ok(_) => HeaderError::Payload { expected: elements * 4, found: 4096 },
        Err(_) => too_long(elements),
    }
    .to_string();
    for open in ["open", "open-read-only"] {
        assert_eq!(peer.ask(open), "ok");
        assert_eq!(peer.ask("why-not hold"), expected);
        assert_eq!(peer.ask("why-not copy-i32"), expected);
    }
    overwrite(&dir.board(), at, &good);
    dir.assert_kept();
}

#[test]
fn the_latest_word() {
    let dir = TestDir::new();
    dir.keep_value();
    let good = word(&dir.board(), LATEST);
    let (number, slot) = (good >> 6, good & 63);
    // A number that the slot does not hold; slots that are empty, or that a board of four lacks.
    for (number, slot) in [(number + 1, slot), (number, (slot + 1) % 4), (number, 4), (number, 63), (u64::MAX >> 6, 63)]
    {
        overwrite(&dir.board(), LATEST, &(number << 6 | slot).to_ne_bytes());
        assert_eq!(verdict(&dir), HeaderError::Slot { number, slot: slot as usize });
    }
    overwrite(&dir.board(), LATEST, &good.to_ne_bytes());
    dir.assert_kept();
}

/// The next writer counts on from what is credible.
#[test]
fn a_number_that_no_writer_reaches_does_not_count() {
    for latest in [u64::MAX, u64::MAX << 6, (u64::MAX << 6) | 3] {
        let dir = TestDir::new();
        dir.keep_value();
        let mut attached = dir.reader();
        assert_eq!(latest_vec::<i32>(&mut attached), KEPT);
        overwrite(&dir.board(), LATEST, &latest.to_ne_bytes());
        let mut writer = dir.options().create::<u8>(NAME).unwrap();
        for (n, seq) in (1..=10).zip(2..) {
            assert_eq!(writer.write(&[1], &[n]).unwrap(), seq);
            assert_eq!(latest_vec::<u8>(&mut dir.reader()), [n]);
            assert_eq!(latest_vec::<u8>(&mut attached), [n]);
        }
    }
}

#[test]
fn bools_in_a_payload() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<bool>();
    writer.write(&[2, 2], &[true, false, true, false]).unwrap();
    let payload = dir.path().join(writer.payload_name().unwrap());
    let mut reader = dir.reader();
    assert_eq!(latest_vec::<bool>(&mut reader), [true, false, true, false]);
    overwrite(&payload, 2, &[7]);
    let is_told = |error: Error| {
        assert!(matches!(error, Error::InvalidBool { index: 2, value: 7, .. }), "{error}");
        assert!(error.to_string().contains("element 2") && error.to_string().contains("0x07"), "{error}");
    };
    let sample = reader.latest().unwrap().unwrap();
    is_told(sample.view::<bool>().unwrap_err());
    is_told(sample.any_view().unwrap_err());
    assert_eq!(sample.as_bytes(), [1, 0, 7, 0], "bytes are bytes");
    is_told(sample.into_owned().view::<bool>().unwrap_err());
    is_told(dir.reader().read_into(&mut Vec::<bool>::new()).unwrap_err());
    let copy = dir.options().open_read_only(NAME).unwrap().latest_owned().unwrap().unwrap();
    is_told(copy.view::<bool>().unwrap_err());

    for _ in 0..10 {
        writer.write(&[1], &[true]).unwrap();
        assert_eq!(latest_vec::<bool>(&mut reader), [true], "the next value is whole again");
    }
}

/// After wrong bools in `read_into`, nothing invalid is in the vector.
#[test]
fn wrong_bools_do_not_get_into_the_vector() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<bool>();
    writer.write(&[3], &[true; 3]).unwrap();
    overwrite(&dir.path().join(writer.payload_name().unwrap()), 0, &[0xff; 3]);
    let mut out = vec![false; 2];
    let mut reader = dir.reader();
    assert!(reader.read_into(&mut out).is_err());
    // SAFETY: the vector's own bytes, which may be looked at whatever they are.
    let raw = unsafe { std::slice::from_raw_parts(out.as_ptr().cast::<u8>(), out.len()) };
    assert!(raw.iter().all(|byte| *byte <= 1), "{raw:?}");
}

/// Any board has an answer, and with the old bytes the old value.
#[test]
fn any_bytes_anywhere_on_the_board() {
    let dir = TestDir::new();
    dir.keep_value();
    let good = std::fs::read(dir.board()).unwrap();
    let end = SLOTS + 4 * SLOT;
    let change = prop::collection::vec((0..end, prop::collection::vec(any::<u8>(), 1..16)), 1..4);
    let mut runner = proptest::test_runner::TestRunner::new(stress::property(400));
    runner
        .run(&change, |changes| {
            for (at, bytes) in &changes {
                let room_left = (end - at) as usize;
                overwrite(&dir.board(), *at, &bytes[..bytes.len().min(room_left)]);
            }
            for open in [ndsharray::Options::open, ndsharray::Options::open_read_only] {
                if let Ok(mut reader) = open(&dir.options(), NAME) {
                    let _ = reader.is_writer_alive();
                    let _ = reader.read_into(&mut Vec::<i32>::new());
                    if let Ok(Some(sample)) = reader.latest_owned() {
                        let _ = sample.any_view();
                        prop_assert!(sample.as_bytes().len() <= 4096);
                    }
                }
            }
            std::fs::write(dir.board(), &good).unwrap();
            prop_assert_eq!(latest_vec::<i32>(&mut dir.reader()), KEPT);
            Ok(())
        })
        .unwrap();
}

/// Every reader can write the reader table.
///
/// Nonsense there may cost the writer its choice of slots, but nothing else.
#[test]
fn nonsense_in_the_reader_table() {
    let dir = TestDir::new();
    let mut writer = dir.options().max_slots(3).create::<u8>(NAME).unwrap();
    writer.write(&[1], &[1]).unwrap();
    let table = dir.table();
    // An entry without an owner claims to hold everything: its lock is free, so its reader is dead.
    overwrite(&table, 128 + 5 * 64, &[0xff; 16]);
    overwrite(&table, 72, &[0xff; 56]);
    for n in 0..20 {
        writer.write(&[1], &[n]).unwrap();
    }
    let mut reader = dir.reader();
    assert_eq!(latest_vec::<u8>(&mut reader), [19]);
    // The reader's own entry claims to hold everything. One slot has been claimed before.
    overwrite(&table, 128, &[0xff; 16]);
    writer.write(&[1], &[20]).unwrap();
    assert!(matches!(writer.write(&[1], &[1]), Err(Error::AllSlotsPinned { slots: 3, .. })));
    assert_eq!(latest_vec::<u8>(&mut reader), [20]);
    drop(reader);
    assert_eq!(writer.write(&[1], &[21]).unwrap(), 23);
}
