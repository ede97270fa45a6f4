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

/// A channel that nobody has, with many files, so that sweeping it takes a while.
fn abandoned() -> Room {
    let room = Room::new();
    room.options().persist(true).create::<i32>(NAME).unwrap().write(&[1], &[1]).unwrap();
    for n in 0..40 {
        fs::copy(room.payload(), room.path().join(format!("{NAME}_{n:032}"))).unwrap();
    }
    room
}

/// A process that opens the tag while it is swept waits for the kernel, as Python does, or asks
/// again, as this library does. Either ends up with a tag that has its name, or with none.
#[test]
fn who_opens_the_tag_while_it_is_swept_gets_it_whole_or_not_at_all() {
    let (mut opened, mut swept) = (0, 0);
    for round in 0..200 {
        let room = abandoned();
        let late = Duration::from_micros(round * 7 % 400);
        std::thread::scope(|scope| {
            let python = scope.spawn(|| {
                std::thread::sleep(late);
                fs::File::open(room.tag())
            });
            let rust = scope.spawn(|| {
                std::thread::sleep(late);
                room.options().open(NAME)
            });
            let gone = room.options().remove_unused(NAME, NOW).unwrap();
            match python.join().unwrap() {
                Ok(file) => {
                    opened += 1;
                    let links = std::os::unix::fs::MetadataExt::nlink(&file.metadata().unwrap());
                    assert_eq!(links, 1, "round {round}: a tag without a name, or with two");
                    assert!(room.tag().exists());
                }
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound),
            }
            match rust.join().unwrap() {
                Ok(_) => assert!(room.tag().exists(), "round {round}"),
                Err(Error::NotFound { .. }) => {}
                Err(other) => panic!("round {round}: {other:?}"),
            }
            swept += usize::from(gone.iter().any(|file| file.path == room.tag()));
        });
        // Whatever became of it, a writer goes on there, and nothing stays in the end.
        let mut writer = room.options().create::<i32>(NAME).unwrap();
        writer.write(&[1], &[2]).unwrap();
        assert_eq!(next_i32(&mut room.reader()), [2]);
        drop(writer);
        let tags = room.files().into_iter().filter(|name| name == NAME).count();
        assert_eq!(tags, 0);
    }
    assert!(opened > 0 && swept > 0, "neither too early nor too late: {opened}, {swept}");
}

/// What a killed writer of this library leaves has many names, most of which lead to one file.
#[test]
fn tombstones_are_swept_too() {
    let room = Room::new();
    let mut writer = room.options().persist(true).history_bytes(0).create::<i32>(NAME).unwrap();
    for n in 0..10 {
        writer.write(&[1], &[n]).unwrap();
    }
    // As if it were killed: its names stay, and it has the files no more.
    let names = room.files();
    let copies = Room::new();
    for name in &names {
        let source = room.path().join(name);
        let inode = |path: &PathBuf| std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap());
        let twin = names.iter().take_while(|other| *other != name).map(|other| room.path().join(other));
        match twin.into_iter().find(|other| inode(other) == inode(&source)) {
            Some(twin) => {
                fs::hard_link(copies.path().join(twin.file_name().unwrap()), copies.path().join(name)).unwrap();
            }
            None => drop(fs::copy(&source, copies.path().join(name)).unwrap()),
        }
    }
    until(|| {
        copies.options().remove_unused(NAME, NOW).unwrap();
        copies.files().is_empty()
    });
}
