//! File leases: the kernel's word that nobody else has a file open.

use std::fs::File;
use std::os::fd::AsRawFd;

/// `fcntl`'s command to choose the signal that tells of another process' wish to open the file.
const F_SETSIG: libc::c_int = 10;

/// As long as it lives, no other open file description of the file exists, in any process, mapped or not.
///
/// The kernel grants a write lease only then, counting descriptors and mappings alike, and has whoever wants to open the file wait until it is given back. (After
/// `/proc/sys/fs/lease-break-time`, 45 seconds, they wait no longer: a holder that was stopped for so long is no exception to what they may see.)
pub(crate) struct Lease<'f> {
    file: &'f File,
}

impl<'f> Lease<'f> {
    /// `None` when somebody has the file open, or the file system has no leases. The file must be open for writing, and this user's.
    pub(crate) fn try_take(file: &'f File) -> Option<Self> {
        let fd = file.as_raw_fd();
        // The wish is told by a signal, by default SIGIO, which ends a process that does not expect it. SIGURG is ignored by one that
        // does not, and by its nature may come for no reason to one that does.
        // SAFETY: takes numbers; the descriptor is open while `file` is borrowed.
        let signal_set = unsafe { libc::fcntl(fd, F_SETSIG, libc::SIGURG) } == 0;
        // SAFETY: as above.
        let taken = signal_set && unsafe { libc::fcntl(fd, libc::F_SETLEASE, libc::F_WRLCK) } == 0;
        taken.then_some(Self { file })
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        // SAFETY: takes numbers; the descriptor is open while the file is borrowed. Giving back a lease that is held cannot fail.
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
        // SAFETY: nobody changes the file while it is mapped.
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
            let opener = scope.spawn(|| first_byte(&path));
            std::io::Write::write_all(&mut &file, b"x").unwrap();
            drop(lease);
            assert_eq!(opener.join().unwrap(), Some(b'x'));
        });
    }

    fn first_byte(path: &Path) -> Option<u8> {
        std::fs::read(path).unwrap().first().copied()
    }
}
