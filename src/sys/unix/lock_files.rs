//! Locks on byte ranges, made of small files.
//!
//! For systems whose range locks belong to the process.
//!
//! A process's own range locks (`F_SETLK`) do not exclude two handles of one process, and they all
//! go when it closes *any* descriptor of the file, as a reader in the writer's process would. What
//! belongs to an open file on every Unix is `flock`, which knows no ranges. So each range has an
//! empty file beside the locked one, named by its inode number and the range's start. The holder of
//! a `flock` on that file has the range. A process makes the file to take the lock, and removes it
//! to release the lock. A file that a killed process left is free. The next process that releases
//! that lock removes it, or the next that closes a handle in the directory
//! ([`Sweeper`](crate::sys::Sweeper)).
//!
//! For all ranges at once there is one more such file. A process that takes it checks afterwards
//! whether another has one of the ranges, and a process that takes a range checks afterwards
//! whether another has all. Each has its own lock when it checks for the other's. So one of the two
//! sees the other at least, and releases what it has.
//!
//! A lock is to end with the file that it was taken through, like those of other systems. Closing
//! cannot be noticed here, so files that locks are taken through announce that they close
//! ([`unlock_all`]). A file that was closed without that counts as closed as soon as its descriptor
//! is used again, or a process asks for a lock of its.

use crate::sys::posix::{self, fork_count, identify, identify_path, same_file, watch_forks};
use crate::sys::types::{Access, ByteRange, Identity};
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Attempts at a lock that only queries are in the way of.
///
/// Each query lasts for two system calls.
const ATTEMPTS: u32 = 10_000;

/// The prefix of lock files; no channel's name starts with a dot.
const PREFIX: &str = ".ndsh-lock-";

/// What of a file is locked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    /// The range that starts here.
    Range(u64),
    /// All ranges.
    All,
}

/// A lock that this process holds.
struct HeldLock {
    /// The descriptor that it was locked through.
    fd: RawFd,
    /// The file that it is in.
    identity: Identity,
    what: What,
    path: PathBuf,
    /// Holds the `flock`; closing it releases it.
    _file: File,
    forks: u64,
}

impl HeldLock {
    /// Whether the file that it was locked through is still open.
    fn is_current(&self) -> bool {
        let mut stat = std::mem::MaybeUninit::<libc::stat>::uninit();
        // SAFETY: takes a number, which need not be a descriptor, and writes the one struct that
        // there is room for.
        if unsafe { libc::fstat(self.fd, stat.as_mut_ptr()) } != 0 {
            return false;
        }
        // SAFETY: fstat returned 0, so it has filled the struct.
        let stat = unsafe { stat.assume_init() };
        #[allow(
            clippy::unnecessary_cast,
            clippy::cast_sign_loss,
            reason = "the fields' types differ by target; std casts them alike"
        )]
        let found = (stat.st_dev as u64, stat.st_ino as u64);
        found == (self.identity.device, self.identity.inode)
    }
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        // In a forked child the lock is the parent's; closing the descriptor leaves it alone.
        if self.forks == fork_count() {
            // While it is still locked: a process that gets the lock afterwards finds that the file
            // has lost its name.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[derive(Default)]
struct Registry {
    held: Vec<HeldLock>,
    /// Directories of the files opened.
    dirs: HashMap<RawFd, PathBuf>,
}

/// A process's registry.
///
/// A forked child has one of its own, and never touches its parent's lock. Another thread may have
/// held it at the fork, and nothing would ever free it in the child.
struct OfProcess {
    forks: u64,
    registry: Mutex<Registry>,
}

fn registry() -> MutexGuard<'static, Registry> {
    static CURRENT: AtomicPtr<OfProcess> = AtomicPtr::new(ptr::null_mut());
    let forks = watch_forks();
    // Acquire: pairs with the Release of the exchange below, by which what the pointer leads to is
    // there.
    let mut current = CURRENT.load(Ordering::Acquire);
    loop {
        // SAFETY: null, or made below by `Box`, and never freed once it has been stored.
        if let Some(own) = unsafe { current.as_ref() }
            && own.forks == forks
        {
            return own.registry.lock().unwrap_or_else(PoisonError::into_inner);
        }
        let made = Box::into_raw(Box::new(OfProcess { forks, registry: Mutex::default() }));
        match CURRENT.compare_exchange(current, made, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => current = made,
            Err(other) => {
                // SAFETY: made above, and not stored anywhere.
                drop(unsafe { Box::from_raw(made) });
                current = other;
            }
        }
    }
}

