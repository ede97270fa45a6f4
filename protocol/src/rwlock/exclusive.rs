//! Holding the array alone: claim, drain, release.
//!
//! The argument stands in [the parent module](super).

use super::{Acquired, Entry, Kernel, LockWord, Purpose, RwLock, SLICE_NS, Waiter, Wake};
use crate::failpoint::fail_point;
use crate::sync::Ordering;

impl<K: Kernel> RwLock<'_, K> {
    /// Takes the array alone, waiting as long as `waiter` allows.
    ///
    /// `None` when that was not enough.
    #[inline]
    pub fn claim(&self, purpose: Purpose, waiter: &mut impl Waiter) -> Option<Acquired> {
        let word = self.look();
        let word = match word.holder() {
            None if !word.is_waited_for() && self.exchange(word, word.claimed(self.own, purpose)) => word,
            _ => self.claim_slowly(purpose, waiter)?,
        };
        fail_point!("lock.claimed");
        if self.is_shared() && !self.drain_or_release(waiter) {
            return None;
        }
        fail_point!("lock.alone");
        Some(Acquired { poisoned: word.is_poisoned() })
    }

    /// Takes the array alone if that is possible at once.
    ///
    /// If not, its sharers are not disturbed.
    #[inline]
    pub fn try_claim(&self, waiter: &mut impl Waiter) -> Option<Acquired> {
        if self.is_shared() {
            self.reap_dead(sharing);
            if self.is_shared() {
                return None;
            }
        }
        self.claim(Purpose::Write, waiter)
    }

    /// Ends what [`claim`](Self::claim) began.
    #[inline]
    pub fn release(&self) {
        // SeqCst: contains the Release that pairs with `look`: what was done with the array comes
        // before. And store half of the handshake with parties that fall asleep; the load half is
        // `asleep` in `notify`. One step whatever others do to the word: the mark of waiting
        // parties stays, and makes it their turn.
        self.words.word.fetch_and(!LockWord::HELD, Ordering::SeqCst);
        fail_point!("lock.released");
        self.notify(&self.words.opened);
    }

    /// Poisons the array, which the caller holds alone: it may be in pieces.
    pub fn poison(&self) {
        // Relaxed: `release`, which follows, makes it visible to the next party.
        self.words.word.fetch_or(LockWord::POISONED, Ordering::Relaxed);
    }

    /// Makes the word this party's; returns what it was before.
    #[cold]
    #[inline(never)]
    fn claim_slowly(&self, purpose: Purpose, waiter: &mut impl Waiter) -> Option<LockWord> {
        let mut courteous = true;
        loop {
            let word = self.look();
            match word.holder() {
                // Free. Its marks show which parties are in turn.
                None => {
                    let held_back = courteous && self.is_others_turn(word) && !self.is_turn_over(waiter);
                    if !held_back {
                        if self.take(word, purpose) {
                            return Some(word);
                        }
                        continue;
                    }
                    if waiter.spin() {
                        continue;
                    }
                    let event = self.words.cleared.event_count();
                    let ticket = event.ticket();
                    event.announce();
                    // No party notifies for a change of the word; but then another party has it,
                    // and a slice is soon over.
                    if self.look() != word || !self.is_others_turn(word) {
                        continue;
                    }
                    match waiter.sleep(event.wake, ticket) {
                        Wake::Woken => {}
                        Wake::SliceOver => {
                            self.reap_dead(wants);
                            // A party that has not come in the whole of its turn is passed over, so
                            // that the next to come need not hold back.
                            self.is_turn_over(waiter);
                            courteous = false;
                        }
                        Wake::TimedOut => return self.take_if_free(purpose, waiter),
                    }
                }
                Some(holder) => {
                    if waiter.spin() {
                        continue;
                    }
                    let event = self.words.opened.event_count();
                    let ticket = event.ticket();
                    event.announce();
                    if self.look().holder().is_none() {
                        continue;
                    }
                    fail_point!("lock.claim_asleep");
                    match waiter.sleep(event.wake, ticket) {
                        Wake::Woken => {}
                        Wake::SliceOver => self.reap_if_dead(holder),
                        Wake::TimedOut => {
                            self.reap_if_dead(holder);
                            return self.take_if_free(purpose, waiter);
                        }
                    }
                }
            }
        }
    }

    /// Makes the free `word` this party's, if it still is the word.
    fn take(&self, word: LockWord, purpose: Purpose) -> bool {
        let taken = self.exchange(word, word.claimed(self.own, purpose));
        if taken && word.is_waited_for() {
            // Relaxed: a hint. The turn is over.
            self.words.turn.store(0, Ordering::Relaxed);
        }
        taken
    }

    /// Makes the last attempt of a party that has timed out.
    ///
    /// Returns what the word was before.
    fn take_if_free(&self, purpose: Purpose, waiter: &impl Waiter) -> Option<LockWord> {
        if self.is_others_turn(self.look()) {
            self.reap_dead(wants);
        }
        let word = self.look();
        let is_free = word.holder().is_none() && (!self.is_others_turn(word) || self.is_turn_over(waiter));
        (is_free && self.take(word, purpose)).then_some(word)
    }

    /// Whether the word, when it is free, is for parties that want to share.
    fn is_others_turn(&self, word: LockWord) -> bool {
        word.is_waited_for() && self.any(Entry::is_in_turn)
    }

    /// Whether the parties in turn have had a slice's time to come.
    ///
    /// Ends their turn then.
    fn is_turn_over(&self, waiter: &impl Waiter) -> bool {
        // Relaxed, here and below: a hint. A number that makes no sense ends the turn at once.
        let began = self.words.turn.load(Ordering::Relaxed);
        let now = waiter.now();
        if now == 0 {
            return false;
        }
        if began == 0 {
            let _ = self.words.turn.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
            return false;
        }
        let is_over = now.wrapping_sub(began) >= SLICE_NS;
        if is_over {
            self.end_turn();
        }
        is_over
    }

    /// Passes over the parties that had a slice's time to come.
    ///
    /// The dead are reaped. For the stopped no party holds back until they stir.
    #[cold]
    fn end_turn(&self) {
        self.reap_dead(wants);
        self.any(|entry| {
            if entry.is_in_turn() {
                // Relaxed: a hint, which its owner takes away.
                entry.passed.store(1, Ordering::Relaxed);
            }
            false
        });
    }

    /// Waits, with the word this party's, until no party shares the array.
    ///
    /// Gives the word back when that takes too long, and when `waiter` panics.
    #[cold]
    #[inline(never)]
    fn drain_or_release(&self, waiter: &mut impl Waiter) -> bool {
        let claim = Releasing(self);
        let is_drained = self.drain(waiter);
        if is_drained {
            core::mem::forget(claim);
        }
        is_drained
    }

    fn drain(&self, waiter: &mut impl Waiter) -> bool {
        loop {
            if !self.is_shared() {
                return true;
            }
            if waiter.spin() {
                continue;
            }
            let event = self.words.cleared.event_count();
            let ticket = event.ticket();
            event.announce();
            if !self.is_shared() {
                return true;
            }
            fail_point!("lock.drain_asleep");
            match waiter.sleep(event.wake, ticket) {
                Wake::Woken => {}
                Wake::SliceOver => self.reap_dead(sharing),
                Wake::TimedOut => {
                    self.reap_dead(sharing);
                    return !self.is_shared();
                }
            }
        }
    }
}

/// Releases the lock when it is dropped.
struct Releasing<'a, K: Kernel>(&'a RwLock<'a, K>);

impl<K: Kernel> Drop for Releasing<'_, K> {
    fn drop(&mut self) {
        if !crate::sync::is_model_over() {
            self.0.release();
        }
    }
}

fn sharing(entry: &Entry) -> &crate::sync::AtomicU64 {
    &entry.sharing
}

fn wants(entry: &Entry) -> &crate::sync::AtomicU64 {
    &entry.wants
}
