//! Which entries are in use, as a bitmap that is loaded before the entries are looked at.

use crate::sync::{AtomicU64, Ordering, load_seqcst};

/// Words of the bitmap.
const WORDS: usize = 7;

/// Bit `i` says that entry `i` is in use. Who owns an entry is the kernel's to say (a lock on its bytes); this only spares a writer the
/// entries that nobody uses.
#[repr(transparent)]
#[derive(Default)]
pub struct Members([AtomicU64; WORDS]);

impl Members {
    /// Entries that a bitmap has room for.
    pub const MAX: usize = WORDS * 64;

    /// Puts an entry into use.
    pub(super) fn add(&self, index: usize) {
        if let Some(word) = self.0.get(index / 64) {
            // SeqCst: whatever the new member shares stands after it in S, so a holder whose look misses this bit has its claim before the
            // member's look at the lock word. Pairs with `any`.
            word.fetch_or(1 << (index % 64), Ordering::SeqCst);
        }
    }

    /// Takes an entry, which shares nothing, out of use.
    pub(super) fn remove(&self, index: usize) {
        if let Some(word) = self.0.get(index / 64) {
            // Release: for a holder that sees the bit gone and never loads the entry, what the member did comes before. Pairs with `any`.
            word.fetch_and(!(1 << (index % 64)), Ordering::Release);
        }
    }

    /// Whether `found` holds for an entry in use below `entries`.
    #[inline]
    pub(super) fn any(&self, entries: usize, mut found: impl FnMut(usize) -> bool) -> bool {
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
}
