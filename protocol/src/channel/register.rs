//! Which reader entries are in use, as a bitmap that the writer loads before it looks at the entries.

use super::Pins;
use crate::failpoint::fail_point;
use crate::sync::{AtomicU64, Ordering, load_seqcst};

/// Words of the bitmap: what is left of one cache line beside the sleepers' word.
const WORDS: usize = 7;

/// Reader entries a channel can have.
pub const MAX_READERS: usize = WORDS * 64;

/// Bit `i` says that reader entry `i` is in use. Who owns an entry is the kernel's to say (a lock on its bytes); this only spares the
/// writer the entries that nobody uses.
#[repr(transparent)]
#[derive(Default)]
pub struct Registered([AtomicU64; WORDS]);

impl Registered {
    /// Entries that a bitmap has room for.
    pub const MAX: usize = MAX_READERS;

    /// Puts an entry, whose lock the caller holds, into use; whatever a dead owner pinned is given back.
    pub fn add(&self, index: usize, pins: &Pins) {
        // Release: a writer that still sees the bit of the entry's owner before us may load these zeros instead of that owner's own. The
        // entry's lock made its reads happen before ours; this passes them on. Pairs with `WriterSide::look`.
        pins.borrowed.store(0, Ordering::Release);
        pins.kept.store(0, Ordering::Release);
        pins.seen.store(0, Ordering::Relaxed);
        fail_point!("register.cleared");
        if let Some(word) = self.0.get(index / 64) {
            // SeqCst: every later pin of this reader stands after it in S, so a writer whose `look` misses this bit also
            // misses those pins' slots being held, and its `seq` store is seen by them. Pairs with `for_each`.
            word.fetch_or(1 << (index % 64), Ordering::SeqCst);
        }
        fail_point!("register.shown");
    }

    /// Takes an entry, whose lock the caller holds, out of use and gives back what it pinned.
    pub fn remove(&self, index: usize, pins: &Pins) {
        // Release: reads of the values before the cleared words. Pairs with `WriterSide::look`.
        pins.borrowed.store(0, Ordering::Release);
        pins.kept.store(0, Ordering::Release);
        fail_point!("register.emptied");
        if let Some(word) = self.0.get(index / 64) {
            // Release: the same, for a writer that sees the bit gone and never loads the words.
            word.fetch_and(!(1 << (index % 64)), Ordering::Release);
        }
    }

    /// Whether the reader of this entry has told that it has come to value `number`.
    #[inline]
    pub fn has_seen(pins: &Pins, number: u64) -> bool {
        // Relaxed: a stale number is only cautious, see `ReaderSide::tell`.
        pins.seen.load(Ordering::Relaxed) >= number
    }

    /// Calls `visit` with the index of each entry in use below `entries`.
    #[inline]
    pub fn for_each(&self, entries: usize, mut visit: impl FnMut(usize)) {
        for (w, word) in self.0.iter().take(entries.div_ceil(64)).enumerate() {
            // SeqCst: load half of the handshake, see `add`.
            let mut bits = load_seqcst(word);
            while bits != 0 {
                visit(w * 64 + bits.trailing_zeros() as usize);
                bits &= bits - 1;
            }
        }
    }
}
