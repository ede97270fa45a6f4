//! A writer that never pauses, and readers that check every element.

use crate::support::{NAME, Room};
use ndsharray::compat::Overwrite;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

/// Values that a reader must accept before a test ends.
const ENOUGH: u64 = 1_000;

fn flood(room: &Room, mode: Overwrite, len: usize, history: usize, read: impl Fn(&AtomicBool) + Sync) {
    let done = AtomicBool::new(false);
    let mut writer = room.options().overwrite(mode).history_bytes(history).create::<u64>(NAME).unwrap();
    writer.write(&[len], &vec![0; len]).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut data = vec![0; len];
            for n in 1.. {
                data.fill(n);
                writer.write(&[len], &data).unwrap();
                if done.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        read(&done);
        done.store(true, Ordering::Relaxed);
    });
}

fn check_reader(mode: Overwrite, len: usize) {
    let room = Room::new();
    flood(&room, mode, len, 1 << 20, |_| {
        let mut reader = room.reader();
        let (mut last, mut accepted) = (None, 0);
        while accepted < ENOUGH {
            if let Some(array) = reader.read().unwrap() {
                let view = array.view::<u64>().unwrap();
                let first = view[[0]];
                assert!(view.iter().all(|n| *n == first), "torn");
                assert!(last < Some(first), "{last:?} before {first}");
                last = Some(first);
                accepted += 1;
            }
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

/// What Python's reader does: the tag, then the file of that name three times, then the stamp, then the rest. It must find a file
/// each time, of one length, and accept nothing torn. History is short, so that it often comes late.
#[test]
fn a_reader_like_pythons_is_never_stranded() {
    for (len, history) in [(1024, 0), (1 << 16, 0), (1 << 16, 1 << 20)] {
        let room = Room::new();
        flood(&room, Overwrite::Never, len, history, |_| {
            let (mut accepted, mut late, mut last) = (0, 0, 0);
            while accepted < 200 && late < 5_000 {
                let path = room.path().join(fs::read_to_string(room.tag()).unwrap());
                let lengths = [(); 2].map(|()| fs::metadata(&path).unwrap().len());
                let file = fs::read(&path).unwrap();
                assert_eq!(lengths, [file.len() as u64; 2]);
                if file[..8] != file[file.len() - 8..] {
                    late += 1;
                    continue;
                }
                let word = |chunk: &[u8]| u64::from_ne_bytes(chunk.try_into().unwrap());
                let mut words = file[32..file.len() - 8].chunks_exact(8).map(word);
                let first = words.next().unwrap();
                assert!(words.all(|n| n == first), "torn");
                assert!(first >= last, "{last} before {first}");
                last = first;
                accepted += 1;
            }
        });
    }
}
