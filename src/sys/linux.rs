//! Linux: `/dev/shm`, open-file-description locks, futexes.

mod lease;
mod sever;

pub(crate) use lease::Lease;
pub(crate) use sever::{sever, unmap};

use super::{Access, Identity, Kind, LockRange};
use crate::sync::{AtomicU32, AtomicU64, Ordering};
use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::Duration;

/// Where channels live unless the caller or the environment says otherwise.
pub(crate) fn default_dir() -> PathBuf {
    PathBuf::from("/dev/shm")
}

pub(crate) fn effective_user() -> u32 {
    // SAFETY: geteuid takes nothing, touches no memory and cannot fail.
    unsafe { libc::geteuid() }
}

/// Creates a file that did not exist, for reading and writing, with exactly the permission bits `mode`.
pub(crate) fn open_exclusive(path: &Path, mode: u32) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        // Nobody else gets in before the mode is set for good, whatever the umask.
        .mode(mode & 0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)?;
    file.set_permissions(Permissions::from_mode(mode & 0o777))?;
    Ok(file)
}

/// Opens an existing file; never follows a symbolic link, never blocks on a pipe that poses as a file.
pub(crate) fn open(path: &Path, access: Access) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(access == Access::ReadWrite)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
}

/// Whether [`open`] failed because a symbolic link stands there.
pub(crate) fn is_symlink_refusal(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ELOOP)
}

/// Whether the file system had no room, or the user no quota.
pub(crate) fn is_no_space(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}

fn identity(meta: &Metadata) -> Identity {
    let kind = if meta.file_type().is_file() {
        Kind::File
    } else if meta.file_type().is_symlink() {
        Kind::Symlink
    } else {
        Kind::Other
    };
    Identity { device: meta.dev(), inode: meta.ino(), owner: meta.uid(), links: meta.nlink(), kind, len: meta.len() }
}

/// Identity of an open file.
pub(crate) fn identify(file: &File) -> io::Result<Identity> {
    Ok(identity(&file.metadata()?))
}

/// Identity of what stands under `path` itself: a symbolic link is not followed.
pub(crate) fn identify_path(path: &Path) -> io::Result<Identity> {
    Ok(identity(&path.symlink_metadata()?))
}

/// Whether two identities mean the same file.
pub(crate) fn same_file(a: &Identity, b: &Identity) -> bool {
    a.device == b.device && a.inode == b.inode
}

