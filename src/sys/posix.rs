//! What every Unix has in common; `linux/` and `unix/` add what differs.

#[cfg(feature = "failpoints")]
use super::types::End;
use super::types::{Access, FileType, Identity, Storage};
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The user that owns the files that this process makes.
pub(crate) fn effective_user() -> u32 {
    // SAFETY: geteuid takes nothing, touches no memory and cannot fail.
    unsafe { libc::geteuid() }
}

/// Creates a new file for reading and writing with exactly the permission bits `mode`.
pub(crate) fn open_exclusive(path: &Path, mode: u32) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        // No other user gets in before the mode is set for good, whatever the umask.
        .mode(mode & 0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)?;
    file.set_permissions(Permissions::from_mode(mode & 0o777))?;
    Ok(file)
}

/// How long [`open`] waits until a lease is released.
///
/// Leases are held for milliseconds; the kernel leaves them to a holder that was stopped for 45
/// seconds.
const LEASE_PATIENCE: Duration = Duration::from_secs(2);

/// Time between two attempts to open a file on which a lease is held.
const LEASE_NAP: Duration = Duration::from_micros(200);

/// Opens an existing file.
///
/// Never follows a symbolic link, never blocks on a pipe that poses as a file.
pub(crate) fn open(path: &Path, access: Access) -> io::Result<File> {
    let mut end = None;
    loop {
        let opened = OpenOptions::new()
            .read(true)
            .write(access == Access::ReadWrite)
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
            .open(path);
        // Not to block on a pipe means not to wait for a lease either.
        if !matches!(&opened, Err(error) if error.kind() == ErrorKind::WouldBlock) {
            return opened;
        }
        let now = Instant::now();
        if now >= *end.get_or_insert(now + LEASE_PATIENCE) {
            return opened;
        }
        std::thread::sleep(LEASE_NAP);
    }
}

/// Whether [`open`] failed because a symbolic link stands there.
pub(crate) fn is_symlink_refusal(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ELOOP)
}

/// Whether the file system had no room, or the user no quota.
pub(crate) fn is_no_space(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}

/// Whether no file could be opened because too many are.
pub(crate) fn is_no_descriptor(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

fn identity(meta: &Metadata) -> Identity {
    let kind = if meta.file_type().is_file() {
        FileType::File
    } else if meta.file_type().is_symlink() {
        FileType::Symlink
    } else {
        FileType::Other
    };
    Identity {
        device: meta.dev(),
        inode: meta.ino(),
        owner: meta.uid(),
        links: meta.nlink(),
        kind,
        len: meta.len(),
        allocated: meta.blocks().saturating_mul(512),
    }
}

/// Identity of an open file.
pub(crate) fn identify(file: &File) -> io::Result<Identity> {
    Ok(identity(&file.metadata()?))
}

/// Identity of what stands under `path` itself: a symbolic link is not followed.
pub(crate) fn identify_path(path: &Path) -> io::Result<Identity> {
    Ok(identity(&path.symlink_metadata()?))
}

/// What the file `path` takes; a symbolic link is not followed.
pub(crate) fn storage(path: &Path) -> io::Result<Storage> {
    let meta = path.symlink_metadata()?;
    Ok(Storage { allocated: meta.blocks().saturating_mul(512), mode: meta.mode() & 0o7777 })
}

/// Whether two identities mean the same file.
pub(crate) fn same_file(a: &Identity, b: &Identity) -> bool {
    a.device == b.device && a.inode == b.inode
}

/// Removes the name. A process that has the file open or mapped keeps it.
pub(crate) fn remove_file(path: &Path) -> io::Result<()> {
    fs::remove_file(path)
}

/// Whether a file can have this name; if not, why.
///
/// The name has no slash and no control characters.
#[inline]
pub(crate) fn check_file_name(_: &str) -> Result<(), &'static str> {
    Ok(())
}

/// Reads at most `room` bytes of a file from `offset` on; 0 at its end.
pub(crate) fn read_some_at(file: &File, room: &mut [u8], offset: u64) -> io::Result<usize> {
    file.read_at(room, offset)
}

/// Writes some of `bytes` at `offset`; returns how many.
pub(crate) fn write_some_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    file.write_at(bytes, offset)
}

/// Bytes that this user may still take in the file system that holds `dir`.
///
/// `None` when it does not say.
pub(crate) fn available(dir: &Path) -> Option<u64> {
    let stat = file_system(dir)?;
    #[allow(clippy::unnecessary_cast, clippy::useless_conversion, reason = "the fields' width differs by target")]
    Some(u64::from(stat.f_bavail).saturating_mul(u64::from(stat.f_frsize)))
}

