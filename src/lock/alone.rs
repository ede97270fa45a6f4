//! Having the array alone: claim, drain, release. The argument stands in [the parent module](super).

use super::{Entry, Inside, Kernel, Lock, LockWord, Patience, Purpose, Slept};
use crate::failpoint::fail_point;
use crate::sync::Ordering;

impl<K: Kernel> Lock<'_, K> {
    /// Has the array alone, waiting as long as `patience` has it; `None` when that was not enough.
    #[inline]
    pub(crate) fn claim(&self, purpose: Purpose, patience: &mut impl Patience) -> Option<Inside> {
        let word = self.look();
        let word = match word.holder() {
            None if !word.is_waited_for() && self.exchange(word, word.claimed(self.own, purpose)) => word,
            _ => self.claim_slowly(purpose, patience)?,
        };
        fail_point!("lock.claimed");
        if self.any(sharing) && !self.drain(patience) {
            self.release();
            return None;
        }
        fail_point!("lock.alone");
        Some(Inside { poisoned: word.is_poisoned() })
    }

    /// Has the array alone if that is possible just now. Those who share it are not disturbed if not.
    #[inline]
    pub(crate) fn try_claim(&self, patience: &mut impl Patience) -> Option<Inside> {
        if self.any(sharing) {
            self.bury_dead(sharing);
            if self.any(sharing) {
                return None;
            }
        }
        self.claim(Purpose::Write, patience)
    }

    /// Ends what [`claim`](Self::claim) began.
    #[inline]
    pub(crate) fn release(&self) {
        // SeqCst: contains the Release that pairs with `look`: what was done with the array comes before. And store half of the handshake with
        // those who fall asleep; the load half is `asleep` in `ring`. One step whatever others do to the word: the mark of those who wait stays, and
        // makes it their turn.
        self.words.word.fetch_and(!LockWord::HELD, Ordering::SeqCst);
        fail_point!("lock.released");
        self.ring(&self.words.opened);
    }

    /// Says, while one has the array alone, that it may be in pieces.
    pub(crate) fn poison(&self) {
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
                    let held_back = courteous && word.is_waited_for() && self.any(wants);
                    if !held_back {
                        if self.exchange(word, word.claimed(self.own, purpose)) {
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
                    if self.look() != word || !self.any(wants) {
                        continue;
                    }
                    match patience.sleep(door.wake, ticket) {
                        Slept::Woken => {}
                        Slept::Slice => courteous = false,
                        Slept::Over => {
                            self.bury_dead(wants);
                            let word = self.look();
                            let free = word.holder().is_none() && !self.any(wants);
                            return (free && self.exchange(word, word.claimed(self.own, purpose))).then_some(word);
                        }
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
                            let word = self.look();
                            let free = word.holder().is_none() && !(word.is_waited_for() && self.any(wants));
                            return (free && self.exchange(word, word.claimed(self.own, purpose))).then_some(word);
                        }
                    }
                }
            }
        }
    }

    /// Waits, with the word this party's, until nobody shares the array.
    #[cold]
    #[inline(never)]
    fn drain(&self, patience: &mut impl Patience) -> bool {
        loop {
            if !self.any(sharing) {
                return true;
            }
            if patience.spin() {
                continue;
            }
            let door = self.words.cleared.door();
            let ticket = door.ticket();
            door.announce();
            if !self.any(sharing) {
                return true;
            }
            fail_point!("lock.drain_asleep");
            match patience.sleep(door.wake, ticket) {
                Slept::Woken => {}
                Slept::Slice => self.bury_dead(sharing),
                Slept::Over => {
                    self.bury_dead(sharing);
                    return !self.any(sharing);
                }
            }
        }
    }
}

#[inline]
fn sharing(entry: &Entry) -> &crate::sync::AtomicU64 {
    &entry.sharing
}

fn wants(entry: &Entry) -> &crate::sync::AtomicU64 {
    &entry.wants
}
