//! The thread that holds the writer, and whether waiting for that thread can end.

use std::sync::{Arc, Weak};

thread_local! {
    /// Lives as long as its thread.
    static ALIVE: Arc<()> = Arc::new(());
}

/// The thread that has taken the writer, and will return it.
pub(super) struct Holder(Weak<()>);

impl Holder {
    /// Returns this thread.
    #[inline]
    pub(super) fn this_thread() -> Self {
        // A thread past its end never returns anything, so nothing waits for it.
        Self(ALIVE.try_with(Arc::downgrade).unwrap_or_default())
    }

    /// Says why waiting for the thread would never end; `None` if it may end.
    pub(super) fn hopeless(&self) -> Option<&'static str> {
        // The weak reference keeps the allocation, so no other thread gets the same address.
        let is_this = ALIVE.try_with(|alive| std::ptr::eq(Weak::as_ptr(&self.0), Arc::as_ptr(alive)));
        if is_this.unwrap_or(false) {
            Some("by this very thread")
        } else if self.0.strong_count() == 0 {
            Some("by a thread that has ended")
        } else {
            None
        }
    }
}
