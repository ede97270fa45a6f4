//! Locks of open file descriptions: Linux and Apple's systems have them, and POSIX since 2024.
//!
//! They are exclusive locks on byte ranges. The kernel drops them when the last descriptor of the
//! open file description is closed, at the latest when the process dies. Unlike process-owned locks
//! they hold between two handles of one process, and across PID namespaces.

#![allow(clippy::useless_conversion, reason = "the constants' type differs by target")]

use super::types::ByteRange;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;

#[cfg(not(target_vendor = "apple"))]
use libc::{F_OFD_GETLK, F_OFD_SETLK};

/// As `sys/fcntl.h` has it; the crate `libc` does not.
#[cfg(target_vendor = "apple")]
const F_OFD_SETLK: libc::c_int = 90;
#[cfg(target_vendor = "apple")]
const F_OFD_GETLK: libc::c_int = 92;

/// Takes the lock on `range` if it is free.
pub(crate) fn try_lock(file: &File, range: &ByteRange) -> io::Result<bool> {
    match call(file, F_OFD_SETLK, libc::F_WRLCK.into(), range) {
        Ok(_) => Ok(true),
        Err(e) if matches!(e.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => Ok(false),
        Err(e) => Err(e),
    }
}

/// Releases the lock on `range`.
pub(crate) fn unlock(file: &File, range: &ByteRange) -> io::Result<()> {
    call(file, F_OFD_SETLK, libc::F_UNLCK.into(), range).map(drop)
}

/// Whether another open file description holds such a lock in `range`. A file opened for reading
/// may ask.
pub(crate) fn is_locked(file: &File, range: &ByteRange) -> io::Result<bool> {
    // Asked on behalf of a shared lock: only an exclusive one is in its way, and to hold that needs
    // write permission.
    let answer = call(file, F_OFD_GETLK, libc::F_RDLCK.into(), range)?;
    Ok(i32::from(answer.l_type) != i32::from(libc::F_UNLCK))
}

/// Takes the locks on all ranges within `ranges`, if all are free.
pub(crate) fn try_lock_all(file: &File, ranges: &ByteRange) -> io::Result<bool> {
    try_lock(file, ranges)
}

/// Whether another open file description holds a lock on any range within `ranges`.
pub(crate) fn is_any_locked(file: &File, ranges: &ByteRange) -> io::Result<bool> {
    is_locked(file, ranges)
}

/// Releases all locks: the caller is about to close `file`.
///
/// Closing alone would leave them to a child process that another thread has just forked, until it
/// calls `exec`.
pub(crate) fn unlock_all(file: &File) {
    // A length of zero is all there is from the start on. Best effort: they go with the
    // description.
    let _ = unlock(file, &(0..0));
}

fn call(file: &File, command: i32, kind: i32, range: &ByteRange) -> io::Result<libc::flock> {
    let offset = |value: u64| libc::off_t::try_from(value).map_err(|_| io::Error::from(ErrorKind::InvalidInput));
    // SAFETY: flock is a C struct of integers, for which all zeroes is a value.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = i16::try_from(kind).map_err(io::Error::other)?;
    lock.l_whence = 0; // SEEK_SET
    lock.l_start = offset(range.start)?;
    lock.l_len = offset(range.end.saturating_sub(range.start))?;
    loop {
        // SAFETY: the descriptor is open, and `lock` is a valid flock that outlives the call, as
        // these commands want (l_pid is 0, which Linux demands).
        if unsafe { libc::fcntl(file.as_raw_fd(), command, &raw mut lock) } == 0 {
            return Ok(lock);
        }
        let error = io::Error::last_os_error();
        if error.kind() != ErrorKind::Interrupted {
            return Err(error);
        }
    }
}
