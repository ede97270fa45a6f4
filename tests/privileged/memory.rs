//! A file system without free space.

use crate::common::os::files;
use crate::common::{NAME, Named, Peer, TIMEOUT, TestDir, shape_of, value};
use ndsharray::{Error, HeaderError, Memory, Options, OwnedSample, Reader, Writer};
use std::ffi::CString;
use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const PAGE: u64 = 4096;

/// Bytes of the file systems that these tests make.
const SIZE: u64 = 1 << 20;

/// Runs `act` on a private `tmpfs`, which goes with the thread that runs it.
fn on_tmpfs(settings: &str, act: impl FnOnce(&Path) + Send) {
    let dir = TestDir::new();
    let path = CString::new(dir.path().as_os_str().as_bytes()).unwrap();
    let settings = CString::new(settings).unwrap();
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let null = std::ptr::null();
            let private = libc::MS_REC | libc::MS_PRIVATE;
            // SAFETY: takes a number; this thread alone gets mounts of its own.
            assert_eq!(unsafe { libc::unshare(libc::CLONE_NEWNS) }, 0, "this needs root");
            // SAFETY: the strings end in NUL; the others are not looked at when mounts are made
            // private.
            assert_eq!(unsafe { libc::mount(null, c"/".as_ptr(), null, private, null.cast()) }, 0);
            // SAFETY: all of them are strings that end in NUL.
            let mounted = unsafe {
                libc::mount(c"tmpfs".as_ptr(), path.as_ptr(), c"tmpfs".as_ptr(), 0, settings.as_ptr().cast())
            };
            assert_eq!(mounted, 0, "{}", std::io::Error::last_os_error());
            act(dir.path());
        });
        if let Err(failure) = thread.join() {
            std::panic::resume_unwind(failure);
        }
    });
}

fn free(dir: &Path) -> u64 {
    let path = CString::new(dir.as_os_str().as_bytes()).unwrap();
    let mut stat = std::mem::MaybeUninit::<libc::statvfs>::zeroed();
    // SAFETY: the path ends in NUL and `stat` has room for the struct that the call writes.
    assert_eq!(unsafe { libc::statvfs(path.as_ptr(), stat.as_mut_ptr()) }, 0);
    // SAFETY: a struct of integers, filled in.
    let stat = unsafe { stat.assume_init() };
    #[allow(clippy::unnecessary_cast, reason = "the fields' width differs by target")]
    let bytes = stat.f_bavail as u64 * stat.f_frsize as u64;
    bytes
}

/// Takes memory until `left` bytes are left.
fn fill(dir: &Path, left: u64) {
    let file = fs::File::create(dir.join("filler")).unwrap();
    let taken = free(dir).checked_sub(left).expect("there is less already");
    if taken > 0 {
        // SAFETY: takes numbers; the file is open.
        assert_eq!(unsafe { libc::fallocate(file.as_raw_fd(), 0, 0, taken as libc::off_t) }, 0);
    }
    assert_eq!(free(dir), left);
}

fn empty(dir: &Path) {
    fs::remove_file(dir.join("filler")).unwrap();
}