/// As [`posix::open_exclusive`].
pub(crate) fn open_exclusive(path: &Path, mode: u32) -> io::Result<File> {
    posix::open_exclusive(path, mode).inspect(|file| note(file, path))
}

/// As [`posix::open`].
pub(crate) fn open(path: &Path, access: Access) -> io::Result<File> {
    posix::open(path, access).inspect(|file| note(file, path))
}

/// Notes the directory of a file that has just been opened.
///
/// The file that its descriptor stood for before is closed.
fn note(file: &File, path: &Path) {
    let mut registry = registry();
    let fd = file.as_raw_fd();
    registry.held.retain(|held| held.fd != fd);
    registry.dirs.insert(fd, path.parent().unwrap_or(Path::new("")).to_owned());
}

/// Takes the lock on `range` if it is free.
pub(crate) fn try_lock(file: &File, range: &ByteRange) -> io::Result<bool> {
    registry().try_take(file, What::Range(range.start), Registry::has_another_all)
}

/// Takes the locks on all ranges within `ranges`, if all are free.
pub(crate) fn try_lock_all(file: &File, ranges: &ByteRange) -> io::Result<bool> {
    registry().try_take(file, What::All, |registry, place| registry.has_another_any(place, ranges))
}

/// Releases the lock on `range`.
pub(crate) fn unlock(file: &File, range: &ByteRange) -> io::Result<()> {
    let identity = identify(file)?;
    registry().give_back(file.as_raw_fd(), &identity, What::Range(range.start));
    Ok(())
}

/// Whether another open file description holds such a lock in `range`. A file opened for reading
/// may ask.
pub(crate) fn is_locked(file: &File, range: &ByteRange) -> io::Result<bool> {
    let mut registry = registry();
    let place = registry.place(file)?;
    Ok(registry.has_another(&place, What::Range(range.start))? || registry.has_another_all(&place)?)
}

/// Whether another open file description holds a lock on any range within `ranges`.
pub(crate) fn is_any_locked(file: &File, ranges: &ByteRange) -> io::Result<bool> {
    let mut registry = registry();
    let place = registry.place(file)?;
    Ok(registry.has_another_any(&place, ranges)? || registry.has_another_all(&place)?)
}

/// Releases the locks taken through `file`: the caller is about to close it.
pub(crate) fn unlock_all(file: &File) {
    let fd = file.as_raw_fd();
    registry().held.retain(|held| held.fd != fd);
}

/// Where a file is that is locked.
struct Site {
    fd: RawFd,
    identity: Identity,
    dir: PathBuf,
}

impl Site {
    /// The lock file.
    fn path(&self, what: What) -> PathBuf {
        let inode = self.identity.inode;
        self.dir.join(match what {
            What::Range(start) => format!("{PREFIX}{inode:x}-{start}"),
            What::All => format!("{PREFIX}{inode:x}-all"),
        })
    }

    /// The starts of the ranges that have lock files.
    fn starts(&self) -> io::Result<Vec<u64>> {
        let mut starts = Vec::new();
        let prefix = format!("{PREFIX}{:x}-", self.identity.inode);
        for entry in fs::read_dir(&self.dir)? {
            let name = entry?.file_name();
            let start: Option<u64> = name.to_str().and_then(|name| name.strip_prefix(prefix.as_str())?.parse().ok());
            starts.extend(start);
        }
        Ok(starts)
    }
}

impl Registry {
    fn place(&self, file: &File) -> io::Result<Site> {
        let fd = file.as_raw_fd();
        let dir = self.dirs.get(&fd).ok_or(ErrorKind::InvalidInput)?.clone();
        Ok(Site { fd, identity: identify(file)?, dir })
    }

    /// The descriptor through which this process holds the lock.
    fn holder(&mut self, place: &Site, what: What) -> Option<RawFd> {
        let is_it = |held: &HeldLock| held.what == what && same_file(&held.identity, &place.identity);
        self.held.retain(|held| !is_it(held) || held.is_current());
        self.held.iter().find(|held| is_it(held)).map(|held| held.fd)
    }

