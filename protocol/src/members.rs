//! Which entries are in use: a bitmap, loaded before the entries are looked at.
//!
//! Readers of a channel and handles of a lock are members of it. Each owns an entry, which the
//! kernel proves by a lock on the entry's bytes. The bitmap only spares the others the entries that
//! no party uses.

use crate::sync::{AtomicU64, Ordering, load_seqcst};

/// Words of the bitmap.
///
/// They fill what is left of one cache line beside the two words of sleepers.
const WORDS: usize = 7;

/// Bit `i` says that entry `i` is in use.
#[repr(transparent)]
#[derive(Default)]
pub struct Members([AtomicU64; WORDS]);

impl Members {
    /// Entries that a bitmap has room for.
    pub const MAX: usize = WORDS * 64;

    /// Puts an entry into use. The caller holds its kernel lock.
    pub(crate) fn add(&self, index: usize) {
        if let Some(word) = self.0.get(index / 64) {
            // SeqCst: all that the new member announces in its entry stands after it in S. So a
            // party that misses this bit has made its own store before the member's next load:
            // `seq` before the load of `try_pin`, the claimed lock word before the look of `share`.
            // Pairs with `any`.
            word.fetch_or(1 << (index % 64), Ordering::SeqCst);
        }
    }

    /// Takes an entry, which announces nothing any more, out of use.
    ///
    /// The caller holds its kernel lock.
    pub(crate) fn remove(&self, index: usize) {
        if let Some(word) = self.0.get(index / 64) {
            // Release: for a party that sees the bit gone and never loads the entry, what the
            // member did comes before. Pairs with `any`.
            word.fetch_and(!(1 << (index % 64)), Ordering::Release);
        }
    }

    /// Whether `found` holds for an entry in use below `entries`.
    #[inline]
    pub fn any(&self, entries: usize, mut found: impl FnMut(usize) -> bool) -> bool {
        for (w, word) in self.0.iter().take(entries.div_ceil(64)).enumerate() {
            // SeqCst: load half of the handshake, see `add`.
            let mut bits = load_seqcst(word);
            while bits != 0 {
                if found(w * 64 + bits.trailing_zeros() as usize) {
                    return true;
                }
                bits &= bits - 1;
            }
        }
        false
    }

    /// Calls `visit` with the index of each entry in use below `entries`.
    #[inline]
    pub fn for_each(&self, entries: usize, mut visit: impl FnMut(usize)) {
        self.any(entries, |index| {
            visit(index);
            false
        });
    }
}
