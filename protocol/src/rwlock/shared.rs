//! Sharing the array: in, out, and waiting to get in.
//!
//! The argument stands in [the parent module](super).

use super::{Acquired, Entry, Kernel, LockWord, Purpose, RwLock, Share, Waiter, Wake};
use crate::failpoint::fail_point;
use crate::sync::Ordering;

impl<K: Kernel> RwLock<'_, K> {
    /// Shares the array, waiting as long as `waiter` allows; `None` when that was not enough.
    #[inline]
    pub fn share(&self, share: Share, waiter: &mut impl Waiter) -> Option<Acquired> {
        match self.try_share(share) {
            None => self.share_slowly(share, waiter),
            acquired => acquired,
        }
    }

    /// Shares the array if that is possible at once.
    #[inline]
    pub fn try_share(&self, share: Share) -> Option<Acquired> {
        let entry = self.entry()?;
        // SeqCst: store half of the handshake; the load half of the other side is `any`, in
        // `drain`.
        entry.sharing.fetch_add(1, Ordering::SeqCst);
        fail_point!("lock.counted");
        let word = self.look();
        if word.admits(share) {
            fail_point!("lock.shared");
            return Some(Acquired { poisoned: word.is_poisoned() });
        }
        self.leave();
        None
    }

    /// Ends what [`share`](Self::share) began.
    #[inline]
    pub fn leave(&self) {
        let Some(entry) = self.entry() else { return };
        // SeqCst: contains the Release that pairs with `any`: what was done with the array comes
        // before the holder's turn. And store half of the handshake with a holder that falls
        // asleep; the load half is the look at the word and at `asleep` here, which the holder
        // stored before it looked at `sharing`.
        let before = entry.sharing.fetch_sub(1, Ordering::SeqCst);
        fail_point!("lock.left");
        if before == 1 && self.look().holder().is_some() {
            self.notify(&self.words.cleared);
        }
    }

    #[cold]
    #[inline(never)]
    fn share_slowly(&self, share: Share, waiter: &mut impl Waiter) -> Option<Acquired> {
        self.entry()?;
        let mut wanting = None;
        loop {
            let word = self.look();
            if word.admits(share) {
                // It fails only if a party has claimed the word meanwhile.
                match self.try_share(share) {
                    None => continue,
                    acquired => return acquired,
                }
            }
            let Some(holder) = word.holder() else {
                // Free, but for the other group. From here on this is one of the parties that hold
                // back.
                drop(wanting);
                return self.switch(share, waiter);
            };
            if waiter.spin() {
                continue;
            }
            if wanting.is_none() {
                wanting = Wanting::new(self);
            }
            let event = self.words.opened.event_count();
            let ticket = event.ticket();
            event.announce();
            let word = self.look();
            // The holder may be another one by now, which does not matter for sleeping.
            if word.holder().is_none() || !word.is_waited_for() && !self.exchange(word, word.waited_for()) {
                continue;
            }
            fail_point!("lock.share_asleep");
            let slept = waiter.sleep(event.wake, ticket);
            // A party that was stopped may have been passed over.
            wanting.iter().for_each(|wanting: &Wanting<'_, K>| wanting.entry.stir());
            match slept {
                Wake::Woken => {}
                Wake::SliceOver => self.reap_if_dead(holder),
                Wake::TimedOut => {
                    self.reap_if_dead(holder);
                    let acquired = self.try_share(share);
                    if acquired.is_some() || self.look().holder().is_some() {
                        return acquired;
                    }
                    // Free, but for the other group.
                    drop(wanting);
                    return self.switch(share, waiter);
                }
            }
        }
    }

    /// Has the group of `share` admitted, and shares the array.
    fn switch(&self, share: Share, waiter: &mut impl Waiter) -> Option<Acquired> {
        let acquired = self.claim(Purpose::Switch, waiter)?;
        fail_point!("lock.switching");
        if let Some(entry) = self.entry() {
            // Relaxed, both: no party is let in by this word, and none has the array alone, before
            // `release` (Release).
            match share {
                Share::Atomic => self.words.word.fetch_or(LockWord::GROUP, Ordering::Relaxed),
                Share::View | Share::Peek => self.words.word.fetch_and(!LockWord::GROUP, Ordering::Relaxed),
            };
            entry.sharing.fetch_add(1, Ordering::Relaxed);
        }
        fail_point!("lock.switched");
        self.release();
        Some(acquired)
    }
}

/// A wish of this party: a thread wants to share the array and could not.
///
/// It stands while this value lives.
struct Wanting<'a, K: Kernel> {
    lock: &'a RwLock<'a, K>,
    entry: &'a Entry,
}

impl<'a, K: Kernel> Wanting<'a, K> {
    fn new(lock: &'a RwLock<'a, K>) -> Option<Self> {
        let entry = lock.entry()?;
        entry.stir();
        // SeqCst: before the word is marked. A hint all the same.
        entry.wants.fetch_add(1, Ordering::SeqCst);
        Some(Self { lock, entry })
    }
}

impl<K: Kernel> Drop for Wanting<'_, K> {
    fn drop(&mut self) {
        if crate::sync::is_model_over() {
            return;
        }
        // SeqCst: store half of the handshake with one that holds back and falls asleep; the load
        // half is `asleep` in `notify`.
        if self.entry.wants.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.lock.notify(&self.lock.words.cleared);
        }
    }
}
