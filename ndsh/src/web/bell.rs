//! Waking one thread from several others, for several reasons.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Counts its rings, so that none is lost between a look and a wait.
#[derive(Default)]
pub(super) struct Bell {
    rings: Mutex<u64>,
    rung: Condvar,
}

impl Bell {
    /// The rings so far. Take it before the look that may find nothing to do.
    pub(super) fn rings(&self) -> u64 {
        *self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn ring(&self) {
        let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        *rings = rings.wrapping_add(1);
        self.rung.notify_all();
    }

    /// Waits up to `time` for a ring after those that were `seen`.
    pub(super) fn wait(&self, seen: u64, time: Duration) {
        let rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        // A wake without a ring only makes the caller look again.
        let _ = self.rung.wait_timeout_while(rings, time, |rings| *rings == seen);
    }
}
