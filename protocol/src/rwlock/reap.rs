//! Parties that come, go and die. The argument stands in [the parent module](super).

use super::{Kernel, RwLock};
use crate::failpoint::fail_point;
use crate::sync::store_seqcst;

/// Attempts to free a word with marks that others may change meanwhile.
///
/// Each does that once.
const ATTEMPTS: u32 = 1000;

impl<K: Kernel> RwLock<'_, K> {
    /// Moves into this party's entry, with its kernel lock held.
    ///
    /// Its dead owner may not have been reaped yet.
    pub fn join(&self) {
        self.reap(self.own);
        self.words.members.add(self.own);
        fail_point!("lock.joined");
    }

    /// Moves out of this party's entry. Guards that have been forgotten die with it.
    pub fn part(&self) {
        self.reap(self.own);
    }

    /// Reaps the owner of entry `index` if it is dead.
    #[cold]
    pub(super) fn reap_if_dead(&self, index: usize) {
        self.kernel.if_dead(index, || self.reap(index));
    }

    /// Clears away what the owner of entry `index`, which is dead, had.
    ///
    /// The caller has that entry's kernel lock, unless there is no such entry.
    pub(super) fn reap(&self, index: usize) {
        for _ in 0..ATTEMPTS {
            let word = self.look();
            if word.holder() != Some(index) || self.exchange(word, word.orphaned()) {
                break;
            }
        }
        fail_point!("lock.freed");
        if let Some(entry) = self.entries.get(index) {
            // SeqCst: as on the way out of `share` and `Wanting`: this plays their part. The dead
            // owner's doings happened before: the kernel lock orders them.
            store_seqcst(&entry.sharing, 0);
            store_seqcst(&entry.wants, 0);
            entry.stir();
        }
        self.words.members.remove(index);
        fail_point!("lock.reaped");
        self.notify(&self.words.opened);
        self.notify(&self.words.cleared);
    }
}
