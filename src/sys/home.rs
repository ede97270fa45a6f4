//! Which process a handle belongs to.

use super::{fork_count, watch_forks};

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

    /// Whether this is that process; costs one load.
    #[inline(always)]
    pub(crate) fn is_here(&self) -> bool {
        self.forks == fork_count()
    }
}
