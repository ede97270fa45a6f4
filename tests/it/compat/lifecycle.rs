//! Which process creates and which removes which file.

use crate::compat::support::{NAME, TestDir, next_i32};
use ndsharray::Error;
use ndsharray::compat::Overwrite;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

#[test]
fn nothing_is_left() {
    for mode in [Overwrite::Never, Overwrite::InPlace] {
        let dir = TestDir::new();
        let mut writer = dir.options().overwrite(mode).create::<i32>(NAME).unwrap();
        for n in 1..40 {
            writer.write(&[n], &vec![1; n]).unwrap();
            writer.write(&[n * 10_000], &vec![1; n * 10_000]).unwrap();
        }
        drop(writer);
        assert_eq!(dir.files(), Vec::<String>::new());
    }
}

#[test]
fn a_writer_that_wrote_nothing_leaves_nothing() {
    let dir = TestDir::new();
    drop(dir.options().create::<i32>(NAME).unwrap());
    assert_eq!(dir.files(), Vec::<String>::new());
}

#[test]
fn there_is_one_writer() {
    let dir = TestDir::new();
    let writer = dir.options().create::<i32>(NAME).unwrap();
    assert!(matches!(dir.options().create::<i32>(NAME), Err(Error::WriterExists { .. })));
    assert!(matches!(dir.options().remove(NAME), Err(Error::WriterExists { .. })));
    drop(writer);
    assert!(dir.options().create::<i32>(NAME).is_ok());
}

#[test]
fn the_mode_is_as_asked() {
    let dir = TestDir::new();
    let mut writer = dir.options().mode(0o644).create::<i32>(NAME).unwrap();
    for n in 0..5 {
        writer.write(&[1], &[n]).unwrap();
    }
    for name in dir.files() {
        assert_eq!(fs::metadata(dir.path().join(name)).unwrap().mode() & 0o777, 0o644);
    }
    assert!(matches!(dir.options().mode(0o666).create::<i32>("b"), Err(Error::Unsupported { .. })));
    assert!(matches!(dir.options().mode(0o1000).create::<i32>("b"), Err(Error::InvalidOption { .. })));
}

/// Python's reader maps the tag file once and keeps that mapping.
#[test]
fn a_tag_file_that_is_there_is_taken_over() {
    let dir = TestDir::new();
    let mut reader;
    {
        let mut first = dir.options().persist(true).create::<i32>(NAME).unwrap();
        first.write(&[1], &[1]).unwrap();
        reader = dir.reader();
        assert_eq!(next_i32(&mut reader), [1]);
        first.write(&[1], &[2]).unwrap();
    }
    assert_eq!(dir.files().len(), 2, "tag and last value");
    let inode = fs::metadata(dir.tag()).unwrap().ino();
    let mut second = dir.options().create::<i32>(NAME).unwrap();
    assert_eq!(next_i32(&mut reader), [2], "still there");
    let before = fs::read(dir.tag()).unwrap();
    second.write(&[1], &[3]).unwrap();
    let after = fs::read(dir.tag()).unwrap();
    assert_eq!(fs::metadata(dir.tag()).unwrap().ino(), inode);
    assert_eq!(before.iter().zip(&after).filter(|(a, b)| a != b).count(), 1, "one byte");
    assert_eq!(next_i32(&mut reader), [3]);
    drop(second);
    assert_eq!(dir.files(), Vec::<String>::new());
}

/// What a writer leaves that is killed while it creates the tag.
///
/// This library's writer, and Python's, which copies the tag in any order.
#[test]
fn the_start_of_a_tag_is_made_one() {
    let digits = "0123456789abcdef".repeat(2);
    let tag = format!("{NAME}_{digits}");
    let zeros = "\0".repeat(tag.len());
    for start in
        ["", &tag[..10], &zeros, &format!("{}{}", &tag[..16], &zeros[16..]), &format!("{}{digits}", &zeros[32..])]
    {
        let dir = TestDir::new();
        fs::write(dir.tag(), start).unwrap();
        let inode = fs::metadata(dir.tag()).unwrap().ino();
        let mut writer = dir.options().create::<i32>(NAME).unwrap();
        writer.write(&[1], &[1]).unwrap();
        assert_eq!(next_i32(&mut dir.reader()), [1]);
        assert_eq!(fs::metadata(dir.tag()).unwrap().ino(), inode);
    }
}

