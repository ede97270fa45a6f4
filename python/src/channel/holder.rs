//! Which thread has something, and whether waiting for that thread can end.

use std::sync::{Arc, Weak};

thread_local! {
    /// Lives as long as its thread.
    static ALIVE: Arc<()> = Arc::new(());
}

/// The thread that has taken something, and will give it back.
pub(crate) struct Holder(Weak<()>);

impl Holder {
    /// This thread.
    pub(crate) fn this_thread() -> Self {
        // A thread that is past its end is no thread to wait for.
        Self(ALIVE.try_with(Arc::downgrade).unwrap_or_default())
    }

    /// Says why waiting for the thread would never end; `None` when it may.
    pub(crate) fn hopeless(&self) -> Option<&'static str> {
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
