//! Sharing the array: in, out, and waiting to get in. The argument stands in [the parent module](super).

use super::{Entry, Inside, Kernel, Lock, LockWord, Patience, Purpose, Share, Slept};
use crate::failpoint::fail_point;
use crate::sync::Ordering;

impl<K: Kernel> Lock<'_, K> {
    /// Shares the array, waiting as long as `patience` has it; `None` when that was not enough.
    #[inline]
    pub fn share(&self, share: Share, patience: &mut impl Patience) -> Option<Inside> {
        match self.try_share(share) {
            None => self.share_slowly(share, patience),
            inside => inside,
        }
    }

    /// Shares the array if that is possible just now.
    #[inline]
    pub fn try_share(&self, share: Share) -> Option<Inside> {
        let entry = self.entry()?;
        // SeqCst: store half of the handshake; the load half of the other side is `any`, in `drain`.
        entry.sharing.fetch_add(1, Ordering::SeqCst);
        fail_point!("lock.counted");
        let word = self.look();
        if word.admits(share) {
            fail_point!("lock.shared");
            return Some(Inside { poisoned: word.is_poisoned() });
        }
        self.leave();
        None
    }

    /// Ends what [`share`](Self::share) began.
    #[inline]
    pub fn leave(&self) {
        let Some(entry) = self.entry() else { return };
        // SeqCst: contains the Release that pairs with `any`: what was done with the array comes before the holder's turn. And store half of the
        // handshake with a holder that falls asleep; the load half is the look at the word and at `asleep` here, which the holder stored before it
        // looked at `sharing`.
        let before = entry.sharing.fetch_sub(1, Ordering::SeqCst);
        fail_point!("lock.left");
        if before == 1 && self.look().holder().is_some() {
            self.ring(&self.words.cleared);
        }
    }

    #[cold]
    #[inline(never)]
    fn share_slowly(&self, share: Share, patience: &mut impl Patience) -> Option<Inside> {
        self.entry()?;
        let mut wanting = None;
        loop {
            let word = self.look();
            if word.admits(share) {
                // It fails only if somebody has claimed the word meanwhile.
                match self.try_share(share) {
                    None => continue,
                    inside => return inside,
                }
            }
            let Some(holder) = word.holder() else {
                // Free, but for the other group. From here on this is one of those who hold back.
                drop(wanting);
                return self.switch(share, patience);
            };
            if patience.spin() {
                continue;
            }
            if wanting.is_none() {
                wanting = Wanting::new(self);
            }
            let door = self.words.opened.door();
            let ticket = door.ticket();
            door.announce();
            let word = self.look();
            // The holder may be another one by now; who it is does not matter for sleeping.
            if word.holder().is_none() || !word.is_waited_for() && !self.exchange(word, word.waited_for()) {
                continue;
            }
            fail_point!("lock.share_asleep");
            let slept = patience.sleep(door.wake, ticket);
            // Whoever was stopped may have been passed over.
            wanting.iter().for_each(|wanting: &Wanting<'_, K>| wanting.entry.stir());
            match slept {
                Slept::Woken => {}
                Slept::Slice => self.bury_if_dead(holder),
                Slept::Over => {
                    self.bury_if_dead(holder);
                    let inside = self.try_share(share);
                    if inside.is_some() || self.look().holder().is_some() {
                        return inside;
                    }
                    // Free, but for the other group.
                    drop(wanting);
                    return self.switch(share, patience);
                }
            }
        }
    }

    /// Has the group of `share` admitted, and shares the array.
    fn switch(&self, share: Share, patience: &mut impl Patience) -> Option<Inside> {
        let inside = self.claim(Purpose::Switch, patience)?;
        fail_point!("lock.switching");
        if let Some(entry) = self.entry() {
            // Relaxed, both: nobody is let in by this word, and nobody has the array alone, before `release` (Release).
            match share {
                Share::Atomic => self.words.word.fetch_or(LockWord::GROUP, Ordering::Relaxed),
                Share::View | Share::Peek => self.words.word.fetch_and(!LockWord::GROUP, Ordering::Relaxed),
            };
            entry.sharing.fetch_add(1, Ordering::Relaxed);
        }
        fail_point!("lock.switched");
        self.release();
        Some(inside)
    }
}

/// While it lives, a thread of this party wants to share the array and could not.
struct Wanting<'a, K: Kernel> {
    lock: &'a Lock<'a, K>,
    entry: &'a Entry,
}

impl<'a, K: Kernel> Wanting<'a, K> {
    fn new(lock: &'a Lock<'a, K>) -> Option<Self> {
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
        // SeqCst: store half of the handshake with one that holds back and falls asleep; the load half is `asleep` in `ring`.
        if self.entry.wants.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.lock.ring(&self.lock.words.cleared);
        }
    }
}
