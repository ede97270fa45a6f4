//! Having the array alone: claim, drain, release. The argument stands in [the parent module](super).

use super::{Entry, Inside, Kernel, Lock, LockWord, Patience, Purpose, SLICE_NS, Slept};
use crate::failpoint::fail_point;
use crate::sync::Ordering;

impl<K: Kernel> Lock<'_, K> {
    /// Has the array alone, waiting as long as `patience` has it; `None` when that was not enough.
    #[inline]
    pub fn claim(&self, purpose: Purpose, patience: &mut impl Patience) -> Option<Inside> {
        let word = self.look();
        let word = match word.holder() {
            None if !word.is_waited_for() && self.exchange(word, word.claimed(self.own, purpose)) => word,
            _ => self.claim_slowly(purpose, patience)?,
        };
        fail_point!("lock.claimed");
        if self.is_shared() && !self.drain_or_release(patience) {
            return None;
        }
        fail_point!("lock.alone");
        Some(Inside { poisoned: word.is_poisoned() })
    }

    /// Has the array alone if that is possible just now. Those who share it are not disturbed if not.
    #[inline]
    pub fn try_claim(&self, patience: &mut impl Patience) -> Option<Inside> {
        if self.is_shared() {
            self.bury_dead(sharing);
            if self.is_shared() {
                return None;
            }
        }
        self.claim(Purpose::Write, patience)
    }

    /// Ends what [`claim`](Self::claim) began.
    #[inline]
    pub fn release(&self) {
        // SeqCst: contains the Release that pairs with `look`: what was done with the array comes before. And store half of the handshake with
        // those who fall asleep; the load half is `asleep` in `ring`. One step whatever others do to the word: the mark of those who wait stays, and
        // makes it their turn.
        self.words.word.fetch_and(!LockWord::HELD, Ordering::SeqCst);
        fail_point!("lock.released");
        self.ring(&self.words.opened);
    }

    /// Says, while one has the array alone, that it may be in pieces.
    pub fn poison(&self) {
        // Relaxed: `release`, which follows, makes it visible to whoever comes in.
        self.words.word.fetch_or(LockWord::POISONED, Ordering::Relaxed);
    }

    /// Makes the word this party's; tells what it was before.
    #[cold]
    #[inline(never)]
    fn claim_slowly(&self, purpose: Purpose, patience: &mut impl Patience) -> Option<LockWord> {
        let mut courteous = true;
        loop {
            let word = self.look();
            match word.holder() {
                // Free. Its marks show whose turn it is.
                None => {
                    let held_back = courteous && self.is_others_turn(word) && !self.is_turn_over(patience);
                    if !held_back {
                        if self.take(word, purpose) {
                            return Some(word);
                        }
                        continue;
                    }
                    if patience.spin() {
                        continue;
                    }
                    let door = self.words.cleared.door();
                    let ticket = door.ticket();
                    door.announce();
                    // Nobody rings this bell for a change of the word; but then someone else has it, and a slice is soon over.
                    if self.look() != word || !self.is_others_turn(word) {
                        continue;
                    }
                    match patience.sleep(door.wake, ticket) {
                        Slept::Woken => {}
                        Slept::Slice => {
                            self.bury_dead(wants);
                            // Who has not come in the whole of its turn is passed over, so that the next to come need not hold back.
                            self.is_turn_over(patience);
                            courteous = false;
                        }
                        Slept::Over => return self.take_if_free(purpose, patience),
                    }
                }
                Some(holder) => {
                    if patience.spin() {
                        continue;
                    }
                    let door = self.words.opened.door();
                    let ticket = door.ticket();
                    door.announce();
                    if self.look().holder().is_none() {
                        continue;
                    }
                    fail_point!("lock.claim_asleep");
                    match patience.sleep(door.wake, ticket) {
                        Slept::Woken => {}
                        Slept::Slice => self.bury_if_dead(holder),
                        Slept::Over => {
                            self.bury_if_dead(holder);
                            return self.take_if_free(purpose, patience);
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

    /// The last attempt of a party whose patience is over; tells what the word was before.
    fn take_if_free(&self, purpose: Purpose, patience: &impl Patience) -> Option<LockWord> {
        if self.is_others_turn(self.look()) {
            self.bury_dead(wants);
        }
        let word = self.look();
        let is_free = word.holder().is_none() && (!self.is_others_turn(word) || self.is_turn_over(patience));
        (is_free && self.take(word, purpose)).then_some(word)
    }

    /// Whether the word, when it is free, is for those who want to share to have.
    fn is_others_turn(&self, word: LockWord) -> bool {
        word.is_waited_for() && self.any(Entry::is_in_turn)
    }

    /// Whether those whose turn it is have had a slice's time to come; ends their turn then.
    fn is_turn_over(&self, patience: &impl Patience) -> bool {
        // Relaxed, here and below: a hint. A number that makes no sense ends the turn at once.
        let began = self.words.turn.load(Ordering::Relaxed);
        let now = patience.now();
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

    /// Passes over those who had a slice's time to come: the dead are buried, and for the stopped nobody holds back until they stir.
    #[cold]
    fn end_turn(&self) {
        self.bury_dead(wants);
        self.any(|entry| {
            if entry.is_in_turn() {
                // Relaxed: a hint, which its owner takes away.
                entry.passed.store(1, Ordering::Relaxed);
            }
            false
        });
    }

    /// Waits, with the word this party's, until nobody shares the array. Gives the word back when that takes too long, and when `patience` panics.
    #[cold]
    #[inline(never)]
    fn drain_or_release(&self, patience: &mut impl Patience) -> bool {
        let claim = Releasing(self);
        let is_drained = self.drain(patience);
        if is_drained {
            core::mem::forget(claim);
        }
        is_drained
    }

    fn drain(&self, patience: &mut impl Patience) -> bool {
        loop {
            if !self.is_shared() {
                return true;
            }
            if patience.spin() {
                continue;
            }
            let door = self.words.cleared.door();
            let ticket = door.ticket();
            door.announce();
            if !self.is_shared() {
                return true;
            }
            fail_point!("lock.drain_asleep");
            match patience.sleep(door.wake, ticket) {
                Slept::Woken => {}
                Slept::Slice => self.bury_dead(sharing),
                Slept::Over => {
                    self.bury_dead(sharing);
                    return !self.is_shared();
                }
            }
        }
    }
}

/// Releases the lock when it is dropped.
struct Releasing<'a, K: Kernel>(&'a Lock<'a, K>);

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
