//! Exclusive locks on byte ranges.
//!
//! The system drops them when the last handle to the open file is closed, at the latest when the
//! process ends; then as soon as it comes to it. They hold between two handles of one process.
//! Unlike those of Unix they also keep others from reading and writing the bytes by system calls,
//! so the bytes locked lie [far beyond](BEYOND) any file's end.

use super::{code_of, handle_of};
use crate::sys::types::ByteRange;
use std::fs::File;
use std::io::{self, ErrorKind};
use windows_sys::Win32::Foundation::{ERROR_IO_PENDING, ERROR_LOCK_VIOLATION, ERROR_NOT_LOCKED};
use windows_sys::Win32::Storage::FileSystem::{
    LOCK_FILE_FLAGS, LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY, LockFileEx, UnlockFile,
};
use windows_sys::Win32::System::IO::OVERLAPPED;

/// What is added to a range: no file is so long.
const BEYOND: u64 = 1 << 62;

/// Attempts at a lock that only queries are in the way of.
///
/// Each query lasts for two system calls.
const ATTEMPTS: u32 = 10_000;

/// Takes the lock on `range` if it is free.
pub(crate) fn try_lock(file: &File, range: &ByteRange) -> io::Result<bool> {
    for _ in 0..ATTEMPTS {
        if lock(file, range, LOCKFILE_EXCLUSIVE_LOCK)? {
            return Ok(true);
        }
        // In the way is the lock, or a process that asks for it in `is_taken` just now; the
        // latter's is shared.
        if !lock(file, range, 0)? {
            return Ok(false);
        }
        unlock(file, range)?;
        std::thread::yield_now();
    }
    Ok(false)
}

/// Releases the lock on `range`.
pub(crate) fn unlock(file: &File, range: &ByteRange) -> io::Result<()> {
    let (start, len) = place(range);
    let ((start_low, start_high), (len_low, len_high)) = (halves(start), halves(len));
    // SAFETY: takes numbers; the handle is open while `file` is borrowed.
    if unsafe { UnlockFile(handle_of(file), start_low, start_high, len_low, len_high) } != 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    if code_of(&error) == Some(ERROR_NOT_LOCKED) { Ok(()) } else { Err(error) }
}

/// Does nothing: the locks go with `file`, which the caller is about to close.
#[inline]
pub(crate) fn unlock_all(_: &File) {}

/// Whether another handle has such a lock in `range`.
///
/// A file opened for reading may ask. The lock must not have been taken through `file` itself: the
/// answer would be "no" or "yes", and the lock might be gone.
pub(crate) fn is_locked(file: &File, range: &ByteRange) -> io::Result<bool> {
    // There is no asking without taking. A shared lock does not disturb others that ask, and
    // `try_take` knows of it.
    if lock(file, range, 0)? {
        unlock(file, range)?;
        return Ok(false);
    }
    Ok(true)
}

/// Takes the locks on all ranges within `ranges`, if all are free.
pub(crate) fn try_lock_all(file: &File, ranges: &ByteRange) -> io::Result<bool> {
    try_lock(file, ranges)
}

/// Whether another handle has a lock on any range within `ranges`.
pub(crate) fn is_any_locked(file: &File, ranges: &ByteRange) -> io::Result<bool> {
    is_locked(file, ranges)
}

/// Takes an exclusive lock, or a shared one, at once or not at all.
fn lock(file: &File, range: &ByteRange, flags: LOCK_FILE_FLAGS) -> io::Result<bool> {
    let (start, len) = place(range);
    let ((start_low, start_high), (len_low, len_high)) = (halves(start), halves(len));
    // SAFETY: OVERLAPPED is a C struct of numbers and null pointers, for which all zeroes is a
    // value.
    let mut overlapped: OVERLAPPED = unsafe { std::mem::zeroed() };
    overlapped.Anonymous.Anonymous.Offset = start_low;
    overlapped.Anonymous.Anonymous.OffsetHigh = start_high;
    let flags = flags | LOCKFILE_FAIL_IMMEDIATELY;
    // SAFETY: the handle is open while `file` is borrowed, and for synchronous use, as the standard
    // library opens files: the call is over when it returns, so `overlapped` outlives it.
    if unsafe { LockFileEx(handle_of(file), flags, 0, len_low, len_high, &raw mut overlapped) } != 0 {
        return Ok(true);
    }
    let error = io::Error::last_os_error();
    match code_of(&error) {
        Some(ERROR_LOCK_VIOLATION | ERROR_IO_PENDING) => Ok(false),
        _ if error.kind() == ErrorKind::WouldBlock => Ok(false),
        _ => Err(error),
    }
}

fn place(range: &ByteRange) -> (u64, u64) {
    (range.start.saturating_add(BEYOND), range.end.saturating_sub(range.start))
}

#[allow(clippy::cast_possible_truncation, reason = "the halves of a number")]
fn halves(number: u64) -> (u32, u32) {
    (number as u32, (number >> 32) as u32)
}
