//! What late readers find, in the file that the tag named a while ago.

use crate::compat::support::{NAME, TestDir, is_valid};
use std::fs;
use std::time::{Duration, Instant};

/// Elements of a small file, and of one that is written again.
const SIZES: [usize; 2] = [100, 100_000];

/// How long a name stays in any case.
const NAME_TIME: Duration = Duration::from_secs(10);

fn filled(n: i32, len: usize) -> Vec<i32> {
    vec![n; len]
}

/// The value in a file, if it is valid.
fn value(file: &[u8]) -> Option<i32> {
    let (body, rest) = file[32..file.len() - 8].as_chunks::<4>();
    is_valid(file).then(|| {
        assert!(rest.is_empty() && body == vec![body[0]; body.len()], "torn");
        i32::from_ne_bytes(body[0])
    })
}

#[test]
fn every_name_leads_to_its_value_or_to_a_tombstone_of_the_same_header() {
    for len in SIZES {
        let dir = TestDir::new();
        // A history of nothing: as if memory were short all the time.
        let mut writer = dir.options().history_bytes(0).create::<i32>(NAME).unwrap();
        let mut names = Vec::new();
        for n in 0..25 {
            writer.write(&[len], &filled(n, len)).unwrap();
            names.push((writer.payload_name().unwrap(), Instant::now()));
            for (then, (name, since)) in names.iter().enumerate() {
                let file = match fs::read(dir.path().join(name)) {
                    Ok(file) => file,
                    // On a slow machine. The newest of all stays in any case.
                    Err(_) if since.elapsed() >= NAME_TIME && then + 1 < names.len() => continue,
                    Err(error) => panic!("{name}: {error}"),
                };
                assert_eq!(file.len(), 32 + len * 4 + 8);
                // int32 is number 2; one axis.
                assert_eq!(file[8..32], [2, 1, len as u64].map(u64::to_be_bytes).concat());
                match value(&file) {
                    Some(found) => assert_eq!(usize::try_from(found), Ok(then)),
                    None => assert!(then + 1 < names.len(), "the current value"),
                }
            }
        }
        let mut names: Vec<_> = names.into_iter().map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 25, "no name comes twice");
        drop(writer);
        assert_eq!(dir.files(), Vec::<String>::new());
    }
}

/// A file that a process has open is not written again; once closed, it is.
///
/// Only Linux can tell, by its leases.
#[test]
#[cfg(all(target_os = "linux", not(ndsharray_portable)))]
fn files_are_written_again_only_when_nobody_has_them_open() {
    let len = SIZES[1];
    let dir = TestDir::new();
    let mut writer = dir.options().history_bytes(0).create::<i32>(NAME).unwrap();
    let mut open = Vec::new();
    let mut inodes = std::collections::HashSet::new();
    for n in 0..30 {
        writer.write(&[len], &filled(n, len)).unwrap();
        let file = fs::File::open(dir.path().join(writer.payload_name().unwrap())).unwrap();
        inodes.insert(inode(&file));
        open.push((n, file));
    }
    assert_eq!(inodes.len(), 30, "all are open");
    for (n, file) in &mut open {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(file, &mut bytes).unwrap();
        assert_eq!(value(&bytes), Some(*n), "as it was when it was opened");
    }
    open.clear();
    let mut inodes = std::collections::HashSet::new();
    for n in 0..30 {
        writer.write(&[len], &filled(n, len)).unwrap();
        inodes.insert(inode(&fs::File::open(dir.path().join(writer.payload_name().unwrap())).unwrap()));
    }
    assert!(inodes.len() <= 8, "nobody has them open: {}", inodes.len());
}

#[cfg(all(target_os = "linux", not(ndsharray_portable)))]
fn inode(file: &fs::File) -> u64 {
    std::os::unix::fs::MetadataExt::ino(&file.metadata().unwrap())
}

/// Values that were replaced long ago take no memory, whatever their number; only names do.
#[test]
fn memory_does_not_grow() {
    for (len, files) in [(1 << 18, 40), (1 << 8, 40)] {
        let dir = TestDir::new();
        let mut writer = dir.options().history_bytes(0).create::<i32>(NAME).unwrap();
        for n in 0..files {
            writer.write(&[len], &filled(n, len)).unwrap();
        }
        let mut seen = std::collections::HashSet::new();
        let used: u64 = dir
            .files()
            .iter()
            .map(|name| fs::metadata(dir.path().join(name)).unwrap())
            .filter(|meta| seen.insert(std::os::unix::fs::MetadataExt::ino(meta)))
            .map(|meta| std::os::unix::fs::MetadataExt::blocks(&meta) * 512)
            .sum();
        let value = len as u64 * 4 + 4096;
        assert!(used <= 4 * value + 8 * 4096, "{used} bytes for values of {value}");
    }
}

/// Without readers a writer goes round in a few large files.
///
/// From the first reader that comes late, as Python's does, it keeps many. Only access times tell,
/// and only Linux has them looked at.
#[test]
#[cfg(all(target_os = "linux", not(ndsharray_portable)))]
fn a_late_reader_makes_the_history_long() {
    let len = 1 << 18;
    for tombstone in [false, true] {
        let dir = TestDir::new();
        let mut writer = dir.options().create::<i32>(NAME).unwrap();
        let mut names: Vec<std::path::PathBuf> = Vec::new();
        let mut write = |names: &mut Vec<std::path::PathBuf>, count: i32| {
            for n in 0..count {
                writer.write(&[len], &filled(n, len)).unwrap();
                names.push(dir.path().join(writer.payload_name().unwrap()));
            }
        };
        let whole = |names: &[std::path::PathBuf]| {
            names.iter().filter_map(|name| fs::read(name).ok()).filter(|file| value(file).is_some()).count()
        };
        write(&mut names, 40);
        // Access times are coarser than the clock.
        std::thread::sleep(Duration::from_millis(20));
        let late = names.len() - if tombstone { 20 } else { 2 };
        let file = fs::File::open(&names[late]).unwrap();
        // SAFETY: the file is not looked at through the mapping.
        let mapped = unsafe { memmap2::Mmap::map(&file) }.unwrap();
        drop((file, mapped));
        names.clear();
        let mut times = Vec::new();
        for _ in 0..40 {
            write(&mut names, 1);
            times.push(Instant::now());
        }
        // They are kept for a second, and no more than 32 of them: a slow machine writes fewer.
        let fresh = times.iter().filter(|time| times[39].duration_since(**time) < Duration::from_millis(800)).count();
        let found = whole(&names);
        assert!((fresh.min(25)..=34).contains(&found), "{found} files are whole, tombstone {tombstone}");
    }
    // All that is looked at here is looked at late, so this comes last.
    let dir = TestDir::new();
    let mut writer = dir.options().create::<i32>(NAME).unwrap();
    for n in 0..40 {
        writer.write(&[len], &filled(n, len)).unwrap();
    }
    let large = |name: &String| fs::metadata(dir.path().join(name)).unwrap();
    let blocks: u64 = dir.files().iter().map(large).map(|meta| std::os::unix::fs::MetadataExt::blocks(&meta)).sum();
    assert!(blocks * 512 < 8 << 20, "{blocks} blocks are taken where no reader comes");
}
