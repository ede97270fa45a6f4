//! macOS, FreeBSD and other Unix.
//!
//! A directory of one's own under the temporary directory. What the system has of locks, waiting
//! and reservation, else what every Unix has.
//!
//! With `--cfg ndsharray_portable` Linux takes this file too, and of each the last resort, so that
//! the tests can run it.

#[cfg(any(ndsharray_portable, not(target_vendor = "apple")))]
pub(crate) mod lock_files;
#[cfg(feature = "async")]
mod ready_fd;
#[cfg(all(target_vendor = "apple", not(ndsharray_portable)))]
#[path = "sleep_apple.rs"]
mod sleep;
#[cfg(all(target_os = "freebsd", not(ndsharray_portable)))]
#[path = "sleep_freebsd.rs"]
mod sleep;
#[cfg(any(ndsharray_portable, not(any(target_vendor = "apple", target_os = "freebsd"))))]
#[path = "sleep_none.rs"]
mod sleep;
mod space;

pub(crate) use super::no_limits::{address_space_left, group_memory_short_of, mappings_left, tells_what_is_set_aside};
pub(crate) use super::no_sever::{sever, unmap};
#[cfg(all(target_vendor = "apple", not(ndsharray_portable)))]
pub(crate) use super::no_sweeper::Sweeper;
#[cfg(all(target_vendor = "apple", not(ndsharray_portable)))]
pub(crate) use super::ofd as range_lock;
// Where locks are files, they have their own `open` and `open_exclusive`.
pub(crate) use super::no_lease::Lease;
pub(crate) use super::no_wait_set::{Alarm, WaitSet};
pub(crate) use super::posix::*;
#[cfg(any(ndsharray_portable, not(target_vendor = "apple")))]
pub(crate) use super::sweeper::Sweeper;
#[cfg(any(ndsharray_portable, not(target_vendor = "apple")))]
pub(crate) use lock_files::{self as range_lock, open, open_exclusive, sweep};
#[cfg(feature = "async")]
pub(crate) use ready_fd::ReadyFd;
pub(crate) use space::reserve;

use super::types::Identity;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Where channels live unless the caller or the environment says otherwise.
pub(crate) fn default_dir() -> PathBuf {
    let dir = std::env::temp_dir().join(format!("ndsharray-{}", effective_user()));
    // Best effort: opening a file in it reports what is wrong.
    let _ = DirBuilder::new().mode(0o700).create(&dir);
    dir
}

/// The first nap of a sleeper that no wake reaches, doubled up to [`LONGEST_NAP`].
const FIRST_NAP: Duration = Duration::from_micros(50);
const LONGEST_NAP: Duration = Duration::from_millis(2);

/// The sleepers on words of one mapped file.
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
        if timeout.is_zero() || sleep::sleep(word, ticket, timeout) {
            return;
        }
        // The kernel does not do it, here at all or for this memory.
        let end = Instant::now().checked_add(timeout);
        let mut nap = FIRST_NAP;
        // Relaxed: whatever the word says, the caller looks again.
        while word.load(Ordering::Relaxed) == ticket {
            let left = end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return;
            }
            std::thread::sleep(left.min(nap));
            nap = nap.saturating_mul(2).min(LONGEST_NAP);
        }
    }

    /// Wakes all sleepers on `word`, which the caller has changed from `replaced`.
    pub(crate) fn wake_all(self, word: &AtomicU32, _replaced: u32) {
        sleep::wake_all(word);
    }
}
