//! Removal of files that no living process uses.
//!
//! When handles of this process go, the kernel may take a moment to say so: a child that another
//! test has just forked has them too, until it calls `exec`.

use crate::channel::support::{NAME, TIMEOUT, TestDir, wait_until};
use crate::common::stress;
use crate::peer::channel;
use ndsharray::{Error, SharedArray};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn a_channel_goes_when_writer_and_readers_have_gone() {
    let dir = TestDir::new();
    let mut writer = channel::start(&dir);
    writer.ask("create 4 4 false");
    writer.ask("write int32 [3] 1");
    let mut reader = channel::start(&dir);
    reader.ask("open");
    reader.ask("hold");
    let remove = || dir.options().remove_unused(NAME);
    assert!(matches!(remove(), Err(Error::WriterExists { .. })));
    writer.kill();
    let all = dir.files();
    assert!(matches!(remove(), Err(Error::InUse { living: Some(1), .. })));
    assert_eq!(dir.files(), all, "nothing has gone");
    // Alive, though it does nothing.
    #[cfg(target_os = "linux")]
    reader.stop();
    assert!(matches!(remove(), Err(Error::InUse { .. })));
    reader.kill();
    remove().unwrap();
    assert!(dir.files().is_empty());
    assert!(matches!(remove(), Err(Error::NotFound { .. })));
}

#[test]
fn without_a_board_the_reader_table_still_says_who_lives() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u8>();
    writer.write(&[1], &[1]).unwrap();
    let reader = dir.reader();
    crate::common::os::clear(&dir.board());
    let left = dir.files();
    assert!(matches!(dir.options().remove_unused(NAME), Err(Error::InUse { living: Some(1), .. })));
    assert_eq!(dir.files(), left, "no board is left in its place");
    drop(reader);
    wait_until("nobody is in the way", || dir.options().remove_unused(NAME).is_ok());
    assert!(dir.files().is_empty());
    // Only now, as a writer that closes removes files too.
    drop(writer);
}

#[test]
fn an_array_goes_when_its_handles_have_gone() {
    let dir = TestDir::new();
    let array: SharedArray<u8> = dir.array_options().create(NAME, &[3]).unwrap();
    let other: SharedArray<u8> = dir.array_options().open(NAME).unwrap();
    let remove = || dir.options().remove_unused_array(NAME);
    assert!(matches!(remove(), Err(Error::InUse { living: Some(2), .. })));
    drop(array);
    let one_lives = || matches!(remove(), Err(Error::InUse { living: Some(1), .. }));
    wait_until("the other handle alone is in the way", one_lives);
    drop(other);
    wait_until("nobody is in the way", || remove().is_ok());
    assert!(dir.files().is_empty());
    assert!(matches!(remove(), Err(Error::NotFound { .. })));
}

/// A remover holds all readers' entries for a moment.
///
/// A newcomer that finds none free then is not told that there are too many readers.
#[test]
fn a_remover_is_not_taken_for_many_readers() {
    let dir = TestDir::new();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    match dir.options().persist(true).create::<u8>(NAME) {
                        Ok(mut writer) => _ = writer.write(&[1], &[1]).unwrap(),
                        Err(Error::WriterExists { .. }) => {}
                        Err(other) => panic!("{other:?}"),
                    }
                    match dir.options().remove_unused(NAME) {
                        Ok(()) | Err(Error::NotFound { .. } | Error::InUse { .. } | Error::WriterExists { .. }) => {}
                        Err(other) => panic!("{other:?}"),
                    }
                }
            });
        }
        let start = Instant::now();
        let mut found = 0;
        // On a busy machine no channel may be there for a while.
        while start.elapsed() < stress::RACE.time() || found == 0 && start.elapsed() < TIMEOUT {
            match dir.options().open(NAME) {
                Ok(_) => found += 1,
                Err(Error::NotFound { .. }) => {}
                Err(other) => {
                    over.store(true, Ordering::Relaxed);
                    panic!("{other:?}");
                }
            }
        }
        over.store(true, Ordering::Relaxed);
        assert!(found > 0);
    });
}

/// A remover that looks whether a channel is in use keeps no writer out.
///
/// Neither the next writer after a killed one, nor one that comes after a close.
#[test]
fn a_remover_is_not_taken_for_a_writer() {
    for persist in [true, false] {
        let dir = TestDir::new();
        let mut killed = channel::start(&dir);
        killed.ask("create 4 4 false");
        killed.ask("write int32 [3] 1");
        let reader = dir.reader();
        killed.kill();
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    match dir.options().remove_unused(NAME) {
                        Err(Error::InUse { living: Some(1), .. } | Error::WriterExists { .. }) => {}
                        other => panic!("{other:?}"),
                    }
                }
            });
            let end = Instant::now() + Duration::from_millis(300);
            let mut refused = None;
            while Instant::now() < end && refused.is_none() {
                refused = dir.options().max_slots(4).max_readers(4).persist(persist).create::<i32>(NAME).err();
            }
            over.store(true, Ordering::Relaxed);
            assert!(refused.is_none(), "{refused:?}");
        });
        drop(reader);
    }
}
