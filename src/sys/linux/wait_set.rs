//! Sleeping on several words at once: `futex_waitv`, which Linux has since 5.16.
//!
//! Older kernels lack it, and sandboxes refuse it. From the first refusal on this process naps
//! instead.

use super::Sleepers;
use crate::sys::naps::Naps;
use std::io::Error;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

/// Whether the kernel has refused the call.
static IS_REFUSED: AtomicBool = AtomicBool::new(false);

/// One word, as the kernel wants it: `struct futex_waitv`.
#[repr(C)]
struct Word {
    value: u64,
    address: u64,
    flags: u32,
    reserved: u32,
}

/// `struct __kernel_timespec`: 64 bits wide everywhere.
#[repr(C)]
struct Time {
    seconds: i64,
    nanos: i64,
}

/// Words of which any change ends a sleep.
pub(crate) struct WaitSet {
    words: Vec<Word>,
    naps: Naps,
}

impl WaitSet {
    /// Words that one sleep takes: `FUTEX_WAITV_MAX`.
    pub(crate) const MAX: usize = 128;

    pub(crate) fn new() -> Self {
        Self { words: Vec::new(), naps: Naps::new() }
    }

    /// Whether a wake-up ends the sleep. Otherwise it is a nap, and no word is looked at.
    pub(crate) fn is_woken() -> bool {
        // Relaxed: no other memory hangs on it. A party that has not heard is refused too.
        !IS_REFUSED.load(Ordering::Relaxed)
    }

    /// Forgets all words.
    pub(crate) fn clear(&mut self) {
        self.words.clear();
    }

    /// Begins with the shortest naps again: something has happened.
    #[cfg(feature = "async")]
    pub(crate) fn rouse(&mut self) {
        self.naps = Naps::new();
    }

    /// How many words there are.
    pub(crate) fn len(&self) -> usize {
        self.words.len()
    }

    /// Adds a word of a mapped file, which wakes once it is not `ticket` any more.
    pub(crate) fn add(&mut self, _: Sleepers, word: &AtomicU32, ticket: u32) {
        self.push(word, ticket, 0);
    }

    /// Adds an alarm. It must be looked at after this and before the sleep.
    pub(crate) fn add_alarm(&mut self, alarm: &Alarm) {
        self.push(&alarm.word, SILENT, libc::FUTEX_PRIVATE_FLAG.cast_unsigned());
    }

    fn push(&mut self, word: &AtomicU32, value: u32, private: u32) {
        const SIZE_U32: u32 = 2;
        let address = ptr::from_ref(word).expose_provenance() as u64;
        self.words.push(Word { value: value.into(), address, flags: SIZE_U32 | private, reserved: 0 });
    }

    /// Sleeps until a word differs from its ticket, an alarm rings, or `timeout` is over.
    ///
    /// May return for no reason: the caller looks again. A word may have been unmapped since it was
    /// added.
    pub(crate) fn sleep(&mut self, timeout: Duration) {
        if !Self::is_woken() {
            self.naps.nap(timeout);
            return;
        }
        let count = self.words.len();
        if !(1..=Self::MAX).contains(&count) {
            // What the kernel would refuse, and no caller does.
            self.naps.nap(timeout);
            return;
        }
        let now = Duration::from_nanos(super::monotonic_ns());
        let end = now.saturating_add(timeout);
        let end =
            Time { seconds: i64::try_from(end.as_secs()).unwrap_or(i64::MAX), nanos: i64::from(end.subsec_nanos()) };
        // SAFETY: the kernel reads `count` structs, which outlive the call, and the time. It reads
        // the words that they name, if they are mapped, and answers EFAULT if they are not. It
        // writes nothing. Only words added as alarms are private to the process.
        let answer = unsafe {
            libc::syscall(libc::SYS_futex_waitv, self.words.as_ptr(), count, 0, &raw const end, libc::CLOCK_MONOTONIC)
        };
        if answer >= 0 {
            return;
        }
        match Error::last_os_error().raw_os_error() {
            // A word has changed, the time is over, a signal came, or a word is gone.
            Some(libc::EAGAIN | libc::ETIMEDOUT | libc::EINTR | libc::EFAULT) => {}
            Some(libc::ENOMEM) => self.naps.nap(timeout),
            // ENOSYS of old kernels, EPERM of sandboxes, and whatever else a filter answers.
            _ => {
                IS_REFUSED.store(true, Ordering::Relaxed);
                self.naps.nap(timeout);
            }
        }
    }
}

const SILENT: u32 = 0;
const RINGING: u32 = 1;

/// A word of this process that ends a sleep when it rings.
pub(crate) struct Alarm {
    word: AtomicU32,
}

impl Alarm {
    pub(crate) fn new() -> Self {
        Self { word: AtomicU32::new(SILENT) }
    }

    /// Rings until silenced, and ends a sleep. Async-signal-safe.
    pub(crate) fn ring(&self) {
        // Release: pairs with the Acquire of `silence`; what came before is seen by the sleeper.
        if self.word.swap(RINGING, Ordering::Release) == RINGING {
            return;
        }
        let errno = Errno::keep();
        // SAFETY: FUTEX_WAKE uses the word's address only as a key, and the word is borrowed.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                ptr::from_ref(&self.word),
                libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG,
                i32::MAX,
            )
        };
        drop(errno);
    }

    pub(crate) fn is_ringing(&self) -> bool {
        // Relaxed: a hint; who acts on it silences the alarm first.
        self.word.load(Ordering::Relaxed) == RINGING
    }

    /// Ends the ringing; whether there was any.
    pub(crate) fn silence(&self) -> bool {
        self.is_ringing() && self.word.swap(SILENT, Ordering::Acquire) == RINGING
    }
}

/// Keeps `errno` for the code that a signal handler has interrupted.
struct Errno(i32);

impl Errno {
    fn keep() -> Self {
        Self(Error::last_os_error().raw_os_error().unwrap_or(0))
    }
}

impl Drop for Errno {
    fn drop(&mut self) {
        // SAFETY: takes nothing, and gives a pointer to this thread's `errno`.
        let errno = unsafe { libc::__errno_location() };
        // SAFETY: the pointer is valid while the thread lives, and no other thread uses it.
        unsafe { *errno = self.0 };
    }
}
