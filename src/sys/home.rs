//! Which process a handle belongs to.

use super::{fork_count, watch_forks};
use std::sync::atomic::{AtomicU64, Ordering};

/// The process that made a handle; a child that it forks is another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Home {
    forks: u64,
}

impl Home {
    /// This process.
    pub(crate) fn here() -> Self {
        Self { forks: watch_forks() }
    }

    /// Of no process.
    pub(crate) const NOWHERE: Self = Self { forks: u64::MAX };

    /// Whether this is that process; costs one load.
    #[inline(always)]
    pub(crate) fn is_here(&self) -> bool {
        self.forks == fork_count()
    }
}

/// A [`Home`] for a shorter way that can be barred.
#[derive(Debug)]
pub(crate) struct ShortWay {
    forks: AtomicU64,
}

impl ShortWay {
    pub(crate) fn new(home: &Home) -> Self {
        Self { forks: AtomicU64::new(home.forks) }
    }

    /// Whether this is that process, and the way open; costs one load.
    #[inline(always)]
    pub(crate) fn is_open(&self) -> bool {
        // Relaxed: the party that bars the way has the handle, and gives it to its next user.
        self.forks.load(Ordering::Relaxed) == fork_count()
    }

    /// Bars the way, for good.
    pub(crate) fn bar(&self) {
        // No process has so many forks behind it.
        self.forks.store(u64::MAX, Ordering::Relaxed);
    }
}
