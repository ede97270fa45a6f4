//! Files that are not what the package writes.

use crate::compat::support::{NAME, TestDir};
use ndsharray::compat::WireError;
use ndsharray::{Error, Foreign};
use std::fs;
use std::time::Duration;

/// A channel whose writer is gone, with the value [1, 2, 3].
fn kept() -> TestDir {
    let dir = TestDir::new();
    dir.options().persist(true).create::<i32>(NAME).unwrap().write(&[3], &[1, 2, 3]).unwrap();
    assert_eq!(dir.files().len(), 2);
    dir
}

fn open_error(dir: &TestDir) -> WireError {
    match dir.options().open(NAME) {
        Err(Error::Wire(error)) => error,
        other => panic!("{other:?}"),
    }
}

fn read_error(dir: &TestDir) -> WireError {
    let mut reader = dir.reader();
    match reader.read() {
        Err(Error::Wire(error)) => {
            assert!(!reader.is_valid());
            error
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn no_channel() {
    let dir = TestDir::new();
    assert!(matches!(dir.options().open(NAME), Err(Error::NotFound { .. })));
    let waited = dir.options().open_timeout(NAME, Duration::from_millis(5));
    assert!(matches!(waited, Err(Error::NotFound { .. })));
    assert!(matches!(dir.options().remove(NAME), Err(Error::NotFound { .. })));
    assert_eq!(dir.options().leftovers(NAME).unwrap(), []);
}

#[test]
fn names() {
    let dir = TestDir::new();
    for bad in ["", "a/b", "../a", "a\0", "Größe", &"x".repeat(201)] {
        assert!(matches!(dir.options().open(bad), Err(Error::InvalidName { .. })), "{bad:?}");
        assert!(matches!(dir.options().create::<u8>(bad), Err(Error::InvalidName { .. })), "{bad:?}");
        assert!(matches!(dir.options().leftovers(bad), Err(Error::InvalidName { .. })), "{bad:?}");
    }
}

#[test]
fn tags_of_any_other_length() {
    let dir = kept();
    let tag = fs::read(dir.tag()).unwrap();
    for len in (0..tag.len()).chain([tag.len() + 1, 5000]) {
        let mut other = tag.clone();
        other.resize(len, b'0');
        fs::write(dir.tag(), other).unwrap();
        assert_eq!(open_error(&dir), WireError::TagLength { expected: tag.len(), found: len as u64 });
    }
}

#[test]
fn tags_that_are_no_tags() {
    let dir = kept();
    let tag = fs::read(dir.tag()).unwrap();
    for at in [0, NAME.len(), NAME.len() + 1, tag.len() - 1] {
        for byte in [0, b'G', b'/', 0xff] {
            let mut bad = tag.clone();
            bad[at] = byte;
            fs::write(dir.tag(), bad).unwrap();
            assert!(matches!(open_error(&dir), WireError::TagText { .. }));
        }
    }
}

#[test]
fn a_tag_that_goes_bad_later() {
    let dir = kept();
    let mut reader = dir.reader();
    assert!(reader.read().unwrap().is_some());
    let tag = fs::read(dir.tag()).unwrap();
    fs::write(dir.tag(), "half").unwrap();
    assert!(matches!(reader.read(), Err(Error::Wire(WireError::TagLength { found: 4, .. }))));
    assert!(!reader.is_valid());
    fs::write(dir.tag(), tag).unwrap();
    assert!(reader.read().unwrap().is_none());
    assert!(reader.is_valid());
}

/// A wait for the channel ends with the complete tag, not with any file.
#[test]
fn waiting_for_a_tag_that_is_being_made() {
    let dir = kept();
    let tag = fs::read(dir.tag()).unwrap();
    fs::write(dir.tag(), &tag[..10]).unwrap();
    let waited = dir.options().open_timeout(NAME, Duration::from_millis(5));
    assert!(matches!(waited, Err(Error::Wire(WireError::TagLength { found: 10, .. }))));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| dir.options().open_timeout(NAME, Duration::from_secs(20)));
        fs::write(dir.tag(), &tag).unwrap();
        assert!(waiting.join().unwrap().unwrap().read().unwrap().is_some());
    });
}

#[test]
fn a_payload_that_is_not_there() {
    let dir = kept();
    fs::remove_file(dir.payload()).unwrap();
    let mut reader = dir.reader();
    assert!(reader.read().unwrap().is_none());
    assert!(!reader.is_valid());
}

#[test]
fn payloads_cut_anywhere() {
    let dir = kept();
    let whole = fs::read(dir.payload()).unwrap();
    for len in 0..whole.len() {
        fs::write(dir.payload(), &whole[..len]).unwrap();
        let found = len as u64;
        let expected = match len {
            0..24 => WireError::Truncated { expected: 32, found },
            24..32 => WireError::Truncated { expected: 40, found },
            _ => WireError::Length { expected: 52, found },
        };
        assert_eq!(read_error(&dir), expected, "{len}");
    }
    let mut long = whole.clone();
    long.push(0);
    fs::write(dir.payload(), long).unwrap();
    assert_eq!(read_error(&dir), WireError::Length { expected: 52, found: 53 });
}