    /// Takes a free lock, unless there is another `in_the_way` once it is taken.
    fn try_take(
        &mut self,
        file: &File,
        what: What,
        in_the_way: impl FnOnce(&mut Self, &Site) -> io::Result<bool>,
    ) -> io::Result<bool> {
        let place = self.place(file)?;
        if let Some(holder) = self.holder(&place, what) {
            return Ok(holder == place.fd);
        }
        let forks = watch_forks();
        let mode = file.metadata()?.permissions().mode() & 0o777;
        let path = place.path(what);
        let Some(lock_file) = lock_alone(&path, mode)? else { return Ok(false) };
        self.held.push(HeldLock { fd: place.fd, identity: place.identity, what, path, _file: lock_file, forks });
        let answer = in_the_way(self, &place);
        if !matches!(answer, Ok(false)) {
            self.give_back(place.fd, &place.identity, what);
        }
        answer.map(|in_the_way| !in_the_way)
    }

    fn give_back(&mut self, fd: RawFd, identity: &Identity, what: What) {
        self.held.retain(|held| held.fd != fd || held.what != what || !same_file(&held.identity, identity));
    }

    /// Whether the lock is held through another file.
    fn has_another(&mut self, place: &Site, what: What) -> io::Result<bool> {
        if let Some(holder) = self.holder(place, what) {
            return Ok(holder != place.fd);
        }
        match open_existing(&place.path(what))? {
            Some(lock_file) => Ok(!try_flock_shared(&lock_file)?),
            None => Ok(false),
        }
    }

    fn has_another_all(&mut self, place: &Site) -> io::Result<bool> {
        self.has_another(place, What::All)
    }

    fn has_another_any(&mut self, place: &Site, ranges: &ByteRange) -> io::Result<bool> {
        for start in place.starts()? {
            if ranges.contains(&start) && self.has_another(place, What::Range(start))? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Makes the lock file, if there is none, and locks it; `None` if already locked.
fn lock_alone(path: &Path, mode: u32) -> io::Result<Option<File>> {
    for _ in 0..ATTEMPTS {
        let lock_file = match posix::open_exclusive(path, mode) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => match open_existing(path)? {
                Some(lock_file) => lock_file,
                None => continue,
            },
            other => other?,
        };
        if try_flock(&lock_file)? {
            // Its holder may have removed it between our open and our lock.
            if has_name(&lock_file, path)? {
                return Ok(Some(lock_file));
            }
        } else if !try_flock_shared(&lock_file)? {
            return Ok(None);
        }
        // In the way was a process that asks or sweeps just now, and shares the lock.
        drop(lock_file);
        std::thread::yield_now();
    }
    Ok(None)
}

/// Whether the path names this file.
fn has_name(file: &File, path: &Path) -> io::Result<bool> {
    let ours = identify(file)?;
    Ok(identify_path(path).is_ok_and(|named| same_file(&named, &ours)))
}

/// Removes the lock files in `dir` that no process holds, unless another is at it.
///
/// A name is removed by a process that has the file locked alone, or by the one sweeper, while it
/// has it locked together with those that ask. Both check first whether the name is the file's. So
/// no process removes the name of a later file.
pub(crate) fn sweep(dir: &Path) -> io::Result<()> {
    let whole = File::open(dir)?;
    if !try_flock(&whole)? {
        return Ok(());
    }
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if !entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX)) {
            continue;
        }
        let path = entry.path();
        if let Ok(Some(lock_file)) = open_existing(&path)
            && try_flock_shared(&lock_file)?
            && has_name(&lock_file, &path)?
        {
            // Another user's stays.
            let _ = fs::remove_file(&path);
        }
    }
    Ok(())
}