/// Asserts that `result` tells of too little memory for an array of `bytes`.
fn is_out_of_memory<T>(result: Result<T, Error>, bytes: u64, dir: &Path) {
    match result {
        Err(Error::OutOfMemory { requested, available, memory, .. }) => {
            assert_eq!(memory, Memory::FileSystem { dir: dir.to_owned() });
            assert!((bytes..=bytes + bytes / 8 + PAGE).contains(&requested), "{requested} for {bytes}");
            assert!(available == free(dir) && available < requested, "{available} of {requested}");
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("there was room"),
    }
}

fn put(writer: &mut Writer<u8>, byte: u8, len: usize) -> ndsharray::Result<u64> {
    writer.write(&[len], &vec![byte; len])
}

fn all_are(bytes: &[u8], byte: u8, len: usize) -> bool {
    bytes.len() == len && bytes.iter().all(|found| *found == byte)
}

#[test]
#[ignore = "needs root"]
fn growth_is_refused_and_everything_goes_on() {
    for prefault in [false, true] {
        on_tmpfs("size=1M", |dir| {
            let options = Options::new().dir(dir).prefault(prefault);
            let mut writer = options.create::<u8>(NAME).unwrap();
            let mut reader = options.open(NAME).unwrap();
            put(&mut writer, 1, 100_000).unwrap();
            put(&mut writer, 2, 100_000).unwrap();
            fill(dir, 300_000 / PAGE * PAGE);
            let before = files(dir);
            for _ in 0..5 {
                is_out_of_memory(put(&mut writer, 3, 400_000), 400_000, dir);
                is_out_of_memory(writer.loan(&[500_000]), 500_000, dir);
                is_out_of_memory(writer.loan(&[1 << 30]), 1 << 30, dir);
                assert_eq!(files(dir), before, "of a file that did not fit nothing stays");
                assert!(all_are(reader.latest().unwrap().unwrap().as_bytes(), 2, 100_000));
            }
            assert_eq!(reader.latest().unwrap().unwrap().seq(), 2);
            for byte in 3..100 {
                let len = 1000 * usize::from(byte);
                put(&mut writer, byte, len).unwrap();
                assert!(all_are(reader.read().unwrap().unwrap().as_bytes(), byte, len));
            }
            is_out_of_memory(put(&mut writer, 3, 400_000), 400_000, dir);
            empty(dir);
            for byte in 100..110 {
                put(&mut writer, byte, 400_000).unwrap();
                assert!(all_are(reader.read().unwrap().unwrap().as_bytes(), byte, 400_000));
            }
            assert_eq!(reader.latest().unwrap().unwrap().seq(), 2 + 97 + 10);
            drop(writer);
            assert_eq!(files(dir), [""; 0]);
        });
    }
}

/// Files that hold nothing of use are given up before a write is refused.
#[test]
#[ignore = "needs root"]
fn idle_files_make_room() {
    on_tmpfs("size=1M", |dir| {
        let options = Options::new().dir(dir);
        let mut writer = options.create::<u8>(NAME).unwrap();
        let mut reader = options.open(NAME).unwrap();
        let held: Vec<OwnedSample> = (1..=6)
            .map(|byte| {
                put(&mut writer, byte, 120_000).unwrap();
                reader.latest_owned().unwrap().unwrap()
            })
            .collect();
        is_out_of_memory(put(&mut writer, 7, 600_000), 600_000, dir);
        drop((held, reader));
        let mut reader = options.open(NAME).unwrap();
        put(&mut writer, 8, 600_000).unwrap();
        assert!(all_are(reader.latest().unwrap().unwrap().as_bytes(), 8, 600_000));
    });
}

#[test]
#[ignore = "needs root"]
fn a_channel_that_does_not_fit_leaves_nothing() {
    on_tmpfs("size=1M", |dir| {
        let mut fitted = 0;
        let mut refused = 0;
        let pages = 24;
        for left in 0..pages {
            fill(dir, left * PAGE);
            let options = Options::new().dir(dir).prefault(left % 2 == 0).capacity_bytes(8 * PAGE as usize);
            let before = free(dir);
            match options.create::<u8>(NAME) {
                Ok(mut writer) => match put(&mut writer, 1, 1) {
                    Ok(_) => fitted += 1,
                    Err(Error::OutOfMemory { requested, available, .. }) => {
                        assert!(available < requested);
                        assert!(options.open(NAME).unwrap().latest().unwrap().is_none());
                        refused += 1;
                    }
                    Err(other) => panic!("{other}"),
                },
                Err(Error::OutOfMemory { requested, available, .. }) => {
                    assert!(available < requested && requested < SIZE, "{available} of {requested}");
                    refused += 1;
                }
                Err(other) => panic!("with {left} pages: {other}"),
            }
            assert_eq!(files(dir), ["filler"], "with {left} pages");
            assert_eq!(free(dir), before);
            empty(dir);
        }
        assert!(fitted >= 2 && fitted + refused == pages, "{fitted} fitted");
    });
}

/// What is set aside on need is refused with its numbers, and everything goes on.
#[test]
#[ignore = "needs root"]
fn further_slots_and_readers_are_refused() {
    on_tmpfs("size=1M", |dir| {
        let options = Options::new().dir(dir);
        let mut writer = options.create::<u8>(NAME).unwrap();
        let mut readers: Vec<Reader> = (0..62).map(|_| options.open(NAME).unwrap()).collect();
        let mut held = Vec::new();
        // Two take a file of their own each time, until all slots with memory have one.
        for byte in 0..6 {
            put(&mut writer, byte, 8).unwrap();
            held.push(readers[0].read_owned().unwrap().unwrap());
        }
        for left in [0, PAGE] {
            fill(dir, left);
            for _ in 0..5 {
                match put(&mut writer, 9, 8) {
                    Err(Error::OutOfMemory { requested, available, memory, .. }) => {
                        assert_eq!(memory, Memory::FileSystem { dir: dir.to_owned() });
                        assert!(available < requested, "{available} of {requested}");
                    }
                    other => panic!("{other:?}"),
                }
                assert!(all_are(readers[1].latest().unwrap().unwrap().as_bytes(), 5, 8));
            }
            // The first time nothing is left, the second time what is left has gone to a slot.
            assert_eq!(free(dir), 0);
            match options.open(NAME) {
                Err(Error::OutOfMemory { requested, available, memory, .. }) => {
                    assert_eq!(memory, Memory::FileSystem { dir: dir.to_owned() });
                    assert!(available < requested, "{available} of {requested}");
                }
                other => panic!("{other:?}"),
            }
            empty(dir);
        }
        assert!(held.iter().zip(0..).all(|(sample, byte)| all_are(sample.as_bytes(), byte, 8)));
        for byte in 10..20 {
            put(&mut writer, byte, 8).unwrap();
            held.push(readers[0].read_owned().unwrap().unwrap());
        }
        readers.extend([options.open(NAME).unwrap(), options.open(NAME).unwrap()]);
        for reader in &mut readers {
            assert!(all_are(reader.latest().unwrap().unwrap().as_bytes(), 19, 8));
        }
    });
}

/// Memory that has room, but not for another file.
#[test]
#[ignore = "needs root"]
fn a_channel_without_inodes_leaves_nothing() {
    // One is the directory's.
    for inodes in 1..8 {
        on_tmpfs(&format!("size=1M,nr_inodes={inodes}"), |dir| {
            let options = Options::new().dir(dir);
            match options.create::<u8>(NAME) {
                Ok(mut writer) => {
                    assert!(inodes >= 3);
                    let wrote = put(&mut writer, 1, 1);
                    assert_eq!(wrote.is_ok(), inodes >= 4, "{wrote:?}");
                    let no_inodes = matches!(wrote, Err(Error::OutOfMemory { memory: Memory::Inodes { .. }, .. }));
                    assert_eq!(no_inodes, inodes < 4, "{wrote:?}");
                    let mut reader = options.open(NAME).unwrap();
                    assert_eq!(reader.latest().unwrap().is_some(), inodes >= 4);
                }
                Err(Error::OutOfMemory { memory: Memory::Inodes { dir: named }, .. }) => {
                    assert_eq!(named, dir);
                    assert!(inodes < 3);
                }
                Err(other) => panic!("with {inodes} inodes: {other}"),
            }
            assert_eq!(files(dir), [""; 0], "with {inodes} inodes");
        });
    }
}

#[test]
#[ignore = "needs root"]
fn held_values_fill_the_memory() {
    on_tmpfs("size=1M", |dir| {
        let options = Options::new().dir(dir);
        let mut writer = options.create::<u8>(NAME).unwrap();
        let mut reader = options.open(NAME).unwrap();
        let mut held: Vec<(u8, OwnedSample)> = Vec::new();
        let mut byte = 0;
        let refusal = loop {
            byte += 1;
            match put(&mut writer, byte, 100_000) {
                Ok(_) => held.push((byte, reader.latest_owned().unwrap().unwrap())),
                Err(error) => break Err::<(), _>(error),
            }
        };
        is_out_of_memory(refusal, 100_000, dir);
        assert!(held.len() >= 7, "{} fitted", held.len());
        let intact =
            |held: &[(u8, OwnedSample)]| held.iter().all(|(byte, sample)| all_are(sample.as_bytes(), *byte, 100_000));
        // Small ones still fit, and take turns in what there is.
        for byte in 100..200 {
            put(&mut writer, byte, 1000).unwrap();
            assert!(all_are(reader.read().unwrap().unwrap().as_bytes(), byte, 1000));
            is_out_of_memory(put(&mut writer, 0, 100_000), 100_000, dir);
        }
        assert!(intact(&held));
        // A value that is given back makes room for one of its size.
        for byte in 200..220 {
            held.remove(0);
            put(&mut writer, byte, 100_000).unwrap();
            held.push((byte, reader.read_owned().unwrap().unwrap()));
            is_out_of_memory(put(&mut writer, 0, 100_000), 100_000, dir);
            assert!(intact(&held));
        }
        drop(writer);
        assert_eq!(files(dir), [""; 0]);
        assert!(intact(&held));
    });
}

/// Taking over takes no memory.
#[test]
#[ignore = "needs root"]
fn a_writer_takes_over_in_full_memory() {
    on_tmpfs("size=1M", |dir| {
        let mut dead = Peer::start("obey 4", dir, |_| {});
        assert_eq!(dead.hear(), "open");
        for id in 1..4 {
            assert_eq!(dead.ask(&format!("write {id}")), format!("try {id}"));
            assert_eq!(dead.hear(), format!("done {id} {id}"));
        }
        let options = Options::new().dir(dir);
        let mut reader = options.open(NAME).unwrap();
        let held = reader.latest_owned().unwrap().unwrap();
        fill(dir, 0);
        dead.kill();
        let mut writer = options.create::<u64>(NAME).unwrap();
        assert_eq!(reader.latest().unwrap().unwrap().name(), 3);
        // The files of values without a holder are gone, and made space.
        for id in 4..10 {
            let wrote = writer.write(&shape_of(4), &value(4));
            assert!(matches!(wrote, Ok(_) | Err(Error::OutOfMemory { .. })), "{id}: {wrote:?}");
        }
        empty(dir);
        writer.write(&shape_of(5), &value(5)).unwrap();
        assert_eq!(reader.read().unwrap().unwrap().name(), 5);
        assert_eq!(held.name(), 3);
    });
}

/// A large value's old file goes first, if both do not fit.
///
/// The same holds for values that fill their files to the last byte, which are made by writing to
/// them.
#[test]
#[ignore = "needs root"]
fn the_file_to_be_replaced_makes_room() {
    for (prefault, small, large) in
        [(false, 1_900_000, 3_800_000), (true, 1_900_000, 3_800_000), (false, 15 << 17, 15 << 18)]
    {
        on_tmpfs("size=8M", |dir| {
            let mut writer = Options::new().dir(dir).prefault(prefault).create::<u8>(NAME).unwrap();
            for byte in 1..4 {
                put(&mut writer, byte, small).unwrap();
            }
            for byte in 4..12 {
                put(&mut writer, byte, large).unwrap();
                let mut reader = Options::new().dir(dir).open(NAME).unwrap();
                assert!(all_are(reader.latest().unwrap().unwrap().as_bytes(), byte, large));
            }
            // What cannot fit takes nothing away.
            let before = files(dir);
            for len in [8_000_000, 8 << 20] {
                is_out_of_memory(put(&mut writer, 12, len), len as u64, dir);
                assert_eq!(files(dir), before);
            }
        });
    }
}

/// A reader that has nothing new to read keeps no memory from the writer.
#[test]
#[ignore = "needs root"]
fn an_idle_reader_lets_go() {
    type Look = fn(&mut Reader);
    let looks: [Look; 6] = [
        |reader| assert!(reader.read().unwrap().is_none()),
        |reader| assert!(reader.latest().unwrap().is_some()),
        |reader| assert!(reader.read_owned().unwrap().is_none()),
        |reader| assert!(reader.wait(Duration::from_millis(1)).unwrap().is_none()),
        |reader| assert!(!reader.wait_for_news(Duration::ZERO).unwrap()),
        |reader| assert!(reader.read_into::<u8>(&mut Vec::new()).unwrap().is_none()),
    ];
    for look in looks {
        on_tmpfs("size=8M", |dir| {
            let options = Options::new().dir(dir);
            let mut writer = options.create::<u8>(NAME).unwrap();
            let mut reader = options.open(NAME).unwrap();
            let mut copying = options.open_read_only(NAME).unwrap();
            for byte in 1..3 {
                put(&mut writer, byte, 1_900_000).unwrap();
                reader.read().unwrap().unwrap();
                copying.read_into(&mut Vec::<u8>::new()).unwrap().unwrap();
            }
            put(&mut writer, 3, 3_800_000).unwrap();
            reader.read().unwrap().unwrap();
            copying.read_into(&mut Vec::<u8>::new()).unwrap().unwrap();
            // The file that goes first is mapped by the reader, and open in the other.
            is_out_of_memory(put(&mut writer, 4, 3_800_000), 3_800_000, dir);
            look(&mut reader);
            copying.read_into(&mut Vec::<u8>::new()).unwrap();
            put(&mut writer, 4, 3_800_000).unwrap();
            assert!(all_are(reader.read().unwrap().unwrap().as_bytes(), 4, 3_800_000));
        });
    }
}

/// Small values go on in their files if no further file can be created.
///
/// It would only spread them.
#[test]
#[ignore = "needs root"]
fn small_values_go_on_without_further_files() {
    // One inode is the directory's, two are those of board and table.
    on_tmpfs("size=1M,nr_inodes=5", |dir| go_on(dir, |_| ()));
    on_tmpfs("size=1M", |dir| go_on(dir, |dir| fill(dir, 0)));
}

/// Writes two values, then more when there is `no_more`.
fn go_on(dir: &Path, no_more: impl FnOnce(&Path)) {
    let options = Options::new().dir(dir);
    let mut writer = options.create::<u8>(NAME).unwrap();
    let mut reader = options.open(NAME).unwrap();
    put(&mut writer, 1, 1000).unwrap();
    put(&mut writer, 2, 1000).unwrap();
    no_more(dir);
    for byte in (0..200).cycle().take(2000) {
        put(&mut writer, byte, 1000).unwrap();
        assert!(all_are(reader.read().unwrap().unwrap().as_bytes(), byte, 1000));
    }
    let held = reader.read_owned().unwrap().or_else(|| reader.latest_owned().unwrap()).unwrap();
    // With one of two held a third is needed.
    put(&mut writer, 201, 1000).unwrap();
    match put(&mut writer, 202, 1000) {
        Err(Error::OutOfMemory {
            memory: Memory::Inodes { dir: named } | Memory::FileSystem { dir: named }, ..
        }) => {
            assert_eq!(named, dir);
        }
        other => panic!("{other:?}"),
    }
    assert!(all_are(reader.read().unwrap().unwrap().as_bytes(), 201, 1000));
    drop(held);
    put(&mut writer, 203, 1000).unwrap();
    assert!(all_are(reader.read().unwrap().unwrap().as_bytes(), 203, 1000));
}

/// The payload file of the only value in `dir`.
fn payload(dir: &Path) -> PathBuf {
    let name = files(dir).into_iter().find(|name| name.rsplit('-').next().is_some_and(|hex| hex.len() == 32));
    dir.join(name.unwrap())
}

/// The most memory that this process has had mapped.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmPeak:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// A header may claim anything, and a file may be as long.
///
/// What has no memory is neither copied nor looked at.
#[test]
#[ignore = "needs root"]
fn a_sparse_payload_costs_nothing() {
    const CLAIMED: u64 = 4 << 30;
    on_tmpfs("size=1M", |dir| {
        let options = Options::new().dir(dir);
        let mut writer = options.create::<u8>(NAME).unwrap();
        put(&mut writer, 1, 52 << 10).unwrap();
        let board = fs::File::options().read(true).write(true).open(dir.join(format!("{NAME}.ndsh"))).unwrap();
        let mut latest = [0; 8];
        board.read_exact_at(&mut latest, 64).unwrap();
        let slot = 128 + 576 * (u64::from_ne_bytes(latest) % 64);
        let claim = |bytes: u64| {
            // The byte length, and the only axis.
            for at in [24, 48] {
                board.write_all_at(&bytes.to_ne_bytes(), slot + at).unwrap();
            }
        };
        claim(CLAIMED);
        let file = fs::File::options().write(true).open(payload(dir)).unwrap();
        file.set_len(CLAIMED).unwrap();

        let (begin, before) = (Instant::now(), peak());
        let is_sparse = |error: Error| match error {
            Error::Corrupt(HeaderError::Sparse { expected, found }) => {
                assert_eq!((expected, found), (CLAIMED, 52 << 10));
            }
            other => panic!("{other}"),
        };
        let mut copies = options.open_read_only(NAME).unwrap();
        is_sparse(copies.read_owned().unwrap_err());
        is_sparse(copies.read_into(&mut Vec::<u8>::new()).unwrap_err());
        let mut reader = options.open(NAME).unwrap();
        is_sparse(reader.read().unwrap_err());
        is_sparse(reader.read_into(&mut Vec::<u8>::new()).unwrap_err());
        assert!(begin.elapsed() < TIMEOUT, "{:?}", begin.elapsed());
        assert!(peak() < before + CLAIMED / 2, "memory was taken");
        // Readers that say what they accept need not look at the file.
        let mut choosy = options.clone().max_value_bytes(1 << 20).open_read_only(NAME).unwrap();
        let error = choosy.read_owned().unwrap_err();
        assert!(
            matches!(error, Error::ValueTooLarge { found, max: 1_048_576, .. } if found as u64 == CLAIMED),
            "{error}"
        );
        put(&mut writer, 2, 100).unwrap();
        for reader in [&mut copies, &mut reader, &mut choosy] {
            assert!(all_are(reader.read_owned().unwrap().unwrap().as_bytes(), 2, 100));
        }
    });
}
