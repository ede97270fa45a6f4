//! Locks on byte ranges, made of small files: for systems whose range locks belong to the process.
//!
//! A process's own range locks (`F_SETLK`) do not exclude two handles of one process, and they all go when it closes *any* descriptor of
//! the file, as a reader in the writer's process would. What belongs to an open file on every Unix is `flock`, which knows no ranges.
//! So each range has an empty file beside the locked one, named by its inode number and the range's start, and whoever has a `flock` on
//! that has the range. The file is made by who takes the lock and removed by who gives it back; one that a killed process left is free, and removed by the
//! next who gives it back.
//!
//! A lock is to end with the file that it was taken through, like those of other systems. Closing cannot be noticed here, so the handles
//! say when they close ([`Lock::end`]); a file that was closed without that counts as closed as soon as its descriptor is used again or a lock of
//! its is asked for.

use crate::sync::Mutex;
use crate::sys::posix::{self, fork_count, identify, identify_path, same_file, watch_forks};
use crate::sys::{Access, Identity, LockRange};
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, MutexGuard, PoisonError};

/// How often a lock is tried that only questions are in the way of. Each lasts for two system calls.
const ATTEMPTS: u32 = 10_000;

/// A range that this process has locked.
struct Held {
    /// The descriptor that it was locked through.
    fd: RawFd,
    /// The file that it is in.
    identity: Identity,
    start: u64,
    path: PathBuf,
    /// Has the `flock`; closing it gives it back.
    _file: File,
    forks: u64,
}

