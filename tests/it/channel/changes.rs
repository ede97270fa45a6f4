//! Shape and dtype may change at every write.

use crate::channel::support::{Facts, NAME, TestDir, descriptors_in, latest_vec, mappings_in, pattern, shapes};
use ndsharray::{DType, OwnedSample};

#[test]
fn the_dtype_changes_with_the_writer() {
    let dir = TestDir::new();
    let mut reader_of = dir.writer::<f32>();
    reader_of.write(&[2], &[1.0, 2.0]).unwrap();
    let mut reader = dir.reader();
    assert_eq!(latest_vec::<f32>(&mut reader), [1.0, 2.0]);
    let mut writer = reader_of.into_dtype::<u8>();
    assert_eq!(latest_vec::<f32>(&mut reader), [1.0, 2.0], "nothing is written by the change itself");
    assert_eq!(writer.write(&[3], &[1, 2, 3]).unwrap(), 2);
    assert_eq!(latest_vec::<u8>(&mut reader), [1, 2, 3]);
    let mut writer = writer.into_dtype::<bool>();
    writer.write(&[], &[true]).unwrap();
    assert_eq!(latest_vec::<bool>(&mut reader), [true]);
    assert_eq!(reader.writer_epoch(), 1);
}

#[test]
fn a_change_that_fits_costs_no_file() {
    let dir = TestDir::new();
    let mut writer = dir.options().capacity_bytes(1 << 20).create_any(NAME).unwrap();
    let mut reader = dir.reader();
    for dtype in DType::ALL {
        writer.write_bytes(*dtype, &[7], &pattern(*dtype, 7, 1)).unwrap();
    }
    let files = dir.payloads();
    assert!(files.contains(&writer.payload_name().unwrap()));
    for (dtype, seed) in DType::ALL.iter().cycle().zip(0..100) {
        let shape = &shapes()[seed as usize % shapes().len()];
        let bytes = pattern(*dtype, shape.iter().product(), seed);
        writer.write_bytes(*dtype, shape, &bytes).unwrap();
        assert!(files.contains(&writer.payload_name().unwrap()));
        let sample = reader.read().unwrap().expect("news");
        assert_eq!((sample.dtype(), sample.shape(), sample.as_bytes()), (*dtype, shape.as_slice(), bytes.as_slice()));
    }
    assert_eq!(dir.payloads(), files);
}

#[test]
fn a_large_array_alternates_between_two_files() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u8>();
    for value in 0..10 {
        writer.write(&[50, 4000], &vec![value; 200_000]).unwrap();
    }
    let files = dir.payloads();
    assert_eq!(files.len(), 2);
    for value in 0..10 {
        writer.write(&[4000, 50], &vec![value; 200_000]).unwrap();
        assert!(files.contains(&writer.payload_name().unwrap()));
    }
}

#[test]
fn a_change_that_does_not_fit_costs_one_file() {
    let dir = TestDir::new();
    let mut writer = dir.options().max_slots(2).create::<u8>(NAME).unwrap();
    let mut size = 100_000;
    for _ in 0..2 {
        writer.write(&[size], &vec![1; size]).unwrap();
    }
    for _ in 0..6 {
        size *= 2;
        let before = dir.payloads();
        writer.write(&[size], &vec![1; size]).unwrap();
        let after = dir.payloads();
        let new: Vec<_> = after.iter().filter(|name| !before.contains(name)).collect();
        assert_eq!(new, [&writer.payload_name().unwrap()]);
        assert_eq!(after.len(), 2, "the file that was too small has gone");
        writer.write(&[size], &vec![1; size]).unwrap();
    }
}

#[test]
fn ten_thousand_changes_leak_nothing() {
    let dir = TestDir::new();
    let mut writer = dir.any_writer();
    let mut reader = dir.reader();
    let data = pattern(DType::Bool, 40_000 * 32, 3);
    let (mut most_files, mut most_mappings) = (0, 0);
    for i in 0..10_000_usize {
        let dtype = DType::ALL[i % DType::ALL.len()];
        // From nothing to 40,000 elements and back, in all sorts of steps; seldom large, to stay
        // quick.
        let rows = (i * 7919) % if i % 50 == 0 { 4000 } else { 60 };
        let bytes = &data[..rows * 10 * dtype.size()];
        writer.write_bytes(dtype, &[rows, 10], bytes).unwrap();
        let sample = reader.read().unwrap().expect("news");
        assert_eq!((sample.dtype(), sample.shape()), (dtype, [rows, 10].as_slice()));
        assert!(sample.as_bytes() == bytes, "change {i}");
        if i % 100 == 0 {
            most_files = most_files.max(dir.files().len());
            most_mappings = most_mappings.max(mappings_in(dir.path()).unwrap_or(0));
        }
    }
    assert!(most_files <= 2 + 8, "{most_files} files at once");
    // Board and table twice each, and payloads in writer and reader.
    assert!(most_mappings <= 4 + 3 * 8, "{most_mappings} mappings at once");
    drop((writer, reader));
    assert_eq!(dir.files(), [""; 0]);
    assert_eq!(mappings_in(dir.path()).unwrap_or(0), 0);
    assert_eq!(descriptors_in(dir.path()).unwrap_or(0), 0);
}

