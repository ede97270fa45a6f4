//! A descriptor that is readable as long as it is set: the end of a pipe.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// A descriptor of this process. Setting and clearing it are one party's at a time.
pub(crate) struct ReadyFd {
    reading: OwnedFd,
    writing: OwnedFd,
}

impl ReadyFd {
    pub(crate) fn new() -> io::Result<Self> {
        let mut ends = [-1; 2];
        // SAFETY: the call writes two descriptors into `ends`.
        if unsafe { libc::pipe(ends.as_mut_ptr()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call has just made it, and no other party knows it.
        let [reading, writing] = ends.map(|end| unsafe { OwnedFd::from_raw_fd(end) });
        for end in [&reading, &writing] {
            // SAFETY: takes numbers; the descriptor is open.
            if unsafe { libc::fcntl(end.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) } != 0 {
                return Err(io::Error::last_os_error());
            }
            // SAFETY: as above.
            if unsafe { libc::fcntl(end.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) } != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(Self { reading, writing })
    }

    /// Makes it readable.
    pub(crate) fn set(&self) {
        // SAFETY: the descriptor is open, and the kernel reads one byte. A full pipe is as readable
        // as can be.
        unsafe { libc::write(self.writing.as_raw_fd(), [1_u8].as_ptr().cast(), 1) };
    }

    /// Makes it unreadable.
    pub(crate) fn clear(&self) {
        let mut bytes = [0_u8; 64];
        // SAFETY: the descriptor is open, and the kernel writes no more than `bytes` has room for.
        while unsafe { libc::read(self.reading.as_raw_fd(), bytes.as_mut_ptr().cast(), bytes.len()) } == 64 {}
    }
}

impl AsFd for ReadyFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reading.as_fd()
    }
}