#[test]
fn a_payload_that_is_cut_while_it_is_open() {
    let dir = kept();
    let mut reader = dir.reader();
    assert!(reader.read().unwrap().is_some());
    fs::OpenOptions::new().write(true).open(dir.payload()).unwrap().set_len(5).unwrap();
    assert!(matches!(reader.read(), Err(Error::Wire(WireError::Truncated { found: 5, .. }))));
}

#[test]
fn headers_that_lie() {
    let dir = kept();
    let whole = fs::read(dir.payload()).unwrap();
    let with = |at: usize, value: u64| {
        let mut bad = whole.clone();
        bad[at..at + 8].copy_from_slice(&value.to_be_bytes());
        fs::write(dir.payload(), bad).unwrap();
        read_error(&dir)
    };
    assert_eq!(with(8, 16), WireError::DTypeIndex { found: 16, count: 16 });
    assert_eq!(with(8, u64::MAX), WireError::DTypeIndex { found: u64::MAX, count: 16 });
    assert_eq!(with(8, 3), WireError::Length { expected: 64, found: 52 });
    assert_eq!(with(16, 65), WireError::Ndim { found: 65 });
    assert_eq!(with(16, u64::MAX), WireError::Ndim { found: u64::MAX });
    // Elements taken for axes are more than a 32-bit process can address.
    assert!(matches!(with(16, 64), WireError::Truncated { .. } | WireError::Axis { .. }));
    assert!(matches!(with(16, 2), WireError::Length { .. } | WireError::Axis { axis: 1, .. }));
    assert!(matches!(with(24, u64::MAX), WireError::Shape(_) | WireError::Axis { .. }));
    // More than a 32-bit process can address is another error there.
    let far = with(24, 1 << 40);
    if usize::BITS == 32 {
        assert_eq!(far, WireError::Axis { axis: 0, len: 1 << 40 });
    } else {
        assert_eq!(far, WireError::Length { expected: 40 + (4 << 40), found: 52 });
    }
}

/// A file may claim more than all memory, and be as long.
///
/// That takes no memory.
#[test]
fn a_payload_larger_than_memory() {
    let dir = kept();
    let whole = fs::read(dir.payload()).unwrap();
    let elements: u64 = 1 << 59;
    let mut bad = whole[..32].to_vec();
    bad[24..].copy_from_slice(&elements.to_be_bytes());
    fs::write(dir.payload(), bad).unwrap();
    let file = fs::OpenOptions::new().write(true).open(dir.payload()).unwrap();
    if file.set_len(elements * 4 + 40).is_err() {
        return; // Not on this file system.
    }
    // Both stamps must agree for the elements to be looked at.
    std::os::unix::fs::FileExt::write_all_at(&file, &[0; 8], 0).unwrap();
    match dir.reader().read() {
        Err(Error::OutOfMemory { .. }) => {}
        // A 32-bit process cannot even name so many.
        Err(Error::Wire(WireError::Axis { axis: 0, len })) if usize::BITS == 32 => assert_eq!(len, elements),
        other => panic!("{other:?}"),
    }
}

/// Stamps that never agree are an error in the end, not an endless loop.
#[test]
fn a_value_that_stays_half_written() {
    let dir = kept();
    let mut bytes = fs::read(dir.payload()).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(dir.payload(), bytes).unwrap();
    assert!(matches!(dir.reader().read(), Err(Error::Contended { .. })));
}

#[test]
fn wrong_bools_are_named() {
    let dir = TestDir::new();
    dir.options().persist(true).create::<bool>(NAME).unwrap().write(&[3], &[true, false, true]).unwrap();
    let mut bytes = fs::read(dir.payload()).unwrap();
    bytes[33] = 7;
    fs::write(dir.payload(), bytes).unwrap();
    let array = dir.reader().read().unwrap().unwrap();
    assert!(matches!(array.view::<bool>(), Err(Error::InvalidBool { index: 1, value: 7, .. })));
}

#[test]
fn links_and_other_things() {
    let dir = kept();
    let elsewhere = dir.path().join("elsewhere");
    fs::rename(dir.tag(), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, dir.tag()).unwrap();
    let is_symlink = |e: &Error| matches!(e, Error::ForeignOwner { what: Foreign::Symlink, .. });
    assert!(is_symlink(&dir.options().open(NAME).unwrap_err()));
    assert!(is_symlink(&dir.options().create::<i32>(NAME).unwrap_err()));
    fs::remove_file(dir.tag()).unwrap();
    fs::create_dir(dir.tag()).unwrap();
    let not_a_file = dir.options().open(NAME).unwrap_err();
    assert!(
        matches!(not_a_file, Error::ForeignOwner { what: Foreign::NotAFile, .. } | Error::Io { .. }),
        "{not_a_file:?}"
    );
    assert!(dir.options().create::<i32>(NAME).is_err());
}
