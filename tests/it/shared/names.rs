//! Names that several makers, removers and openers fight for: an open array keeps its name.

use crate::common::TIMEOUT;
use crate::common::stress::RACE;
use crate::shared::support::{NAME, TestDir};
use ndsharray::{DType, Error, SharedArray};
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

/// Runs `rivals` on threads of their own, over and over, while this thread runs `body`.
///
/// Without the locks each race showed its fault within 200 ms; it runs for [`RACE`], and on a busy
/// machine until `body` returns true: all sides have had their turn.
fn race(rivals: &[&(dyn Fn() + Sync)], mut body: impl FnMut() -> bool) {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        // Set also when `body` panics, so that the scope ends.
        struct Over<'a>(&'a AtomicBool);
        impl Drop for Over<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let _over = Over(&over);
        for rival in rivals {
            let over = &over;
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    rival();
                }
            });
        }
        let start = Instant::now();
        let mut have_met = false;
        while !have_met || start.elapsed() < RACE.time() {
            assert!(start.elapsed() < TIMEOUT, "there was no race");
            have_met = body();
        }
    });
}

/// An opened array has its name for as long as the handle lives.
///
/// Removers of unused arrays leave it alone.
#[test]
fn what_has_been_opened_is_not_unused() {
    let dir = TestDir::new();
    let removed = AtomicU64::new(0);
    let make = || match dir.array_options().create::<u64>(NAME, &[2]) {
        Ok(_) | Err(Error::AlreadyExists { .. }) => {}
        Err(other) => panic!("make: {other:?}"),
    };
    let remove = || match dir.options().remove_unused_array(NAME) {
        Ok(()) => _ = removed.fetch_add(1, Ordering::Relaxed),
        Err(Error::NotFound { .. } | Error::InUse { .. }) => {}
        Err(other) => panic!("remove: {other:?}"),
    };
    let mut token = 0;
    race(&[&make, &remove], || {
        match dir.array_options().open::<u64>(NAME) {
            Ok(one) => {
                token += 1;
                one.store(0, token);
                let two = dir.array_options().open::<u64>(NAME).expect("it is in use, so it has its name");
                assert_eq!(two.load(0), token, "the name is another array's");
            }
            Err(Error::NotFound { .. }) => {}
            Err(other) => panic!("open: {other:?}"),
        }
        token > 0 && removed.load(Ordering::Relaxed) > 0
    });
}

