//! Linux: `/dev/shm`, open-file-description locks, futexes, leases.

mod lease;
mod sever;

pub(crate) use super::posix::*;
pub(crate) use lease::Lease;
pub(crate) use sever::{sever, unmap};

use super::{Identity, LockRange};
use crate::sync::AtomicU32;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::time::Duration;

/// Where channels live unless the caller or the environment says otherwise.
pub(crate) fn default_dir() -> PathBuf {
    PathBuf::from("/dev/shm")
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

/// Those who sleep on words of one mapped file: the kernel knows them by the words' memory.
#[derive(Clone, Copy)]
pub(crate) struct Sleepers;

impl Sleepers {
    /// The sleepers on words of this file.
    #[inline]
    pub(crate) fn of(_: &Identity) -> Self {
        Self
    }

    /// Sleeps while `word` is `ticket`, at most `timeout`. Returns at the time-out, at a wake-up, at a signal, and for no reason at all: the
    /// caller looks again.
    pub(crate) fn sleep(self, word: &AtomicU32, ticket: u32, timeout: Duration) {
        // As this system call wants it: two registers wide everywhere. (The C library's own `timespec` may be wider on 32-bit targets.)
        #[allow(clippy::unnecessary_fallible_conversions, reason = "it is 32 bits wide on some targets")]
        let timeout: [libc::c_long; 2] = [
            libc::c_long::try_from(timeout.as_secs()).unwrap_or(libc::c_long::MAX),
            libc::c_long::try_from(timeout.subsec_nanos()).unwrap_or(0),
        ];
        // SAFETY: FUTEX_WAIT reads the aligned 32-bit word, which is mapped while `word` is borrowed, and the time, which outlives the
        // call; it writes nothing. Not FUTEX_PRIVATE: the word is shared between processes.
        unsafe {
            libc::syscall(libc::SYS_futex, std::ptr::from_ref(word), libc::FUTEX_WAIT, ticket, &raw const timeout)
        };
    }

    /// Wakes all who sleep on `word`, which the caller has changed from `replaced` to the next.
    pub(crate) fn wake_all(self, word: &AtomicU32, _replaced: u32) {
        // SAFETY: FUTEX_WAKE uses the word's address only as a key, and the word is mapped while it is borrowed.
        unsafe { libc::syscall(libc::SYS_futex, std::ptr::from_ref(word), libc::FUTEX_WAKE, i32::MAX) };
    }
}