/// `None` when there is none.
fn open_existing(path: &Path) -> io::Result<Option<File>> {
    match OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path) {
        Ok(file) if file.metadata()?.is_file() && file.metadata()?.len() == 0 => Ok(Some(file)),
        Ok(_) => Err(ErrorKind::InvalidData.into()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn try_flock(file: &File) -> io::Result<bool> {
    taken(file.try_lock())
}

fn try_flock_shared(file: &File) -> io::Result<bool> {
    taken(file.try_lock_shared())
}

fn taken(answer: Result<(), TryLockError>) -> io::Result<bool> {
    match answer {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::{Sweeper, range_lock};
    use std::ffi::CString;
    use std::os::unix::ffi::OsStrExt;
    use std::sync::Barrier;

    fn lock_file(file: &File) -> PathBuf {
        registry().place(file).unwrap().path(What::Range(0))
    }

    #[test]
    fn lock_files_go_with_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let count = || fs::read_dir(dir.path()).unwrap().count();
        let (a, b) = (open_exclusive(&path, 0o600).unwrap(), open(&path, Access::ReadWrite).unwrap());
        assert!(range_lock::try_lock(&a, &(0..64)).unwrap());
        assert!(range_lock::try_lock(&a, &(64..128)).unwrap());
        assert!(range_lock::try_lock(&a, &(64..128)).unwrap(), "one's own is no obstacle");
        assert_eq!(count(), 3);
        assert!(!range_lock::try_lock(&b, &(0..64)).unwrap());
        assert!(!range_lock::try_lock_all(&b, &(0..128)).unwrap());
        range_lock::unlock_all(&b);
        assert!(!range_lock::try_lock(&b, &(0..64)).unwrap(), "it had none");
        range_lock::unlock_all(&a);
        assert_eq!(count(), 1);
        assert!(range_lock::try_lock(&b, &(0..64)).unwrap());
    }

    #[test]
    fn what_a_killed_process_left_is_free() {
        let dir = tempfile::tempdir().unwrap();
        let file = open_exclusive(&dir.path().join("f"), 0o600).unwrap();
        let left = lock_file(&file);
        fs::write(&left, "").unwrap();
        assert!(!range_lock::is_locked(&file, &(0..64)).unwrap());
        assert!(!range_lock::is_any_locked(&file, &(0..128)).unwrap());
        assert!(range_lock::try_lock(&file, &(0..64)).unwrap());
        range_lock::unlock(&file, &(0..64)).unwrap();
        assert!(!left.exists());
    }

    #[test]
    fn what_is_free_is_swept_and_what_is_had_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let file = open_exclusive(&dir.path().join("f"), 0o600).unwrap();
        assert!(range_lock::try_lock(&file, &(0..64)).unwrap());
        let left = dir.path().join(".ndsh-lock-1-0");
        fs::write(&left, "").unwrap();
        drop(Sweeper::of(dir.path()));
        assert!(lock_file(&file).exists() && !left.exists());
        assert!(!range_lock::is_locked(&file, &(0..64)).unwrap(), "not by another");
    }

    #[test]
    fn sweeping_takes_no_lock_from_those_who_take_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        drop(open_exclusive(&path, 0o600).unwrap());
        let inside = Mutex::new(());
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..300 {
                        let file = open(&path, Access::ReadWrite).unwrap();
                        if range_lock::try_lock(&file, &(0..64)).unwrap() {
                            let alone = inside.try_lock().expect("the lock is free");
                            drop(Sweeper::of(dir.path()));
                            assert!(lock_file(&file).exists());
                            drop(alone);
                        }
                        range_lock::unlock_all(&file);
                        drop(Sweeper::of(dir.path()));
                    }
                });
            }
        });
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_child_forked_while_another_thread_is_inside_takes_locks() {
        let dir = tempfile::tempdir().unwrap();
        let path = CString::new(dir.path().join("f").as_os_str().as_bytes()).unwrap();
        let (inside, forked) = (Barrier::new(2), Barrier::new(2));
        let status = std::thread::scope(|scope| {
            scope.spawn(|| {
                let held = registry();
                inside.wait();
                forked.wait();
                drop(held);
            });
            inside.wait();
            // SAFETY: the child calls what is allowed after a fork in a process with threads, and
            // memory is allocated by the C library, whose locks a fork leaves in order.
            let child = unsafe { libc::fork() };
            if child == 0 {
                // SAFETY: a hanging child is ended by the signal.
                unsafe { libc::alarm(20) };
                let file = open_exclusive(Path::new(std::ffi::OsStr::from_bytes(path.as_bytes())), 0o600);
                let taken = file.and_then(|file| range_lock::try_lock(&file, &(0..64)));
                // SAFETY: ends the process at once.
                unsafe { libc::_exit(i32::from(!matches!(taken, Ok(true)))) };
            }
            forked.wait();
            let mut status = 0;
            // SAFETY: there is room for the status.
            assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
            status
        });
        assert_eq!(status, 0, "the child hung or failed");
    }

    #[test]
    fn a_directory_in_its_place_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let file = open_exclusive(&dir.path().join("f"), 0o600).unwrap();
        fs::create_dir(lock_file(&file)).unwrap();
        assert!(range_lock::try_lock(&file, &(0..64)).is_err());
    }
}