#[test]
fn what_is_held_outlives_every_change() {
    let dir = TestDir::new();
    let mut writer = dir.any_writer();
    let mut reader = dir.reader();
    let mut borrower = dir.reader();
    let mut held: Vec<(OwnedSample, Facts)> = Vec::new();
    let mut size = 1;
    for (dtype, seed) in DType::ALL.iter().zip(1..) {
        size = size * 9 / 5 + 1;
        writer.write_bytes(*dtype, &[size], &pattern(*dtype, size, seed)).unwrap();
        let owned = reader.read_owned().unwrap().expect("news");
        let facts = Facts::from(&owned);
        assert_eq!(facts.bytes, pattern(*dtype, size, seed));
        held.push((owned, facts));

        let sample = borrower.latest().unwrap().unwrap();
        let view = sample.any_view().unwrap();
        for (other, seed) in DType::ALL.iter().zip(100..) {
            writer.write_bytes(*other, &[size / 2, 3], &pattern(*other, size / 2 * 3, seed)).unwrap();
        }
        assert_eq!(view.as_bytes(), held.last().unwrap().1.bytes);
        assert_eq!((sample.dtype(), sample.shape()), (*dtype, [size].as_slice()));
    }
    for (owned, facts) in &held {
        assert_eq!(&Facts::from(owned), facts);
    }
    drop(writer);
    for (owned, facts) in &held {
        assert_eq!(&Facts::from(owned), facts, "and the writer's end");
    }
}

#[test]
fn unused_large_files_are_given_back() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u8>();
    let mut reader = dir.reader();
    let held: Vec<_> = (0..10)
        .map(|value| {
            writer.write(&[100_000], &vec![value; 100_000]).unwrap();
            reader.read_owned().unwrap().unwrap()
        })
        .collect();
    assert!(dir.payloads().len() >= 10);
    drop(held);
    for value in 0..200 {
        writer.write(&[100_000], &vec![value; 100_000]).unwrap();
        reader.read().unwrap().unwrap();
    }
    assert!(dir.payloads().len() <= 3, "{:?}", dir.payloads());
    assert!(mappings_in(dir.path()).is_none_or(|mappings| mappings <= 4 + 2 * 3), "the reader has let go as well");
}

/// Payload files, and the bytes that each takes.
#[cfg(unix)]
fn taken(dir: &TestDir) -> Vec<u64> {
    use std::os::unix::fs::MetadataExt;
    let blocks = |name: &String| std::fs::metadata(dir.path().join(name)).unwrap().blocks();
    dir.payloads().iter().map(|name| blocks(name) * 512).collect()
}

/// Values of `len` bytes, until 64 in a row.
#[cfg(unix)]
fn settle(writer: &mut ndsharray::Writer<u8>, len: usize) {
    let value = vec![1; len];
    for _ in 0..64 {
        writer.write(&[len], &value).unwrap();
    }
}

#[test]
fn beside_many_readers_small_values_take_turns_in_twice_as_many_files() {
    for (readers, files) in [(1, 6), (7, 6), (8, 12), (16, 12)] {
        let dir = TestDir::new();
        let mut writer = dir.writer::<u8>();
        let mut readers: Vec<_> = (0..readers).map(|_| dir.reader()).collect();
        for value in 0..100 {
            writer.write(&[64], &[value; 64]).unwrap();
        }
        for reader in &mut readers {
            assert_eq!(reader.read().unwrap().unwrap().as_bytes(), [99; 64]);
        }
        assert_eq!(dir.payloads().len(), files, "{} readers", readers.len());
    }
}

#[cfg(unix)]
#[test]
fn small_values_do_not_keep_the_files_of_large_ones() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u8>();
    settle(&mut writer, 16);
    let mut reader = dir.reader();
    let large = vec![1; 4 << 20];
    let held: Vec<_> = (0..8)
        .map(|_| {
            writer.write(&[large.len()], &large).unwrap();
            reader.read_owned().unwrap().unwrap()
        })
        .collect();
    assert!(taken(&dir).iter().sum::<u64>() >= (8 * 4) << 20);
    drop((held, reader));
    settle(&mut writer, 16);
    assert_eq!(taken(&dir), [4096; 6]);
    (0..100).for_each(|_| settle(&mut writer, 16));
    assert_eq!(taken(&dir), [4096; 6]);
}

/// After 64 values of one size few files are left, whatever came before.
///
/// If no reader holds one, these are the files that the values take turns in, and two more. None is
/// many times too large.
#[cfg(unix)]
#[test]
fn what_is_not_needed_is_given_back_after_any_mixture() {
    let dir = TestDir::new();
    let largest = 3 << 18;
    let value = vec![1; largest];
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut below = |end: usize| {
        // Xorshift: the same steps in each run.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % end as u64) as usize
    };
    let mut writer = dir.writer::<u8>();
    for round in 0..28 {
        let mut readers: Vec<_> = (0..1 + below(3)).map(|_| dir.reader()).collect();
        let mut held = Vec::new();
        for _ in 0..below(80) {
            // All orders of magnitude are as likely.
            let len = (1 + below(3)) << below(19);
            for _ in 0..=below(12) {
                writer.write(&[len], &value[..len]).unwrap();
                let reader = below(readers.len());
                match below(4) {
                    0 if held.len() < 40 => held.extend(readers[reader].read_owned().unwrap()),
                    1 => drop(readers[reader].latest().unwrap().unwrap()),
                    2 if !held.is_empty() => drop(held.swap_remove(below(held.len()))),
                    _ => {}
                }
            }
        }
        drop((held, readers));
        let len = [1, 600, 5000, 16_000, 20_000, 1 << 19, largest][round % 7];
        settle(&mut writer, len);
        let slots = if len > 16 * 1024 { 2 } else { 6 };
        let taken = taken(&dir);
        assert!(taken.len() <= slots + 2, "round {round}: {taken:?}");
        let most = (8 * len).max(4096) as u64;
        assert!(taken.iter().all(|&bytes| bytes <= most), "round {round}, {len} bytes: {taken:?}");
    }
}