#[test]
fn readers_of_this_library_follow_the_name() {
    let dir = TestDir::new();
    let mut first = dir.options().create::<i32>(NAME).unwrap();
    first.write(&[1], &[1]).unwrap();
    let mut reader = dir.reader();
    assert_eq!(next_i32(&mut reader), [1]);
    drop(first);
    assert!(reader.read().unwrap().is_none());
    let mut second = dir.options().create::<i32>(NAME).unwrap();
    second.write(&[1], &[2]).unwrap();
    let end = std::time::Instant::now() + Duration::from_secs(20);
    let array = loop {
        if let Some(array) = reader.read().unwrap() {
            break array;
        }
        assert!(std::time::Instant::now() < end);
    };
    assert_eq!(array.view::<i32>().unwrap().as_slice(), [2]);
}

/// What Python leaves: the files of earlier shapes, and at the end all of them.
#[test]
fn leftovers_are_listed_and_removed() {
    let dir = TestDir::new();
    dir.options().persist(true).create::<i32>(NAME).unwrap().write(&[1], &[1]).unwrap();
    let old = format!("{NAME}_{}", "0123456789abcdef".repeat(2));
    let recent = format!("{NAME}_{}", "fedcba9876543210".repeat(2));
    for name in [&old, &recent] {
        fs::copy(dir.payload(), dir.path().join(name)).unwrap();
    }
    let an_hour_ago = std::time::SystemTime::now() - Duration::from_secs(3600);
    fs::File::options().write(true).open(dir.path().join(&old)).unwrap().set_modified(an_hour_ago).unwrap();
    // Not this channel's.
    let checksum = format!("{NAME}_{}", "5d41402abc4b2a76b9719d911017c592");
    fs::write(dir.path().join(checksum), "some bytes").unwrap();
    for name in [format!("{NAME}_short"), format!("{NAME}2_{}", "0".repeat(32)), format!("{NAME}.ndsh")] {
        fs::write(dir.path().join(name), "").unwrap();
    }

    let found = dir.options().leftovers(NAME).unwrap();
    assert_eq!(found.iter().map(|f| f.path.clone()).collect::<Vec<_>>(), [&old, &recent].map(|n| dir.path().join(n)));
    assert_eq!(found[0].len, 44);
    assert!(found[0].age >= Duration::from_secs(3600) && found[1].age < Duration::from_secs(3600));

    let removed = dir.options().remove_leftovers(NAME, Duration::from_secs(60)).unwrap();
    assert_eq!(removed.len(), 1);
    assert_eq!(removed[0].path, found[0].path);
    assert_eq!(next_i32(&mut dir.reader()), [1], "the current value stays");
    let removed = dir.options().remove_leftovers(NAME, Duration::ZERO).unwrap();
    assert_eq!(removed.len(), 1);
    assert_eq!(dir.options().leftovers(NAME).unwrap(), []);

    dir.options().remove(NAME).unwrap();
    assert!(matches!(dir.options().open(NAME), Err(Error::NotFound { .. })));
    assert_eq!(dir.files().len(), 4);
}

#[test]
fn what_a_living_writer_has_is_no_leftover() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<i32>(NAME).unwrap();
    for n in 0..10 {
        writer.write(&[1], &[n]).unwrap();
    }
    assert!(dir.files().len() > 5);
    assert_eq!(dir.options().leftovers(NAME).unwrap(), []);
}

#[test]
fn full_memory_is_an_error_and_the_last_value_stays() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<u8>(NAME).unwrap();
    writer.write(&[3], &[1, 2, 3]).unwrap();
    // More than any file may have: found out before memory is asked for.
    let mut any = dir.options().create_any("other").unwrap();
    assert!(any.write_bytes(ndsharray::DType::U8, &[isize::MAX as usize], &[]).is_err());
    assert_eq!(dir.reader().read().unwrap().unwrap().as_bytes(), [1, 2, 3]);
}
