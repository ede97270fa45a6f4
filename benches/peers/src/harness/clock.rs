//! The clock of the races: processor time of the calling thread; and the one that all processes
//! share.
//!
//! Nothing that is raced sleeps, so on a quiet machine this is what a wall clock shows; on a busy
//! one it leaves out the time in which others had the core, which says nothing about a contender.

use std::io;
use std::time::Duration;

use anyhow::{Result, ensure};

/// Processor time that this thread has used, in user and kernel mode.
pub(crate) fn thread_time() -> Result<Duration> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the kernel to write one `timespec` to.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    ensure!(result == 0, "clock_gettime: {}", io::Error::last_os_error());
    Ok(Duration::new(u64::try_from(time.tv_sec)?, u32::try_from(time.tv_nsec)?))
}

/// Nanoseconds on the clock that all processes of this machine share.
#[inline]
pub(crate) fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for one `timespec`; this clock always exists, so that the
    // call cannot fail.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
