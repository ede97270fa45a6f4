//! A descriptor that is readable as long as it is set: an eventfd.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// A descriptor of this process. Setting and clearing it are one party's at a time.
pub(crate) struct ReadyFd(OwnedFd);

impl ReadyFd {
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: takes numbers.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call has just made it, and no other party knows it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Makes it readable.
    pub(crate) fn set(&self) {
        let one = 1_u64;
        // SAFETY: the descriptor is open, and the kernel reads the eight bytes of `one`. The answer
        // can only be that it is as readable as can be.
        unsafe { libc::write(self.0.as_raw_fd(), (&raw const one).cast(), size_of::<u64>()) };
    }

    /// Makes it unreadable.
    pub(crate) fn clear(&self) {
        let mut count = 0_u64;
        // SAFETY: the descriptor is open, and the kernel writes the eight bytes of `count`. The
        // answer can only be that there was nothing to read.
        unsafe { libc::read(self.0.as_raw_fd(), (&raw mut count).cast(), size_of::<u64>()) };
    }
}

impl AsFd for ReadyFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
