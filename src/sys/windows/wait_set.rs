//! Sleeping on several words at once: an event for each, as for one.
//!
//! See `events.rs` for why no wake-up is lost.

use super::events::{self, HasChanged, NAP, Sleepers};
use crate::sys::naps::Naps;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use windows_sys::Win32::Foundation::{HANDLE, WAIT_FAILED};
use windows_sys::Win32::System::Threading::{CreateEventW, ResetEvent, SetEvent, WaitForMultipleObjects};

/// Words of which any change ends a sleep.
pub(crate) struct WaitSet {
    handles: Vec<HANDLE>,
    /// Whether the handle is this set's to close.
    owned: Vec<bool>,
    /// Whether a word differs from its ticket already.
    has_changed: bool,
    /// Whether an event could be neither made nor opened.
    lacks_event: bool,
    naps: Naps,
}

// SAFETY: handles are numbers of the process, which any thread may use. This set closes those that
// it has opened, once.
unsafe impl Send for WaitSet {}

impl WaitSet {
    /// Words that one sleep takes: `MAXIMUM_WAIT_OBJECTS`.
    pub(crate) const MAX: usize = 64;

    pub(crate) fn new() -> Self {
        let (handles, owned) = (Vec::new(), Vec::new());
        Self { handles, owned, has_changed: false, lacks_event: false, naps: Naps::new() }
    }

    /// Whether a wake-up ends the sleep. Otherwise it is a nap, and no word is looked at.
    pub(crate) fn is_woken() -> bool {
        true
    }

    /// Forgets all words.
    pub(crate) fn clear(&mut self) {
        for (handle, owned) in self.handles.drain(..).zip(self.owned.drain(..)) {
            if owned {
                events::close(handle);
            }
        }
        (self.has_changed, self.lacks_event) = (false, false);
    }

    /// Begins with the shortest naps again: something has happened.
    #[cfg(feature = "async")]
    pub(crate) fn rouse(&mut self) {
        self.naps = Naps::new();
    }

    /// How many words there are.
    pub(crate) fn len(&self) -> usize {
        self.handles.len()
    }

    /// Adds a word of a mapped file, which wakes once it is not `ticket` any more.
    pub(crate) fn add(&mut self, sleepers: Sleepers, word: &AtomicU32, ticket: u32) {
        match sleepers.event_of(word, ticket) {
            Ok(event) => self.push(event, true),
            Err(HasChanged) => self.has_changed = true,
        }
    }

    /// Adds an alarm. It must be looked at after this and before the sleep.
    pub(crate) fn add_alarm(&mut self, alarm: &Alarm) {
        alarm.reset();
        self.push(alarm.event.cast_mut(), false);
    }

    fn push(&mut self, event: HANDLE, owned: bool) {
        if event.is_null() {
            self.lacks_event = true;
        } else {
            self.handles.push(event);
            self.owned.push(owned);
        }
    }

    /// Sleeps until a word differs from its ticket, an alarm rings, or `timeout` is over.
    ///
    /// May return for no reason: the caller looks again.
    pub(crate) fn sleep(&mut self, timeout: Duration) {
        if self.has_changed {
            return;
        }
        let Ok(count @ 1..) = u32::try_from(self.handles.len()) else {
            self.naps.nap(timeout);
            return;
        };
        let timeout = if self.lacks_event { timeout.min(NAP) } else { timeout };
        let millis = events::whole_millis(timeout);
        // SAFETY: the handles are open: those of tickets are closed by `clear` alone, and those of
        // alarms outlive the sleep.
        if unsafe { WaitForMultipleObjects(count, self.handles.as_ptr(), 0, millis) } == WAIT_FAILED {
            self.naps.nap(timeout);
        }
    }
}

impl Drop for WaitSet {
    fn drop(&mut self) {
        self.clear();
    }
}

/// An event of this process that ends a sleep when it rings.
pub(crate) struct Alarm {
    rings: AtomicBool,
    /// Null if the system had none: sleepers nap then.
    event: *const std::ffi::c_void,
}

// SAFETY: the handle is a number of the process, which any thread may use until it is dropped.
unsafe impl Send for Alarm {}
// SAFETY: as above; setting and resetting an event from several threads is what it is for.
unsafe impl Sync for Alarm {}

impl Alarm {
    pub(crate) fn new() -> Self {
        // SAFETY: no attributes, no name; reset by hand, not set.
        let event = unsafe { CreateEventW(ptr::null(), 1, 0, ptr::null()) };
        Self { rings: AtomicBool::new(false), event }
    }

    /// Rings until silenced, and ends a sleep.
    pub(crate) fn ring(&self) {
        // Release: pairs with the Acquire of `silence`; what came before is seen by the sleeper.
        if !self.rings.swap(true, Ordering::Release) && !self.event.is_null() {
            // SAFETY: the handle is open.
            unsafe { SetEvent(self.event.cast_mut()) };
        }
    }

    pub(crate) fn is_ringing(&self) -> bool {
        // Relaxed: a hint; who acts on it silences the alarm first.
        self.rings.load(Ordering::Relaxed)
    }

    /// Ends the ringing; whether there was any.
    pub(crate) fn silence(&self) -> bool {
        self.is_ringing() && self.rings.swap(false, Ordering::Acquire)
    }

    /// Takes the event back, before a sleep. A ring that comes before this is seen by the look that
    /// follows, and one that comes later sets the event again.
    fn reset(&self) {
        if !self.event.is_null() {
            // SAFETY: the handle is open.
            unsafe { ResetEvent(self.event.cast_mut()) };
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        events::close(self.event.cast_mut());
    }
}
