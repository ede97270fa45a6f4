//! Files that no process has open.

use crate::support::{NAME, Room, next_i32};
use ndsharray::Error;
use ndsharray::compat::Leftover;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const NOW: Duration = Duration::ZERO;

fn names(found: Vec<Leftover>) -> Vec<PathBuf> {
    found.into_iter().map(|file| file.path).collect()
}

/// Waits until it is so: a child that another test has just forked has our files open too, until it calls `exec`.
fn until(mut so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !so() {
        assert!(Instant::now() < end, "waited in vain");
        std::thread::yield_now();
    }
}

#[test]
fn what_is_open_or_mapped_stays() {
    let room = Room::new();
    room.options().persist(true).create::<i32>(NAME).unwrap().write(&[1], &[1]).unwrap();
    let lost = room.path().join(format!("{NAME}_{}", "0".repeat(32)));
    fs::copy(room.payload(), &lost).unwrap();
    let all = room.files();

    // A process that does as Python does: the tag is mapped, its descriptor closed. As the owner it is asked, though it is ourselves.
    let tag = fs::File::open(room.tag()).unwrap();
    // SAFETY: nobody changes the file while it is mapped, or cuts it.
    let mapped = unsafe { memmap2::Mmap::map(&tag) }.unwrap();
    drop(tag);
    let unused = || names(room.options().unused(NAME, NOW).unwrap());
    // The current value may be wanted.
    until(|| unused() == [lost.clone()]);
    assert!(room.options().unused(NAME, Duration::from_secs(3600)).unwrap().is_empty(), "it is too new");
    let open = fs::File::open(&lost).unwrap();
    assert!(room.options().unused(NAME, NOW).unwrap().is_empty(), "somebody has it open");
    assert!(room.options().remove_unused(NAME, NOW).unwrap().is_empty());
    drop(open);
    assert_eq!(room.files(), all, "nothing has gone so far");
    until(|| names(room.options().remove_unused(NAME, NOW).unwrap()) == [lost.clone()]);
    assert_eq!(next_i32(&mut room.reader()), [1], "the last value is still there");

    drop(mapped);
    let both = [room.tag(), room.payload()];
    until(|| unused() == both);
    until(|| room.options().remove_unused(NAME, NOW).unwrap().iter().any(|file| file.path == both[0]));
    assert!(room.files().is_empty());
}

#[test]
fn what_a_living_writer_or_reader_has_is_used() {
    let room = Room::new();
    let mut writer = room.options().create::<i32>(NAME).unwrap();
    for n in 0..10 {
        writer.write(&[1], &[n]).unwrap();
    }
    assert!(room.options().remove_unused(NAME, NOW).unwrap().is_empty());
    let mut reader = room.reader();
    assert_eq!(next_i32(&mut reader), [9]);
    assert!(room.options().remove_unused("a/b", NOW).is_err_and(|error| matches!(error, Error::InvalidName { .. })));
    assert!(room.options().unused("nothing", NOW).unwrap().is_empty());
}