impl Held {
    /// Whether the file that it was locked through is still open.
    fn is_current(&self) -> bool {
        let mut stat = std::mem::MaybeUninit::<libc::stat>::uninit();
        // SAFETY: takes a number, which need not be a descriptor, and writes the one struct that there is room for.
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

impl Drop for Held {
    fn drop(&mut self) {
        // In a forked child the lock is the parent's; closing the descriptor leaves it alone.
        if self.forks == fork_count() {
            // While it is still locked: whoever gets the lock afterwards finds that the file has lost its name.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[derive(Default)]
struct Registry {
    held: Vec<Held>,
    /// Directories of the files opened.
    dirs: HashMap<RawFd, PathBuf>,
}

fn registry() -> MutexGuard<'static, Registry> {
    static REGISTRY: LazyLock<Mutex<Registry>> = LazyLock::new(Mutex::default);
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Remembers where a file that has just been opened is. What its descriptor stood for before is closed.
fn note(file: &File, path: &Path) {
    let mut registry = registry();
    let fd = file.as_raw_fd();
    registry.held.retain(|held| held.fd != fd);
    registry.dirs.insert(fd, path.parent().unwrap_or(Path::new("")).to_owned());
}

/// As [`posix::open_exclusive`].
pub(crate) fn open_exclusive(path: &Path, mode: u32) -> io::Result<File> {
    posix::open_exclusive(path, mode).inspect(|file| note(file, path))
}

/// As [`posix::open`].
pub(crate) fn open(path: &Path, access: Access) -> io::Result<File> {
    posix::open(path, access).inspect(|file| note(file, path))
}

/// See the module.
pub(crate) struct Lock;

impl Lock {
    /// Takes the lock on `range` if nobody has it.
    pub(crate) fn try_take(file: &File, range: &LockRange) -> io::Result<bool> {
        let (identity, forks, fd) = (identify(file)?, watch_forks(), file.as_raw_fd());
        let mut registry = registry();
        let path = registry.place(fd, &identity, range)?;
        if let Some(holder) = registry.holder(&identity, range) {
            return Ok(holder == fd);
        }
        let mode = file.metadata()?.permissions().mode() & 0o777;
        for _ in 0..ATTEMPTS {
            let lock_file = match posix::open_exclusive(&path, mode) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => match open_existing(&path)? {
                    Some(lock_file) => lock_file,
                    None => continue,
                },
                other => other?,
            };
            if try_lock(&lock_file)? {
                // Whoever had it may have removed it between our open and our lock.
                let ours = identify(&lock_file)?;
                if identify_path(&path).is_ok_and(|named| same_file(&named, &ours)) {
                    registry.held.push(Held { fd, identity, start: range.start, path, _file: lock_file, forks });
                    return Ok(true);
                }
            } else if !try_lock_shared(&lock_file)? {
                return Ok(false);
            }
            // In the way was somebody who asks in `is_taken` just now, and does not mind company.
            drop(lock_file);
            std::thread::yield_now();
        }
        Ok(false)
    }

    /// Gives the lock on `range` back.
    pub(crate) fn release(file: &File, range: &LockRange) -> io::Result<()> {
        let identity = identify(file)?;
        let fd = file.as_raw_fd();
        registry()
            .held
            .retain(|held| held.fd != fd || held.start != range.start || !same_file(&held.identity, &identity));
        Ok(())
    }

    /// Whether another open file description holds such a lock in `range`. A file opened for reading may ask.
    pub(crate) fn is_taken(file: &File, range: &LockRange) -> io::Result<bool> {
        let identity = identify(file)?;
        let mut registry = registry();
        let path = registry.place(file.as_raw_fd(), &identity, range)?;
        if let Some(holder) = registry.holder(&identity, range) {
            return Ok(holder != file.as_raw_fd());
        }
        match open_existing(&path)? {
            Some(lock_file) => Ok(!try_lock_shared(&lock_file)?),
            None => Ok(false),
        }
    }

    /// Gives back what was taken through `file`: the caller is about to close it.
    pub(crate) fn end(file: &File) {
        let fd = file.as_raw_fd();
        registry().held.retain(|held| held.fd != fd);
    }
}

impl Registry {
    /// The path of a range's lock file.
    fn place(&self, fd: RawFd, identity: &Identity, range: &LockRange) -> io::Result<PathBuf> {
        let dir = self.dirs.get(&fd).ok_or(ErrorKind::InvalidInput)?;
        // No channel's name starts with a dot.
        Ok(dir.join(format!(".ndsh-lock-{:x}-{}", identity.inode, range.start)))
    }

    /// The descriptor through which this process has the lock.
    fn holder(&mut self, identity: &Identity, range: &LockRange) -> Option<RawFd> {
        let is_it = |held: &Held| held.start == range.start && same_file(&held.identity, identity);
        self.held.retain(|held| !is_it(held) || held.is_current());
        self.held.iter().find(|held| is_it(held)).map(|held| held.fd)
    }
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

fn try_lock(file: &File) -> io::Result<bool> {
    taken(file.try_lock())
}

fn try_lock_shared(file: &File) -> io::Result<bool> {
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

    #[test]
    fn lock_files_go_with_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let count = || fs::read_dir(dir.path()).unwrap().count();
        let (a, b) = (open_exclusive(&path, 0o600).unwrap(), open(&path, Access::ReadWrite).unwrap());
        assert!(Lock::try_take(&a, &(0..64)).unwrap());
        assert!(Lock::try_take(&a, &(64..128)).unwrap());
        assert!(Lock::try_take(&a, &(64..128)).unwrap(), "one's own is no obstacle");
        assert_eq!(count(), 3);
        assert!(!Lock::try_take(&b, &(0..64)).unwrap());
        Lock::end(&b);
        assert!(!Lock::try_take(&b, &(0..64)).unwrap(), "it had none");
        Lock::end(&a);
        assert_eq!(count(), 1);
        assert!(Lock::try_take(&b, &(0..64)).unwrap());
    }

    #[test]
    fn what_a_killed_process_left_is_free() {
        let dir = tempfile::tempdir().unwrap();
        let file = open_exclusive(&dir.path().join("f"), 0o600).unwrap();
        let left = registry().place(file.as_raw_fd(), &identify(&file).unwrap(), &(0..64)).unwrap();
        fs::write(&left, "").unwrap();
        assert!(!Lock::is_taken(&file, &(0..64)).unwrap());
        assert!(Lock::try_take(&file, &(0..64)).unwrap());
        Lock::release(&file, &(0..64)).unwrap();
        assert!(!left.exists());
    }

    #[test]
    fn a_directory_in_its_place_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let file = open_exclusive(&dir.path().join("f"), 0o600).unwrap();
        let place = registry().place(file.as_raw_fd(), &identify(&file).unwrap(), &(0..64)).unwrap();
        fs::create_dir(place).unwrap();
        assert!(Lock::try_take(&file, &(0..64)).is_err());
    }
}
