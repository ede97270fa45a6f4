//! Memory that is set aside when it is first needed: slots by the writer, entries by readers.

use crate::channel::support::{NAME, TestDir, overwrite, peek};
use ndsharray::{Error, HeaderError, OwnedSample, Reader};
use std::fs::File;

/// Slots and entries that have their memory from the start, of 64 each.
const FIRST_SLOTS: usize = 6;
const FIRST_ENTRIES: usize = 62;

fn newest(reader: &mut Reader) -> u64 {
    let sample = reader.latest().unwrap().unwrap();
    assert_eq!(sample.view::<u64>().unwrap()[[0]], sample.seq());
    sample.seq()
}

fn copied(reader: &mut Reader) -> u64 {
    let sample = reader.latest_owned().unwrap().unwrap();
    assert_eq!(sample.view::<u64>().unwrap()[[0]], sample.seq());
    sample.seq()
}

#[test]
#[cfg(all(target_os = "linux", not(ndsharray_portable)))]
fn a_channel_of_one_small_value_takes_three_pages() {
    use std::os::unix::fs::MetadataExt;
    let dir = TestDir::new();
    let mut writer = dir.writer::<u64>();
    writer.write(&[8], &[1; 8]).unwrap();
    let mut reader = dir.reader();
    assert!(reader.read().unwrap().is_some());
    let files = dir.files();
    assert_eq!(files.len(), 3, "{files:?}");
    let lengths = [std::fs::metadata(dir.board()).unwrap().len(), std::fs::metadata(dir.table()).unwrap().len()];
    assert_eq!(lengths, [4096, 128 + 64 * 64]);
    // On a disk a file system counts in steps of its own.
    if dir.path().starts_with("/dev/shm") {
        let allocated = |name: &String| std::fs::metadata(dir.path().join(name)).unwrap().blocks() * 512;
        assert_eq!(files.iter().map(allocated).sum::<u64>(), 3 * 4096);
    }
}

#[test]
fn readers_come_to_slots_that_were_made_ready_after_they_had_opened() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u64>();
    writer.write(&[1], &[1]).unwrap();
    let (mut pinning, mut in_order) = (dir.reader(), dir.reader());
    let mut copying = dir.options().open_read_only(NAME).unwrap();
    let mut copying_in_order = dir.options().open_read_only(NAME).unwrap();
    let mut holder = dir.reader();
    let mut held: Vec<OwnedSample> = Vec::new();
    for number in 1..=40 {
        if number > 1 {
            assert_eq!(writer.write(&[1], &[number]).unwrap(), number);
        }
        held.push(holder.read_owned().unwrap().unwrap());
        // Those that look rarely are led further at once.
        if number % 13 == 0 || number < 3 {
            assert_eq!((newest(&mut pinning), copied(&mut copying)), (number, number));
            for reader in [&mut in_order, &mut copying_in_order] {
                let next = reader.read_next_owned().unwrap().unwrap();
                assert_eq!((next.seq(), next.view::<u64>().unwrap()[[0]]), (number, number));
            }
        }
    }
    assert!(held.iter().zip(1..).all(|(sample, number)| sample.view::<u64>().unwrap()[[0]] == number));
}

/// A writer that keeps values takes over a board that has memory for a few slots alone.
#[test]
fn readers_find_the_history_of_a_later_writer() {
    let dir = TestDir::new();
    let mut writer = dir.options().persist(true).create::<u64>(NAME).unwrap();
    writer.write(&[1], &[1]).unwrap();
    let (mut reader, mut copying) = (dir.reader(), dir.options().open_read_only(NAME).unwrap());
    assert_eq!((newest(&mut reader), copied(&mut copying)), (1, 1));
    drop(writer);
    let mut writer = dir.options().history(40).create::<u64>(NAME).unwrap();
    for number in 2..=41 {
        writer.write(&[1], &[number]).unwrap();
    }
    let from_oldest = dir.options().from_oldest(true).open(NAME).unwrap();
    for mut reader in [reader, copying, from_oldest] {
        for number in 2..=41 {
            let next = reader.read_next_owned().unwrap().unwrap();
            assert_eq!((next.seq(), next.missed(), next.view::<u64>().unwrap()[[0]]), (number, 0, number));
        }
        assert!(reader.read_next_owned().unwrap().is_none());
    }
}

#[test]
fn the_last_entries_serve_readers_as_the_first_do() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u64>();
    let mut readers: Vec<Reader> = (0..64).map(|_| dir.reader()).collect();
    let refused = dir.options().open(NAME);
    assert!(matches!(refused, Err(Error::TooManyReaders { max: 64, .. })), "{refused:?}");
    let mut held = Vec::new();
    for (reader, number) in readers[FIRST_ENTRIES - 2..].iter_mut().zip(1..) {
        writer.write(&[1], &[number]).unwrap();
        held.push((reader.read_owned().unwrap().unwrap(), number));
    }
    for number in 100..300 {
        writer.write(&[1], &[number]).unwrap();
        assert!(held.iter().all(|(sample, number)| sample.view::<u64>().unwrap()[[0]] == *number));
    }
    drop(readers.remove(0));
    drop(dir.reader());
}

/// Words that lead to a slot without memory are damage, which an error tells.
#[test]
fn a_slot_without_memory_is_not_looked_at() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u64>();
    writer.write(&[1], &[1]).unwrap();
    let (mut reader, mut copying) = (dir.reader(), dir.options().open_read_only(NAME).unwrap());
    let latest = peek(&dir.board(), 64, 8);
    for slot in [FIRST_SLOTS, 63] {
        overwrite(&dir.board(), 64, &(2_u64 << 6 | slot as u64).to_ne_bytes());
        for _ in 0..3 {
            let expected = HeaderError::Slot { number: 2, slot };
            for found in [reader.latest_owned().err(), copying.latest_owned().err(), reader.read_next().err()] {
                assert!(matches!(&found, Some(Error::Corrupt(found)) if *found == expected), "{found:?}");
            }
        }
        assert!(dir.options().create::<u64>(NAME).is_err(), "its writer lives");
    }
    overwrite(&dir.board(), 64, &latest);
    assert_eq!((newest(&mut reader), copied(&mut copying)), (1, 1));
}

#[test]
fn a_board_of_less_than_its_first_memory_is_cut() {
    let dir = TestDir::new();
    dir.options().persist(true).create::<u64>(NAME).unwrap().write(&[1], &[1]).unwrap();
    let len = std::fs::metadata(dir.board()).unwrap().len();
    assert!(len >= 4096, "{len}");
    File::options().write(true).open(dir.board()).unwrap().set_len(4095).unwrap();
    let refused = dir.options().open(NAME);
    let expected = HeaderError::Truncated { expected: 4096, found: 4095 };
    assert!(matches!(&refused, Err(Error::Corrupt(found)) if *found == expected), "{refused:?}");
}