/// A maker that fails removes its own file, and not what others made of it.
#[test]
#[cfg(target_pointer_width = "64")]
fn a_failed_maker_takes_no_name_away() {
    let dir = TestDir::new();
    let fail = || match dir.array_options().create::<u8>(NAME, &[1 << (usize::BITS - 3)]) {
        Err(Error::OutOfMemory { .. } | Error::AlreadyExists { .. }) => {}
        other => panic!("{other:?}"),
    };
    // Rivals that succeed make it likely that one of them takes over what a failed one is about to
    // remove.
    let make = || {
        if let Ok(array) = dir.array_options().create::<u64>(NAME, &[1]) {
            array.store(0, u64::MAX);
            assert_eq!(dir.array_options().open::<u64>(NAME).expect("nobody removes it").load(0), u64::MAX);
            array.unlink().unwrap();
        }
    };
    let mut made = 0;
    race(&[&fail, &fail, &fail, &make, &make], || {
        match dir.array_options().create::<u64>(NAME, &[1]) {
            Ok(array) => {
                made += 1;
                array.store(0, made);
                assert_eq!(dir.array_options().open::<u64>(NAME).expect("nobody removes it").load(0), made);
                array.unlink().unwrap();
            }
            Err(Error::AlreadyExists { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
        made > 0
    });
    assert!(dir.files().is_empty());
}

/// Removers and a maker of one name leave each other's arrays alone.
///
/// Two handles remove the name, and one creates the array anew.
#[test]
fn a_removed_name_is_removed_once() {
    let dir = TestDir::new();
    let current = AtomicU64::new(0);
    // What is opened here is removed only if it still has the name; the number says which array it
    // was.
    let unlink = || {
        if let Ok(array) = dir.array_options().open::<u64>(NAME)
            && array.load(0) < current.load(Ordering::SeqCst)
        {
            array.unlink().unwrap();
        }
    };
    let mut made = 0;
    race(&[&unlink, &unlink, &unlink, &unlink], || {
        match dir.array_options().from_slice::<u64>(NAME, &[1], &[made + 1]) {
            Ok(array) => {
                made += 1;
                // Not an old one: no rival may remove it.
                let again = dir.array_options().open::<u64>(NAME).expect("nobody removes the current one");
                assert_eq!(again.load(0), made);
                current.store(made + 1, Ordering::SeqCst);
                // By now any rival that finds it may.
                let _ = array.unlink();
            }
            Err(Error::AlreadyExists { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
        made > 0
    });
}

/// A panic while an array is filled leaves nothing, and frees the name.
#[test]
fn a_panicking_maker_leaves_nothing() {
    let dir = TestDir::new();
    let made = std::panic::catch_unwind(|| {
        dir.array_options().create_any(NAME, DType::U8, &[1000], |_| std::panic::resume_unwind(Box::new("on purpose")))
    });
    assert!(made.is_err());
    assert!(dir.files().is_empty(), "{:?}", dir.files());
    assert_eq!(dir.create::<u8>(&[3]).len(), 3);
}

/// While it is being made, an array is neither there nor to be removed.
#[test]
fn what_is_being_made_is_in_use() {
    let dir = TestDir::new();
    let options = dir.options();
    let made = dir.array_options().create_any(NAME, DType::U8, &[10], |_| {
        assert!(matches!(dir.array_options().open::<u8>(NAME), Err(Error::NotFound { .. })));
        assert!(matches!(dir.array_options().create::<u8>(NAME, &[10]), Err(Error::AlreadyExists { .. })));
        assert!(matches!(options.remove_unused_array(NAME), Err(Error::InUse { living: None, .. })));
        assert!(matches!(options.remove_array(NAME), Err(Error::InUse { living: None, .. })));
    });
    let made = made.unwrap();
    assert!(matches!(options.remove_unused_array(NAME), Err(Error::InUse { living: Some(1), .. })));
    drop(made);
    options.remove_unused_array(NAME).unwrap();
    assert!(dir.files().is_empty());
}

/// A file is removed, or overwritten, only if a maker of arrays has left it.
#[test]
fn strangers_files_stay() {
    let dir = TestDir::new();
    let mut zeros_and_more = vec![0; 100];
    zeros_and_more[40] = 1;
    for content in [b"\\documentclass{thesis}".to_vec(), b"NDSHBORDxxxx".to_vec(), vec![1], zeros_and_more] {
        fs::write(dir.file(), &content).unwrap();
        let options = dir.options();
        assert!(matches!(dir.array_options().create::<u8>(NAME, &[1]), Err(Error::AlreadyExists { .. })));
        assert!(matches!(options.remove_array(NAME), Err(Error::Corrupt(_))), "{content:?}");
        assert!(matches!(options.remove_unused_array(NAME), Err(Error::Corrupt(_))));
        assert_eq!(fs::read(dir.file()).unwrap(), content);
    }
    // Nothing, zeros, or a head whose magic is missing: a maker died.
    let mut headless = vec![0; 8192];
    drop({
        fs::remove_file(dir.file()).unwrap();
        dir.create::<u8>(&[7])
    });
    headless[8..576].copy_from_slice(&fs::read(dir.file()).unwrap()[8..576]);
    for content in [vec![], vec![0; 5], vec![0; 8192], headless] {
        fs::write(dir.file(), &content).unwrap();
        dir.options().remove_unused_array(NAME).unwrap();
        fs::write(dir.file(), &content).unwrap();
        dir.options().remove_array(NAME).unwrap();
        fs::write(dir.file(), &content).unwrap();
        let array: SharedArray<u8> = dir.create(&[1]);
        array.unlink().unwrap();
    }
}

/// Memory of this library has rules that a block has not.
#[test]
fn own_files_are_no_blocks() {
    let dir = TestDir::new();
    let options = dir.options();
    let mut writer = options.create::<bool>("channel").unwrap();
    writer.write(&[64], &[true; 64]).unwrap();
    let mut reader = options.open("channel").unwrap();
    let sample = reader.latest().unwrap().unwrap();
    let array = dir.create::<u64>(&[8]);
    let payload = writer.payload_name().unwrap();
    let names = [
        "channel.ndsh",
        "channel.ndsh-readers",
        &payload,
        &payload.to_uppercase(),
        "array.ndsa",
        "Array.NdSa",
        "x.ndsh-types",
    ];
    for name in names {
        let refused = dir.array_options().attach_raw::<u8>(name, &[1]);
        assert!(matches!(refused, Err(Error::InvalidName { .. })), "{name}: {refused:?}");
        let refused = dir.array_options().attach_raw_any(name, DType::U64, &[1]);
        assert!(matches!(refused, Err(Error::InvalidName { .. })), "{name}: {refused:?}");
    }
    assert_eq!(sample.view::<bool>().unwrap().as_slice(), [true; 64]);
    assert_eq!(*array.read().unwrap(), [0; 8]);
}
