//! Sleeping and waking without a lost wake-up.
//!
//! There is no system call when no reader sleeps.
//!
//! A reader that wants to sleep takes a ticket (the `wake` word), announces itself (`asleep`),
//! looks once more for a new value, and then asks the kernel to sleep as long as `wake` still is
//! its ticket. The writer publishes, then looks at `asleep`; if it is set, the writer clears it,
//! changes `wake` and has the kernel wake all sleepers.
//!
//! Announcing and looking, publishing and looking are the store-then-load handshake again: either
//! the reader sees the new value, or the writer sees the announcement. In the second case `wake`
//! changes after the reader's ticket was taken, because the ticket was taken before the
//! announcement: the kernel refuses to put the reader to sleep, or wakes it.
//!
//! A party that changes `wake` learns the ticket that it replaced. Some kernels know sleepers by
//! their word, others by their ticket. Each party that changes `wake` then has the holders of the
//! replaced ticket woken, so no ticket is left out.
//!
//! One announcement word serves all readers: a wake-up wakes all, and a reader that sleeps again
//! announces again. A reader that was killed asleep leaves the word set, which costs the writer one
//! idle wake-up.

use crate::failpoint::fail_point;
use crate::sync::{AtomicU32, Ordering, load_seqcst_u32, store_seqcst_u32};

/// The two words of the handshake.
///
/// Only parties that may take part can find the sleepers.
pub struct EventCount<'a> {
    /// 1 when a reader sleeps or is about to.
    pub asleep: &'a AtomicU32,
    /// Changed for each wake-up; the kernel compares it.
    pub wake: &'a AtomicU32,
}

impl EventCount<'_> {
    /// Notifies if there may be a sleeper; returns the ticket that was replaced then.
    ///
    /// The kernel must be asked to wake its holders.
    #[inline]
    #[must_use = "the holders of the ticket are still asleep"]
    pub fn notify(&self) -> Option<u32> {
        if self.is_awaited() { Some(self.notify_always()) } else { None }
    }

    /// Whether there may be a sleeper.
    ///
    /// For a writer after a publication, or after any other news.
    #[inline]
    pub fn is_awaited(&self) -> bool {
        // SeqCst: load half of the handshake; the store half is the `latest` store of
        // `WriterSide::publish`, with the fence that ends it.
        load_seqcst_u32(self.asleep) != 0
    }

    /// Changes `wake` and returns the ticket that it replaced.
    ///
    /// The kernel must be asked to wake its holders.
    #[must_use = "the holders of the ticket are still asleep"]
    #[inline]
    pub fn notify_always(&self) -> u32 {
        // SeqCst: an announcement that comes later than this in `asleep`'s order comes later in S
        // too, so its reader sees what was published before.
        self.asleep.swap(0, Ordering::SeqCst);
        fail_point!("ring.cleared");
        // Release: pairs with `ticket`; a reader with the new ticket sees the news that it stands
        // for.
        let replaced = self.wake.fetch_add(1, Ordering::Release);
        fail_point!("ring.changed");
        replaced
    }

    /// The value of `wake` to sleep on. Taken before [`announce`](Self::announce).
    #[inline]
    pub fn ticket(&self) -> u32 {
        // Acquire: pairs with the change of `wake` in `notify_always`.
        self.wake.load(Ordering::Acquire)
    }

    /// Announces that the caller is about to sleep.
    ///
    /// It must look for news once more before it does.
    #[inline]
    pub fn announce(&self) {
        // SeqCst: store half of the handshake; the load half of this side is
        // `ReaderSide::latest_before_sleep`.
        store_seqcst_u32(self.asleep, 1);
        fail_point!("wait.announced");
    }
}
