//! Where no call sleeps on several words at once: naps.

use super::Sleepers;
use super::naps::Naps;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

/// Words of which any change ends a sleep. Here it is a nap, after which the caller looks.
pub(crate) struct WaitSet {
    naps: Naps,
}

impl WaitSet {
    /// Words that one sleep would take; as on Linux.
    pub(crate) const MAX: usize = 128;

    pub(crate) fn new() -> Self {
        Self { naps: Naps::new() }
    }

    /// Whether a wake-up ends the sleep. Otherwise it is a nap, and no word is looked at.
    pub(crate) fn is_woken() -> bool {
        false
    }

    /// Forgets all words.
    pub(crate) fn clear(&mut self) {}

    /// Begins with the shortest naps again: something has happened.
    #[cfg(feature = "async")]
    pub(crate) fn rouse(&mut self) {
        self.naps = Naps::new();
    }

    /// How many words there are.
    pub(crate) fn len(&self) -> usize {
        0
    }

    pub(crate) fn add(&mut self, _: Sleepers, _: &AtomicU32, _: u32) {}

    pub(crate) fn add_alarm(&mut self, _: &Alarm) {}

    /// Sleeps for a nap, at most `timeout`: the caller looks again.
    pub(crate) fn sleep(&mut self, timeout: Duration) {
        self.naps.nap(timeout);
    }
}

/// A word of this process that a sleeper looks at after each nap.
pub(crate) struct Alarm {
    rings: AtomicBool,
}

impl Alarm {
    pub(crate) fn new() -> Self {
        Self { rings: AtomicBool::new(false) }
    }

    /// Rings until silenced. Async-signal-safe.
    pub(crate) fn ring(&self) {
        // Release: pairs with the Acquire of `silence`; what came before is seen by the sleeper.
        self.rings.store(true, Ordering::Release);
    }

    pub(crate) fn is_ringing(&self) -> bool {
        // Relaxed: a hint; who acts on it silences the alarm first.
        self.rings.load(Ordering::Relaxed)
    }

    /// Ends the ringing; whether there was any.
    pub(crate) fn silence(&self) -> bool {
        self.is_ringing() && self.rings.swap(false, Ordering::Acquire)
    }
}
