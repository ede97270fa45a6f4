//! Files that no process has open.

use crate::compat::support::{NAME, TestDir, next_i32};
use ndsharray::Error;
use ndsharray::compat::Leftover;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const NOW: Duration = Duration::ZERO;

fn names(found: Vec<Leftover>) -> Vec<PathBuf> {
    found.into_iter().map(|file| file.path).collect()
}

/// Waits until `so` holds.
///
/// A child that another test has just forked has our files open too, until it calls `exec`.
fn until(mut so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !so() {
        assert!(Instant::now() < end, "waited in vain");
        std::thread::yield_now();
    }
}

#[test]
fn what_is_open_or_mapped_stays() {
    let dir = TestDir::new();
    dir.options().persist(true).create::<i32>(NAME).unwrap().write(&[1], &[1]).unwrap();
    let lost = dir.path().join(format!("{NAME}_{}", "0".repeat(32)));
    fs::copy(dir.payload(), &lost).unwrap();
    let all = dir.files();

    // This process maps the tag and closes its descriptor, as Python does, and is found all the
    // same.
    let tag = fs::File::open(dir.tag()).unwrap();
    // SAFETY: the file is neither changed nor cut while it is mapped.
    let mapped = unsafe { memmap2::Mmap::map(&tag) }.unwrap();
    drop(tag);
    let unused = || names(dir.options().unused(NAME, NOW).unwrap());
    // The current value may be wanted.
    until(|| unused() == [lost.clone()]);
    assert!(dir.options().unused(NAME, Duration::from_secs(3600)).unwrap().is_empty(), "it is too new");
    let open = fs::File::open(&lost).unwrap();
    assert!(dir.options().unused(NAME, NOW).unwrap().is_empty(), "somebody has it open");
    assert!(dir.options().remove_unused(NAME, NOW).unwrap().is_empty());
    drop(open);
    assert_eq!(dir.files(), all, "nothing has gone so far");
    until(|| names(dir.options().remove_unused(NAME, NOW).unwrap()) == [lost.clone()]);
    assert_eq!(next_i32(&mut dir.reader()), [1], "the last value is still there");

    drop(mapped);
    let both = [dir.tag(), dir.payload()];
    until(|| unused() == both);
    until(|| dir.options().remove_unused(NAME, NOW).unwrap().iter().any(|file| file.path == both[0]));
    assert!(dir.files().is_empty());
}

#[test]
fn what_a_living_writer_or_reader_has_is_used() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<i32>(NAME).unwrap();
    for n in 0..10 {
        writer.write(&[1], &[n]).unwrap();
    }
    assert!(dir.options().remove_unused(NAME, NOW).unwrap().is_empty());
    let mut reader = dir.reader();
    assert_eq!(next_i32(&mut reader), [9]);
    assert!(dir.options().remove_unused("a/b", NOW).is_err_and(|error| matches!(error, Error::InvalidName { .. })));
    assert!(dir.options().unused("nothing", NOW).unwrap().is_empty());
}

/// A channel without a process, with many files, so that sweeping it takes a while.
fn abandoned() -> TestDir {
    let dir = TestDir::new();
    dir.options().persist(true).create::<i32>(NAME).unwrap().write(&[1], &[1]).unwrap();
    for n in 0..40 {
        fs::copy(dir.payload(), dir.path().join(format!("{NAME}_{n:032}"))).unwrap();
    }
    dir
}

/// A process that opens a tag being swept gets it whole, or not at all.
///
/// It waits for the kernel, as Python does, or asks again, as this library does. Either ends up
/// with a tag that has its name, or with none.
#[test]
fn who_opens_the_tag_while_it_is_swept_gets_it_whole_or_not_at_all() {
    let (mut opened, mut swept) = (0, 0);
    // A writer that goes lingers for readers: the ends of all rounds are waited for at once.
    std::thread::scope(|ends| {
        for round in 0..200 {
            let dir = abandoned();
            let late = Duration::from_micros(round * 7 % 400);
            std::thread::scope(|scope| {
                let python = scope.spawn(|| {
                    std::thread::sleep(late);
                    fs::File::open(dir.tag())
                });
                let rust = scope.spawn(|| {
                    std::thread::sleep(late);
                    dir.options().open(NAME)
                });
                let gone = dir.options().remove_unused(NAME, NOW).unwrap();
                match python.join().unwrap() {
                    Ok(file) => {
                        opened += 1;
                        let links = std::os::unix::fs::MetadataExt::nlink(&file.metadata().unwrap());
                        assert_eq!(links, 1, "round {round}: a tag without a name, or with two");
                        assert!(dir.tag().exists());
                    }
                    Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound),
                }
                match rust.join().unwrap() {
                    Ok(_) => assert!(dir.tag().exists(), "round {round}"),
                    Err(Error::NotFound { .. }) => {}
                    Err(other) => panic!("round {round}: {other:?}"),
                }
                swept += usize::from(gone.iter().any(|file| file.path == dir.tag()));
            });
            // Whatever became of it, a writer goes on there, and nothing stays in the end.
            let mut writer = dir.options().create::<i32>(NAME).unwrap();
            writer.write(&[1], &[2]).unwrap();
            assert_eq!(next_i32(&mut dir.reader()), [2]);
            ends.spawn(move || {
                drop(writer);
                let tags = dir.files().into_iter().filter(|name| name == NAME).count();
                assert_eq!(tags, 0, "round {round}");
            });
        }
    });
    assert!(opened > 0 && swept > 0, "neither too early nor too late: {opened}, {swept}");
}

/// A killed writer leaves many names, most of which lead to one file.
#[test]
fn tombstones_are_swept_too() {
    let dir = TestDir::new();
    let mut writer = dir.options().persist(true).history_bytes(0).create::<i32>(NAME).unwrap();
    for n in 0..10 {
        writer.write(&[1], &[n]).unwrap();
    }
    // As if it were killed: its names stay, and it has the files no more.
    let names = dir.files();
    let copies = TestDir::new();
    for name in &names {
        let source = dir.path().join(name);
        let inode = |path: &PathBuf| std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap());
        let twin = names.iter().take_while(|other| *other != name).map(|other| dir.path().join(other));
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