/// Makes `file` `len` bytes long and has the file system set the memory aside now, so that touching a mapping of it never
/// fails later (SIGBUS).
pub(crate) fn reserve(file: &File, len: u64) -> io::Result<()> {
    let length = libc::off_t::try_from(len).map_err(|_| io::Error::from(ErrorKind::FileTooLarge))?;
    loop {
        // SAFETY: the descriptor is open for the duration of the call, since `file` is borrowed; no memory is passed.
        if unsafe { libc::fallocate(file.as_raw_fd(), 0, 0, length) } == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Bytes that this user may still take in the file system that holds `dir`; `None` when it does not tell.
pub(crate) fn available(dir: &Path) -> Option<u64> {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(dir.as_os_str().as_bytes()).ok()?;
    let mut stat = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: `path` is a NUL-terminated string and `stat` has room for the one struct that the call writes.
    if unsafe { libc::statvfs(path.as_ptr(), stat.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: statvfs returned 0, so it has filled the struct, all of whose fields are integers.
    let stat = unsafe { stat.assume_init() };
    #[allow(clippy::unnecessary_cast, clippy::useless_conversion, reason = "the fields' width differs by target")]
    Some(u64::from(stat.f_bavail).saturating_mul(u64::from(stat.f_frsize)))
}

/// Nanoseconds on the clock that all processes of this machine share, which never goes back.
#[inline]
pub(crate) fn monotonic_ns() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid timespec that the call may write; CLOCK_MONOTONIC always exists on Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    #[allow(clippy::cast_sign_loss, reason = "this clock starts at 0")]
    let (seconds, nanos) = (now.tv_sec as u64, now.tv_nsec as u64);
    seconds.wrapping_mul(1_000_000_000).wrapping_add(nanos)
}

/// Time since `then` on that clock.
pub(crate) fn age_of(then: u64) -> Duration {
    Duration::from_nanos(monotonic_ns().saturating_sub(then))
}

/// Reads from the front of a file; returns how many bytes there were, if fewer than `room`.
pub(crate) fn read_front(file: &File, room: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = room.get_mut(done..)
        && !rest.is_empty()
    {
        match file.read_at(rest, done as u64) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(done)
}

/// Exclusive locks on byte ranges that the kernel drops when the last descriptor of the *open file description* is closed, at the latest when
/// the process dies. Unlike process-owned locks they hold between two handles of one process, and across PID namespaces.
pub(crate) struct Lock;

impl Lock {
    /// Takes the lock on `range` if nobody has it.
    pub(crate) fn try_take(file: &File, range: &LockRange) -> io::Result<bool> {
        match Self::call(file, libc::F_OFD_SETLK, libc::F_WRLCK, range) {
            Ok(_) => Ok(true),
            Err(e) if matches!(e.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Gives the lock on `range` back.
    pub(crate) fn release(file: &File, range: &LockRange) -> io::Result<()> {
        Self::call(file, libc::F_OFD_SETLK, libc::F_UNLCK, range).map(drop)
    }

    /// Whether another open file description holds such a lock in `range`. A file opened for reading may ask.
    pub(crate) fn is_taken(file: &File, range: &LockRange) -> io::Result<bool> {
        // Asked on behalf of a shared lock: only an exclusive one is in its way, which takes write permission to hold.
        let answer = Self::call(file, libc::F_OFD_GETLK, libc::F_RDLCK, range)?;
        Ok(i32::from(answer.l_type) != libc::F_UNLCK)
    }

    fn call(file: &File, command: i32, kind: i32, range: &LockRange) -> io::Result<libc::flock> {
        let offset = |value: u64| libc::off_t::try_from(value).map_err(|_| io::Error::from(ErrorKind::InvalidInput));
        // SAFETY: flock is a C struct of integers, for which all zeroes is a value.
        let mut lock: libc::flock = unsafe { std::mem::zeroed() };
        lock.l_type = i16::try_from(kind).map_err(io::Error::other)?;
        lock.l_whence = 0; // SEEK_SET
        lock.l_start = offset(range.start)?;
        lock.l_len = offset(range.end.saturating_sub(range.start))?;
        loop {
            // SAFETY: the descriptor is open, and `lock` is a valid flock that outlives the call, as these commands want
            // (l_pid is 0, which open-file-description locks demand).
            if unsafe { libc::fcntl(file.as_raw_fd(), command, &raw mut lock) } == 0 {
                return Ok(lock);
            }
            let error = io::Error::last_os_error();
            if error.kind() != ErrorKind::Interrupted {
                return Err(error);
            }
        }
    }
}

/// Sleeps while `word` is `expected`, at most `timeout`. Returns at the time-out, at a wake-up, at a signal, and for no reason at all: the
/// caller looks again.
pub(crate) fn futex_wait(word: &AtomicU32, expected: u32, timeout: Duration) {
    let timeout = libc::timespec {
        tv_sec: libc::time_t::try_from(timeout.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    };
    // SAFETY: FUTEX_WAIT reads the aligned 32-bit word, which is mapped while `word` is borrowed, and the timespec, which outlives the
    // call; it writes nothing. Not FUTEX_PRIVATE: the word is shared between processes.
    unsafe { libc::syscall(libc::SYS_futex, std::ptr::from_ref(word), libc::FUTEX_WAIT, expected, &raw const timeout) };
}

/// Wakes all who sleep on `word`.
pub(crate) fn futex_wake_all(word: &AtomicU32) {
    // SAFETY: FUTEX_WAKE uses the word's address only as a key, and the word is mapped while it is borrowed.
    unsafe { libc::syscall(libc::SYS_futex, std::ptr::from_ref(word), libc::FUTEX_WAKE, i32::MAX) };
}

static FORKS: AtomicU64 = AtomicU64::new(0);

/// Has forks counted from now on; returns the count, for a handle that is being made. Where [`fork_count`] differs later, the handle
/// belongs to a parent process.
pub(crate) fn watch_forks() -> u64 {
    static WATCHING: Once = Once::new();
    extern "C" fn count_fork() {
        // Relaxed: the child has one thread, the one that runs this.
        FORKS.fetch_add(1, Ordering::Relaxed);
    }
    WATCHING.call_once(|| {
        // SAFETY: the handler is a function that lives as long as the program and does nothing but an atomic addition, which is
        // allowed between fork and the child's return. A failure (no memory) leaves forks uncounted.
        unsafe { libc::pthread_atfork(None, None, Some(count_fork)) };
    });
    fork_count()
}

/// How many forks lie between the start of the program and this process.
#[inline]
pub(crate) fn fork_count() -> u64 {
    // Relaxed: changes only in the child, before any of its code runs.
    FORKS.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_exclude_between_two_handles_of_one_process() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let a = open_exclusive(&path, 0o600).unwrap();
        let b = open(&path, Access::ReadWrite).unwrap();
        assert!(Lock::try_take(&a, &(0..64)).unwrap());
        assert!(!Lock::try_take(&b, &(0..64)).unwrap());
        assert!(Lock::try_take(&b, &(64..128)).unwrap());
        assert!(Lock::is_taken(&b, &(0..64)).unwrap());
        assert!(!Lock::is_taken(&a, &(0..64)).unwrap(), "one's own lock is no obstacle");
        drop(a);
        assert!(!Lock::is_taken(&b, &(0..64)).unwrap());
    }

    #[test]
    fn the_mode_is_exact_whatever_the_umask() {
        let dir = tempfile::tempdir().unwrap();
        let file = open_exclusive(&dir.path().join("f"), 0o666).unwrap();
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o666);
    }

    #[test]
    fn links_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("/etc/passwd", &link).unwrap();
        let error = open(&link, Access::Read).unwrap_err();
        assert!(is_symlink_refusal(&error));
        assert_eq!(identify_path(&link).unwrap().kind, Kind::Symlink);
    }

    #[test]
    fn waiting_ends_at_the_timeout_and_when_the_word_has_changed() {
        let word = AtomicU32::new(7);
        futex_wait(&word, 8, Duration::from_secs(60));
        futex_wait(&word, 7, Duration::from_millis(1));
    }

    #[test]
    fn reserved_bytes_are_there() {
        let dir = tempfile::tempdir().unwrap();
        let file = open_exclusive(&dir.path().join("f"), 0o600).unwrap();
        reserve(&file, 10_000).unwrap();
        let meta = file.metadata().unwrap();
        assert_eq!(meta.len(), 10_000);
        assert!(meta.blocks() * 512 >= 10_000);
        assert!(available(dir.path()).unwrap() > 0);
    }
}
