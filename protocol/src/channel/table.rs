//! The words of the reader table: which slots each reader holds, and which readers sleep.

use super::Pins;
use crate::event_count::EventCount;
use crate::members::Members;
use crate::sync::{AtomicU32, Ordering, assert_size};

assert_size!(Shared, 64);
assert_size!(Entry, 64);

/// The line that all readers share; written only when one opens, closes or falls asleep.
#[repr(C, align(64))]
#[derive(Default)]
pub struct Shared {
    asleep: AtomicU32,
    /// The word that readers sleep on.
    wake: AtomicU32,
    /// Which reader entries are in use.
    pub registered: Members,
}

impl Shared {
    /// The words through which to fall asleep, and to wake.
    #[inline]
    pub fn event_count(&self) -> EventCount<'_> {
        EventCount { asleep: &self.asleep, wake: &self.wake }
    }
}

/// One reader's line. The reader that holds the kernel's lock on these bytes owns it.
#[repr(C, align(64))]
#[derive(Default)]
pub struct Entry {
    pub(super) pins: Pins,
    /// The reader's process id as it saw itself: a hint for people.
    pub(super) pid: AtomicU32,
}

impl AsRef<Pins> for Entry {
    #[inline]
    fn as_ref(&self) -> &Pins {
        &self.pins
    }
}

impl Entry {
    /// Notes the process id of the owner, for people.
    pub fn note_pid(&self, pid: u32) {
        // Relaxed: a hint.
        self.pid.store(pid, Ordering::Relaxed);
    }
}
