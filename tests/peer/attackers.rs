//! Users that may read a channel, and attack its writer with that.

use crate::common::os::files;
use crate::common::{NAME, Named, TIMEOUT, listen, say};
use ndsharray::inspect::{Kind, Life};
use ndsharray::{ArrayOptions, Options, SharedArray};
use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::Path;

/// Takes a shared lock on all bytes of `file`, which takes permission to read alone.
fn lock_shared(file: &File) -> bool {
    // SAFETY: flock is a C struct of integers, for which all zeroes is a value.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = libc::F_RDLCK as libc::c_short;
    // SAFETY: the descriptor is open, and the struct outlives the call.
    unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw mut lock) == 0 }
}

/// The files in `dir` that this user may read, by name.
fn readable(dir: &Path) -> Vec<(String, File)> {
    let open = |name: String| Some((name.clone(), File::open(dir.join(name)).ok()?));
    files(dir).into_iter().filter_map(open).collect()
}

/// Takes shared locks on all that it may read, and keeps them to the end.
///
/// Where an exclusive lock is in the way, it tries again.
pub(super) fn lock_all(dir: &Path) {
    let found = readable(dir);
    let held: Vec<&str> = found.iter().filter(|(_, file)| lock_shared(file)).map(|(name, _)| name.as_str()).collect();
    say(format!("locked {}", held.join(" ")));
    while listen().is_some() {
        say(found.iter().filter(|(_, file)| lock_shared(file)).count());
    }
}

/// What a user sees without permission to read the reader table.
pub(super) fn look(options: &Options) {
    let report = options.look(NAME, Kind::Channel).unwrap();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    assert!(report.is_readable() && !report.readers_known && report.readers.is_empty());
    assert_eq!((report.writer.life, report.is_in_use()), (Life::Alive, Some(true)));
    assert_eq!(report.value.as_ref().unwrap().seq, Some(1));
    assert_eq!(options.list().unwrap().len(), 1);
}

/// Takes an array and keeps it.
pub(super) fn hold_array(options: &Options) {
    let array: SharedArray<u64> = ArrayOptions::from(options).open(NAME).unwrap();
    let mut guard = array.write().unwrap();
    guard[0] += 1;
    say("holds");
    while listen().is_some() {}
}

/// A reader that waits until told of the value 2.
pub(super) fn wait_for_two(options: &Options) {
    let mut reader = options.open(NAME).unwrap();
    assert_eq!(reader.read().unwrap().unwrap().name(), 1);
    say("open");
    let sample = reader.wait(TIMEOUT).unwrap().unwrap();
    say(format!("woken by {}", sample.name()));
}

/// Moves all sleepers of every word that it can map to another word.
///
/// Reports how many there were.
pub(super) fn requeue_all(dir: &Path) {
    let maps: Vec<(usize, usize)> = readable(dir)
        .iter()
        .map(|(_, file)| {
            let len = usize::try_from(file.metadata().unwrap().len()).unwrap();
            // SAFETY: a new mapping, at an address of the system's choice; nothing here refers to
            // it.
            let start = unsafe {
                libc::mmap(std::ptr::null_mut(), len, libc::PROT_READ, libc::MAP_SHARED, file.as_raw_fd(), 0)
            };
            assert_ne!(start, libc::MAP_FAILED);
            (start as usize, len)
        })
        .collect();
    assert!(maps.len() >= 2, "board and payload");
    let grave = std::sync::atomic::AtomicU32::new(0);
    say("mapped");
    while listen().is_some() {
        let mut moved = 0;
        for (start, len) in &maps {
            for at in (*start..start + len).step_by(4) {
                // SAFETY: FUTEX_REQUEUE uses both addresses as keys alone; one is in the mapping,
                // one is a variable.
                let answer = unsafe {
                    libc::syscall(libc::SYS_futex, at, libc::FUTEX_REQUEUE, 0, i32::MAX, std::ptr::from_ref(&grave))
                };
                assert!(answer >= 0, "{}", std::io::Error::last_os_error());
                moved += answer;
            }
        }
        say(format!("moved {moved}"));
    }
}
