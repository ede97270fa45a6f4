//! A reader's side of its wakers.

use super::Reader;
use super::waker::{ReaderWaker, Wakes};
use std::sync::Arc;

impl Reader {
    /// A handle that ends this reader's waits.
    ///
    /// It does so for [`wait`](Self::wait), [`wait_next`](Self::wait_next) and their like, and for
    /// [`wait_any`](crate::wait_any). All wakers of a reader are one: what one of them does, all of
    /// them know.
    ///
    /// A wake ends a sleep at once where the system can sleep on several words. So it is on Linux
    /// since 5.16, if no sandbox refuses it, and on Windows. Elsewhere a wake takes up to 10 ms.
    #[must_use]
    pub fn waker(&self) -> ReaderWaker {
        let wakes = self.wakes.get_or_init(|| Arc::new(Wakes::new()));
        self.at.take_longer_way();
        ReaderWaker(Arc::clone(wakes))
    }

    /// Begins a wait: whether a wake has ended it already.
    pub(super) fn begin_wait(&self) -> bool {
        let Some(wakes) = self.wakes.get() else { return false };
        wakes.begin();
        wakes.take()
    }

    /// Whether a wake ends the present wait. The wake is used up.
    pub(super) fn is_wait_over(&self) -> bool {
        self.wakes.get().is_some_and(|wakes| wakes.take())
    }
}

/// Nothing watches a reader.
#[cfg(not(feature = "async"))]
impl Reader {
    pub(super) fn settle(&mut self) {}

    pub(super) fn note_end(&mut self) {}

    pub(super) fn watch_anew(&mut self) {}

    pub(super) fn is_watched(&self) -> bool {
        false
    }

    pub(super) fn take_move(&self) -> bool {
        false
    }
}
