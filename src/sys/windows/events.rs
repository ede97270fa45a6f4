//! Sleeping on a word of a mapped file, and waking the sleepers of all processes.
//!
//! The system's own wait on an address ends at the border of the process. What crosses it is an
//! object with a name: here an event for each ticket with a sleeper, named after the file, the word
//! and the ticket. It exists as long as one of its sleepers does.
//!
//! # No wake-up is lost
//!
//! A sleeper makes the event of its ticket, or opens it, and only then looks whether the word still
//! is the ticket. The waker changes the word, looks only then for the event of the ticket that it
//! replaced, and sets it. One of the two comes to the system's list of names first: the sleeper's
//! event is found and set, or the sleeper sees the changed word. An event that has been set stays
//! so. Nothing resets it, as its ticket is history. So it does not matter how many sleep, nor
//! whether they already do. A word changes by additions of one whose author learns which ticket it
//! replaced, so no ticket is skipped. When the numbers have come round after 2³² changes, an old
//! event can wake a sleeper for no reason; that is allowed.
//!
//! Where an event can be neither made nor opened, as with another user's process or in a sandbox,
//! the sleeper looks again after a [`NAP`].

use crate::sys::types::Identity;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering, fence};
use std::time::Duration;
use windows_sys::Win32::Foundation::{CloseHandle, HANDLE};
use windows_sys::Win32::System::Threading::{
    CreateEventW, EVENT_MODIFY_STATE, INFINITE, OpenEventW, SetEvent, WaitForSingleObject,
};

/// The sleep of a sleeper that no wake reaches.
pub(super) const NAP: Duration = Duration::from_millis(1);

/// Views of a file begin at multiples of this.
///
/// So an address modulo this is the same in all processes.
const GRANULARITY: usize = 1 << 16;

/// The sleepers on words of one mapped file, of its first 64 KiB.
#[derive(Clone, Copy)]
pub(crate) struct Sleepers {
    device: u64,
    inode: u64,
}

impl Sleepers {
    /// The sleepers on words of this file.
    #[inline]
    pub(crate) fn of(file: &Identity) -> Self {
        Self { device: file.device, inode: file.inode }
    }

    /// Sleeps while `word` is `ticket`, at most `timeout`. Returns at the time-out, at a wake-up,
    /// and for no reason at all: the caller looks again.
    pub(crate) fn sleep(self, word: &AtomicU32, ticket: u32, timeout: Duration) {
        match self.event_of(word, ticket) {
            Ok(event) if event.is_null() => std::thread::sleep(timeout.min(NAP)),
            Ok(event) => {
                // SAFETY: the handle is open.
                unsafe { WaitForSingleObject(event, whole_millis(timeout)) };
                close(event);
            }
            Err(HasChanged) => {}
        }
    }

    /// The event of the ticket, which the caller closes; null if there can be none.
    pub(super) fn event_of(self, word: &AtomicU32, ticket: u32) -> Result<HANDLE, HasChanged> {
        let name = self.name(word, ticket);
        // SAFETY: the name ends with a zero; no security attributes, which means those that the
        // process gives by default.
        let event = unsafe { CreateEventW(ptr::null(), 1, 0, name.as_ptr()) };
        // SeqCst: the event is in sight before the word is looked at. Pairs with the fence in
        // `wake_all`; the system's list of names stands for the variable between them.
        fence(Ordering::SeqCst);
        // Acquire: as `EventCount::ticket`; a sleeper that finds another ticket sees the news that
        // it stands for.
        if word.load(Ordering::Acquire) == ticket {
            return Ok(event);
        }
        close(event);
        Err(HasChanged)
    }

    /// Wakes all sleepers on `word`, which the caller has changed from `replaced`.
    pub(crate) fn wake_all(self, word: &AtomicU32, replaced: u32) {
        let name = self.name(word, replaced);
        // SeqCst: the change of the word comes before the look for the event; see `sleep`.
        fence(Ordering::SeqCst);
        // SAFETY: the name ends with a zero.
        let event = unsafe { OpenEventW(EVENT_MODIFY_STATE, 0, name.as_ptr()) };
        if !event.is_null() {
            // SAFETY: the handle is open, with the right to set the event.
            unsafe { SetEvent(event) };
            close(event);
        }
    }

    /// In the list that all sessions share, as the files can be.
    fn name(self, word: &AtomicU32, ticket: u32) -> Vec<u16> {
        let at = ptr::from_ref(word).addr() % GRANULARITY;
        let Self { device, inode } = self;
        format!("Global\\ndsharray-{device:x}-{inode:x}-{at:x}-{ticket:x}\0").encode_utf16().collect()
    }
}

/// The word is not the ticket any more.
pub(super) struct HasChanged;

/// Up to the next millisecond: sleeping too short would mean to spin at the end of a time-out.
pub(super) fn whole_millis(timeout: Duration) -> u32 {
    let millis = timeout.as_nanos().div_ceil(1_000_000);
    u32::try_from(millis).unwrap_or(INFINITE).min(INFINITE - 1)
}

pub(super) fn close(event: HANDLE) {
    if !event.is_null() {
        // SAFETY: the handle is open, and not used after this.
        unsafe { CloseHandle(event) };
    }
}
