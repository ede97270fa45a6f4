//! Linux: `/dev/shm`, open-file-description locks, futexes, leases.

mod lease;
mod limits;
#[cfg(feature = "async")]
mod ready_fd;
mod sever;
mod wait_set;

pub(crate) use super::no_sweeper::Sweeper;
pub(crate) use super::ofd as range_lock;
pub(crate) use super::posix::*;
pub(crate) use lease::Lease;
pub(crate) use limits::{address_space_left, group_memory_short_of, mappings_left};
#[cfg(feature = "async")]
pub(crate) use ready_fd::ReadyFd;
pub(crate) use sever::{sever, unmap};
pub(crate) use wait_set::{Alarm, WaitSet};

use super::pieces::in_pieces;
use super::types::Identity;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// Where channels live unless the caller or the environment says otherwise.
pub(crate) fn default_dir() -> PathBuf {
    PathBuf::from("/dev/shm")
}

/// Makes `file` `len` bytes long, with the memory set aside now.
///
/// Touching a mapping of it then never fails later (SIGBUS).
pub(crate) fn reserve(file: &File, len: u64) -> io::Result<()> {
    libc::off_t::try_from(len).map_err(|_| io::Error::from(ErrorKind::FileTooLarge))?;
    in_pieces(len, |from, piece| {
        let (Ok(from), Ok(piece)) = (libc::off_t::try_from(from), libc::off_t::try_from(piece)) else {
            return Err(ErrorKind::FileTooLarge.into());
        };
        // SAFETY: the descriptor is open for the duration of the call, since `file` is borrowed; no
        // memory is passed.
        if unsafe { libc::fallocate(file.as_raw_fd(), 0, from, piece) } == 0 {
            return Ok(());
        }
        Err(io::Error::last_os_error())
    })
}

/// Whether a file's [`Identity::allocated`] is all the memory that it has. So it is in shared
/// memory. Disks may compress what is written, and count less.
pub(crate) fn tells_what_is_set_aside(file: &File) -> bool {
    let mut stat = std::mem::MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: the descriptor is open, and `stat` has room for the one struct that the call writes.
    if unsafe { libc::fstatfs(file.as_raw_fd(), stat.as_mut_ptr()) } != 0 {
        return false;
    }
    // SAFETY: fstatfs returned 0, so it has filled the struct, all of whose fields are integers.
    let stat = unsafe { stat.assume_init() };
    #[allow(clippy::unnecessary_cast, reason = "the types differ by target")]
    let is_shared_memory = stat.f_type as i64 == libc::TMPFS_MAGIC as i64;
    is_shared_memory
}

/// The sleepers on words of one mapped file.
///
/// The kernel knows them by the words' memory.
#[derive(Clone, Copy)]
pub(crate) struct Sleepers;

impl Sleepers {
    /// The sleepers on words of this file.
    #[inline]
    pub(crate) fn of(_: &Identity) -> Self {
        Self
    }

    /// Sleeps while `word` is `ticket`, at most `timeout`. Returns at the time-out, at a wake-up,
    /// at a signal, and for no reason at all: the caller looks again.
    pub(crate) fn sleep(self, word: &AtomicU32, ticket: u32, timeout: Duration) {
        // As this system call wants it: two registers wide everywhere. The C library's own
        // `timespec` may be wider on 32-bit targets.
        #[allow(clippy::unnecessary_fallible_conversions, reason = "it is 32 bits wide on some targets")]
        let timeout: [libc::c_long; 2] = [
            libc::c_long::try_from(timeout.as_secs()).unwrap_or(libc::c_long::MAX),
            libc::c_long::try_from(timeout.subsec_nanos()).unwrap_or(0),
        ];
        // SAFETY: FUTEX_WAIT reads the aligned 32-bit word, which is mapped while `word` is
        // borrowed, and the time, which outlives the call; it writes nothing. Not FUTEX_PRIVATE:
        // the word is shared between processes.
        unsafe {
            libc::syscall(libc::SYS_futex, std::ptr::from_ref(word), libc::FUTEX_WAIT, ticket, &raw const timeout)
        };
    }

    /// Wakes all sleepers on `word`, which the caller has changed from `replaced`.
    pub(crate) fn wake_all(self, word: &AtomicU32, _replaced: u32) {
        // SAFETY: FUTEX_WAKE uses the word's address only as a key, and the word is mapped while it
        // is borrowed.
        unsafe { libc::syscall(libc::SYS_futex, std::ptr::from_ref(word), libc::FUTEX_WAKE, i32::MAX) };
    }
}
