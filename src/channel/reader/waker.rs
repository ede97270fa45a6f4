//! Ending a reader's wait from outside: another thread, a signal handler.
//!
//! A waker has a word of this process, and touches none that is shared with others.

use crate::channel::reader_table::Table;
use crate::sys::{Alarm, WaitSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The longest sleep where the system cannot wait for channel and waker at once.
///
/// A wake ends the wait within 10 ms.
pub(super) const DEAF: Duration = Duration::from_millis(8);

/// Ends the waits of one [`Reader`](crate::Reader), from any thread and from a signal handler.
///
/// Made by [`Reader::waker`](crate::Reader::waker). It can be cloned and sent anywhere, and may
/// outlive its reader.
///
/// ```
/// # use std::{thread, time::Duration};
/// # fn main() -> ndsharray::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let options = ndsharray::Options::new().dir(dir.path());
/// # let mut writer = options.create::<f32>("doc-waker")?;
/// let mut reader = options.open("doc-waker")?;
/// let waker = reader.waker();
/// thread::spawn({
///     let waker = waker.clone();
///     move || waker.wake()
/// });
/// assert!(reader.wait(Duration::MAX)?.is_none());
/// assert!(waker.is_woken());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ReaderWaker(pub(super) Arc<Wakes>);

impl ReaderWaker {
    /// Ends the reader's present wait, else its next one.
    ///
    /// That wait returns no value, even if there is a newer one: the wait after it does. Several
    /// wakes before a wait count as one.
    ///
    /// Async-signal-safe: it takes no lock, allocates nothing, and leaves `errno` as it was.
    pub fn wake(&self) {
        self.0.alarm.ring();
    }

    /// Whether a wake has ended the reader's last wait, or will end its next one.
    ///
    /// After a wait that returned nothing it tells a wake from a time-out.
    #[must_use]
    pub fn is_woken(&self) -> bool {
        // Relaxed: what came before the wake is seen by the thread that has waited, as the wait
        // silenced the alarm.
        self.0.alarm.is_ringing() || self.0.has_ended.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for ReaderWaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReaderWaker").field("is_woken", &self.is_woken()).finish_non_exhaustive()
    }
}

/// What a reader shares with its wakers.
pub(super) struct Wakes {
    alarm: Alarm,
    /// Whether a wake has ended the last wait. Written by the reader's waits.
    has_ended: AtomicBool,
}

impl Wakes {
    pub(super) fn new() -> Self {
        Self { alarm: Alarm::new(), has_ended: AtomicBool::new(false) }
    }

    /// Forgets how the last wait ended.
    pub(super) fn begin(&self) {
        self.has_ended.store(false, Ordering::Relaxed);
    }

    /// Whether a wait must end now. The wake is used up.
    pub(super) fn take(&self) -> bool {
        if !self.alarm.is_ringing() {
            return false;
        }
        // First: at no time does `is_woken` deny the wake.
        self.has_ended.store(true, Ordering::Relaxed);
        self.alarm.silence()
    }

    /// Adds the alarm to those that end a sleep; whether it rings already.
    pub(super) fn add_to(&self, set: &mut WaitSet) -> bool {
        set.add_alarm(&self.alarm);
        self.alarm.is_ringing()
    }

    /// Sleeps on a channel's table until a wake, a notification, or the end of `time`.
    pub(super) fn sleep_beside(&self, table: &Table, ticket: u32, time: Duration) {
        if !WaitSet::is_woken() {
            table.sleep(ticket, time.min(DEAF));
            return;
        }
        let mut set = WaitSet::new();
        table.add_to(&mut set, ticket);
        if !self.add_to(&mut set) {
            set.sleep(time);
        }
    }
}
