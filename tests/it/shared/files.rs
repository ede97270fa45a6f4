//! Files with something in them that the library did not write.

use crate::common::stress;
use crate::shared::support::{NAME, TIMEOUT, TestDir};
use ndsharray::{Error, HeaderError};
use std::fs;
use std::time::Duration;

fn scribble(dir: &TestDir, at: u64, bytes: &[u8]) {
    crate::common::os::write_all_at(&fs::OpenOptions::new().write(true).open(dir.file()).unwrap(), bytes, at).unwrap();
}

#[test]
fn each_damage_to_the_head_is_an_error() {
    type Damage = (u64, Vec<u8>, fn(&HeaderError) -> bool);
    let int = |value: u32| value.to_ne_bytes().to_vec();
    let long = |value: u64| value.to_ne_bytes().to_vec();
    let damages: [Damage; 11] = [
        (0, b"X".to_vec(), |e| matches!(e, HeaderError::Magic { .. })),
        (8, vec![9], |e| matches!(e, HeaderError::ByteOrder { .. })),
        (12, int(2), |e| matches!(e, HeaderError::Version { expected: 1, found: 2 })),
        (16, vec![200], |e| matches!(e, HeaderError::DType { tag: 200 })),
        (17, vec![65], |e| matches!(e, HeaderError::Shape(_))),
        (17, vec![3], |e| matches!(e, HeaderError::Length { .. })),
        (20, int(1), |e| matches!(e, HeaderError::Parameter { .. })),
        (24, int(0), |e| matches!(e, HeaderError::Count { found: 0, .. })),
        (32, long(8193), |e| matches!(e, HeaderError::Offset { .. })),
        (40, long(1), |e| matches!(e, HeaderError::Length { .. })),
        (64, long(u64::MAX), |e| matches!(e, HeaderError::Shape(_) | HeaderError::Axis { .. })),
    ];
    for (at, bytes, expected) in damages {
        let dir = TestDir::new();
        drop(dir.create::<f32>(&[2, 3]));
        scribble(&dir, at, &bytes);
        match dir.array_options().open::<f32>(NAME) {
            Err(Error::Corrupt(error)) => assert!(expected(&error), "byte {at}: {error}"),
            other => panic!("byte {at}: {other:?}"),
        }
    }
}

#[test]
fn a_short_file_is_an_error() {
    let dir = TestDir::new();
    drop(dir.create::<f32>(&[1000]));
    let whole = fs::metadata(dir.file()).unwrap().len();
    for len in [whole - 1, 4096, 576, 100, 8] {
        fs::OpenOptions::new().write(true).open(dir.file()).unwrap().set_len(len).unwrap();
        assert!(
            matches!(
                dir.array_options().open::<f32>(NAME),
                Err(Error::Corrupt(HeaderError::Truncated { found, .. })) if found == len
            ),
            "{len}"
        );
    }
    fs::write(dir.file(), b"").unwrap();
    assert!(matches!(dir.array_options().open::<f32>(NAME), Err(Error::NotFound { .. })));
}

/// No word in the lock makes a call panic, or wait beyond its time limit.
#[test]
fn any_lock_word_has_an_answer() {
    let dir = TestDir::new();
    let array = dir.create::<u32>(&[4]);
    let other = dir.open::<u32>();
    let mut dice = stress::dice(1);
    for round in 0..300_u64 {
        let seed = dice.word();
        let word = match round % 3 {
            0 => seed,
            1 => seed & 0xf_0003,
            _ => seed & 0xf_01ff,
        };
        scribble(&dir, 576, &word.to_ne_bytes());
        scribble(&dir, 704, &(seed >> 20).to_ne_bytes());
        let brief = Duration::from_micros(100);
        let _ = other.try_read();
        let _ = array.read_timeout(brief);
        let _ = other.write_timeout(brief);
        let _ = array.try_write();
        let _ = array.is_poisoned();
        drop(dir.open::<u32>());
    }
    // A word that names no living process: its holders are dead.
    scribble(&dir, 576, &100_u64.to_ne_bytes());
    assert!(matches!(array.write_timeout(TIMEOUT), Err(Error::Poisoned(_))));
    scribble(&dir, 576, &0xffff_u64.to_ne_bytes());
    assert!(matches!(array.read_timeout(TIMEOUT), Err(Error::Poisoned(_))));
    array.clear_poison().unwrap();
    assert!(array.try_write().unwrap().is_some());
}