/// Files that this user may still make in the file system that holds `dir`.
///
/// `None` when it does not say, or has no limit.
pub(crate) fn files_available(dir: &Path) -> Option<u64> {
    let stat = file_system(dir)?;
    #[allow(clippy::unnecessary_cast, clippy::useless_conversion, reason = "the fields' width differs by target")]
    (stat.f_files != 0).then_some(u64::from(stat.f_favail))
}

fn file_system(dir: &Path) -> Option<libc::statvfs> {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(dir.as_os_str().as_bytes()).ok()?;
    let mut stat = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: `path` is a NUL-terminated string and `stat` has room for the one struct that the
    // call writes.
    if unsafe { libc::statvfs(path.as_ptr(), stat.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: statvfs returned 0, so it has filled the struct, all of whose fields are integers.
    Some(unsafe { stat.assume_init() })
}

/// The largest size that this process may give to a file; `None` without a limit.
///
/// Beyond it the system sends SIGXFSZ.
pub(crate) fn file_size_limit() -> Option<u64> {
    limit_of(libc::RLIMIT_FSIZE)
}

/// A limit of this process; `None` when it has none.
#[allow(clippy::useless_conversion, clippy::unnecessary_cast, reason = "the types differ by target")]
pub(super) fn limit_of(resource: Resource) -> Option<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the resource is one that the system knows, and `limit` is the struct that the call
    // writes.
    let known = unsafe { libc::getrlimit(resource, &raw mut limit) } == 0;
    if known && limit.rlim_cur != libc::RLIM_INFINITY { u64::try_from(limit.rlim_cur).ok() } else { None }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
type Resource = libc::__rlimit_resource_t;
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
type Resource = libc::c_int;

/// Nanoseconds on the clock that all processes of this machine share, which never goes back.
#[inline]
pub(crate) fn monotonic_ns() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid timespec that the call may write; CLOCK_MONOTONIC exists on every
    // Unix.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    #[allow(clippy::cast_sign_loss, reason = "this clock starts at 0")]
    let (seconds, nanos) = (now.tv_sec as u64, now.tv_nsec as u64);
    seconds.wrapping_mul(1_000_000_000).wrapping_add(nanos)
}

static FORKS: AtomicU64 = AtomicU64::new(0);

/// Counts forks from now on; returns the count, for a new handle.
///
/// Where [`fork_count`] differs later, the handle belongs to a parent process.
pub(crate) fn watch_forks() -> u64 {
    // No lock: a fork while another thread holds it would leave it locked in the child forever.
    static WATCHING: AtomicU64 = AtomicU64::new(0);
    extern "C" fn count_fork() {
        // Relaxed: the child has one thread, the one that runs this.
        FORKS.fetch_add(1, Ordering::Relaxed);
    }
    // Acquire: pairs with the store below, so that the handler is there for the caller's handle.
    // Two threads that come here at once have every fork counted twice, which differs from not at
    // all as much as once does.
    if WATCHING.load(Ordering::Acquire) == 0 {
        // SAFETY: the handler is a function that lives as long as the program and does nothing but
        // an atomic addition, which is allowed between fork and the child's return. A failure (no
        // memory) leaves forks uncounted.
        unsafe { libc::pthread_atfork(None, None, Some(count_fork)) };
        WATCHING.store(1, Ordering::Release);
    }
    fork_count()
}

/// How many forks lie between the start of the program and this process.
#[inline]
pub(crate) fn fork_count() -> u64 {
    // Relaxed: changes only in the child, before any of its code runs.
    FORKS.load(Ordering::Relaxed)
}

/// Kills, aborts or stops this process.
#[cfg(feature = "failpoints")]
pub(crate) fn end(how: End) {
    let signal = match how {
        End::Kill => libc::SIGKILL,
        End::Abort => libc::SIGABRT,
        End::Stop => libc::SIGSTOP,
    };
    // SAFETY: raise takes a signal number, touches no memory of ours and is callable from any
    // thread.
    unsafe { libc::raise(signal) };
}

/// Makes a symbolic link.
#[cfg(test)]
pub(crate) fn symlink(original: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(original, link)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::open_exclusive;

    #[test]
    fn the_mode_is_exact_whatever_the_umask() {
        let dir = tempfile::tempdir().unwrap();
        let file = open_exclusive(&dir.path().join("f"), 0o666).unwrap();
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o666);
    }

    #[test]
    fn reserved_bytes_take_memory() {
        let dir = tempfile::tempdir().unwrap();
        let file = open_exclusive(&dir.path().join("f"), 0o600).unwrap();
        crate::sys::reserve(&file, 10_000).unwrap();
        assert!(file.metadata().unwrap().blocks() * 512 >= 10_000);
    }
}
