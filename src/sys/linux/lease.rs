//! File leases: the kernel's guarantee that no other process has a file open.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// `fcntl`'s command for the signal that announces another process' open.
const F_SETSIG: libc::c_int = 10;

/// `renameat2`: the new name must not be taken.
const RENAME_NOREPLACE: libc::c_uint = 1;

/// A guarantee: no other open file description of the file exists while this lives.
///
/// In any process, mapped or not.
///
/// The kernel grants a write lease only then, counting descriptors and mappings alike. A process
/// that wants to open the file waits until the lease is released. After
/// `/proc/sys/fs/lease-break-time`, 45 seconds, it waits no longer. What such a process may see
/// then must be right for a holder that was stopped for so long, too.
pub(crate) struct Lease<'f> {
    file: &'f File,
}

impl<'f> Lease<'f> {
    /// `None` when another process has the file open, or the file system has no leases. The file
    /// must be open for writing, and this user's.
    pub(crate) fn try_take(file: &'f File) -> Option<Self> {
        let fd = file.as_raw_fd();
        // The wish arrives as a signal, by default SIGIO, which ends a process that does not expect
        // it. SIGURG is ignored by a process that does not expect it. A process that does must by
        // the signal's nature be prepared to get it for no reason.
        // SAFETY: takes numbers; the descriptor is open while `file` is borrowed.
        let signal_set = unsafe { libc::fcntl(fd, F_SETSIG, libc::SIGURG) } == 0;
        // SAFETY: as above.
        let taken = signal_set && unsafe { libc::fcntl(fd, libc::F_SETLEASE, libc::F_WRLCK) } == 0;
        taken.then_some(Self { file })
    }

    /// Whether access times in `dir` change each time that a file is mapped or read.
    ///
    /// Of a `tmpfs` that is known, unless it is mounted without them.
    pub(crate) fn tells_of_access(dir: &Path) -> bool {
        /// `f_type` of a `tmpfs`.
        const TMPFS_MAGIC: u64 = 0x0102_1994;
        let Ok(path) = CString::new(dir.as_os_str().as_bytes()) else { return false };
        let mut kind = MaybeUninit::<libc::statfs>::uninit();
        let mut flags = MaybeUninit::<libc::statvfs>::uninit();
        // SAFETY: `path` is a string that ends with NUL, and there is room for the one struct that
        // is written.
        if unsafe { libc::statfs(path.as_ptr(), kind.as_mut_ptr()) } != 0 {
            return false;
        }
        // SAFETY: as above.
        if unsafe { libc::statvfs(path.as_ptr(), flags.as_mut_ptr()) } != 0 {
            return false;
        }
        // SAFETY: the call has returned 0, so it has filled the struct, all of whose fields are
        // integers.
        let kind = unsafe { kind.assume_init() };
        // SAFETY: as above.
        let flags = unsafe { flags.assume_init() };
        #[allow(clippy::unnecessary_cast, clippy::cast_sign_loss, reason = "the fields' type differs by target")]
        let (kind, has_none) = (kind.f_type as u64, flags.f_flag & libc::ST_NOATIME != 0);
        kind == TMPFS_MAGIC && !has_none
    }

    /// Renames a file that a lease is held on, unless the new name exists.
    pub(crate) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
        let [from, to] = [from, to].map(|path| CString::new(path.as_os_str().as_bytes()));
        let (from, to) = (from?, to?);
        let here = libc::AT_FDCWD;
        // The C library's own function is not in all of them.
        // SAFETY: the call reads two strings that end with NUL and outlive it.
        let answer =
            unsafe { libc::syscall(libc::SYS_renameat2, here, from.as_ptr(), here, to.as_ptr(), RENAME_NOREPLACE) };
        if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Whether another process waits to open the file.
    pub(crate) fn is_wanted(&self) -> bool {
        // While it is to be released, the kernel answers with what will be left of it.
        // SAFETY: takes numbers; the descriptor is open while the file is borrowed.
        unsafe { libc::fcntl(self.file.as_raw_fd(), libc::F_GETLEASE) != libc::F_WRLCK }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        // SAFETY: takes numbers; the descriptor is open while the file is borrowed. Releasing a
        // lease that is held cannot fail.
        unsafe { libc::fcntl(self.file.as_raw_fd(), libc::F_SETLEASE, libc::F_UNLCK) };
    }
}

#[cfg(test)]
mod tests {
    use super::Lease;
    use crate::sys::{Access, open, open_exclusive};
    use memmap2::Mmap;
    use std::path::Path;

    #[test]
    fn whoever_has_the_file_open_is_in_the_way() {
        let dir = tempfile::tempdir_in("/dev/shm").unwrap();
        let path = dir.path().join("f");
        let file = open_exclusive(&path, 0o600).unwrap();
        file.set_len(100).unwrap();
        assert!(Lease::try_take(&file).is_some(), "shared memory has leases");
        let other = open(&path, Access::Read).unwrap();
        assert!(Lease::try_take(&file).is_none(), "an open descriptor");
        // SAFETY: no process changes the file while it is mapped.
        let map = unsafe { Mmap::map(&other) }.unwrap();
        drop(other);
        assert!(Lease::try_take(&file).is_none(), "a mapping whose descriptor is closed");
        drop(map);
        assert!(Lease::try_take(&file).is_some());
    }

    #[test]
    fn who_wants_to_open_the_file_waits() {
        let dir = tempfile::tempdir_in("/dev/shm").unwrap();
        let path = dir.path().join("f");
        let file = open_exclusive(&path, 0o600).unwrap();
        let lease = Lease::try_take(&file).unwrap();
        std::thread::scope(|scope| {
            assert!(!lease.is_wanted());
            let opener = scope.spawn(|| first_byte(&path));
            let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
            while !lease.is_wanted() {
                assert!(std::time::Instant::now() < end, "the wish is not told");
                std::thread::yield_now();
            }
            std::io::Write::write_all(&mut &file, b"x").unwrap();
            drop(lease);
            assert_eq!(opener.join().unwrap(), Some(b'x'));
        });
    }

    /// An opener that does not wait by itself has the file too.
    ///
    /// It does as long as the lease is not kept for seconds.
    #[test]
    fn our_own_opening_waits_as_well() {
        let dir = tempfile::tempdir_in("/dev/shm").unwrap();
        let path = dir.path().join("f");
        let file = open_exclusive(&path, 0o600).unwrap();
        let lease = Lease::try_take(&file).unwrap();
        std::thread::scope(|scope| {
            let opener = scope.spawn(|| open(&path, Access::Read).map(drop));
            let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
            while !lease.is_wanted() {
                assert!(std::time::Instant::now() < end, "the wish is not told");
                std::thread::yield_now();
            }
            drop(lease);
            opener.join().unwrap().unwrap();
        });
    }

    fn first_byte(path: &Path) -> Option<u8> {
        std::fs::read(path).unwrap().first().copied()
    }
}
