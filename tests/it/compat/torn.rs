//! A writer that never pauses, and readers that check every element.

use crate::common::stress::COMPAT_VALUES;
use crate::compat::support::{Done, NAME, TestDir};
use ndsharray::Error;
use ndsharray::compat::Overwrite;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Reads in vain after which the writer waits for the reader.
///
/// A value that is overwritten in place is whole for moments only, on a slow machine too short for
/// any reader.
const IN_VAIN: u32 = 2_000;

/// What a reader that can go on tells the writer.
const NO_HURRY: u64 = u64::MAX;

/// Writes values of `len` equal elements, counted from 0, until `read` returns.
///
/// A value of at least the number that `read` puts into its argument stays until there is another
/// number.
fn flood(dir: &TestDir, mode: Overwrite, len: usize, history: usize, read: impl Fn(&AtomicU64)) {
    let (done, wanted) = (AtomicBool::new(false), AtomicU64::new(NO_HURRY));
    let mut writer = dir.options().overwrite(mode).history_bytes(history).create::<u64>(NAME).unwrap();
    writer.write(&[len], &[0].repeat(len)).unwrap();
    std::thread::scope(|scope| {
        let ending = Done(&done);
        scope.spawn(|| {
            for n in 1.. {
                writer.write(&[len], &[n].repeat(len)).unwrap();
                while n >= wanted.load(Ordering::Relaxed) && !done.load(Ordering::Relaxed) {
                    std::thread::yield_now();
                }
                if done.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        read(&wanted);
        drop(ending);
    });
}

/// Whether all words are the same.
///
/// Compared as memory, since there are many and this is not optimised.
fn are_equal(words: &[u64]) -> bool {
    words[1..] == words[..words.len() - 1]
}

fn check_reader(mode: Overwrite, len: usize) {
    let dir = TestDir::new();
    flood(&dir, mode, len, 1 << 20, |wanted| {
        let mut reader = dir.reader();
        let (mut last, mut accepted, mut in_vain) = (None, 0, 0);
        let enough = COMPAT_VALUES.count();
        while accepted < enough {
            let found = match reader.read() {
                // It has looked as often as it may.
                Err(Error::Contended { .. }) if matches!(mode, Overwrite::InPlace) => {
                    in_vain = IN_VAIN;
                    None
                }
                found => found.unwrap(),
            };
            let Some(array) = found else {
                in_vain += 1;
                if in_vain > IN_VAIN {
                    wanted.store(last.map_or(0, |last| last + 1), Ordering::Relaxed);
                }
                continue;
            };
            let view = array.view::<u64>().unwrap();
            let first = view[[0]];
            assert!(are_equal(view.as_slice()), "torn");
            assert!(last < Some(first), "{last:?} before {first}");
            last = Some(first);
            accepted += 1;
            in_vain = 0;
            wanted.store(NO_HURRY, Ordering::Relaxed);
        }
    });
}

#[test]
fn fresh_files_small() {
    check_reader(Overwrite::Never, 1024);
}

#[test]
fn fresh_files_large() {
    check_reader(Overwrite::Never, 1 << 16);
}

#[test]
fn in_place() {
    check_reader(Overwrite::InPlace, 1024);
}

/// A reader like Python's finds a whole file at each of its steps.
///
/// It opens the tag, three times the file of that name, the stamp and the rest. It must find a file
/// each time, of one length, and accept nothing torn. History is short, so that it often comes
/// late.
#[test]
fn a_reader_like_pythons_is_never_stranded() {
    for (len, history) in [(1024, 0), (1 << 16, 0), (1 << 16, 1 << 20)] {
        let dir = TestDir::new();
        flood(&dir, Overwrite::Never, len, history, |_| {
            let (mut accepted, mut late, mut last) = (0, 0, 0);
            while accepted < 200 && late < 5_000 {
                let path = dir.path().join(fs::read_to_string(dir.tag()).unwrap());
                let lengths = [(); 2].map(|()| fs::metadata(&path).unwrap().len());
                let file = fs::read(&path).unwrap();
                assert_eq!(lengths, [file.len() as u64; 2]);
                if file[..8] != file[file.len() - 8..] {
                    late += 1;
                    continue;
                }
                let (body, first) = (&file[32..file.len() - 8], file[32..].first_chunk().unwrap());
                assert!(body[8..] == body[..body.len() - 8], "torn");
                let first = u64::from_ne_bytes(*first);
                assert!(first >= last, "{last} before {first}");
                last = first;
                accepted += 1;
            }
        });
    }
}
