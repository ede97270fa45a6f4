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

    /// Calls `visit` with each of the `entries` that is in use.
    ///
    /// As [`for_each`](Self::for_each), but quick where many are in use.
    ///
    /// Returns whether there are: the first eight of a word.
    #[inline]
    pub(crate) fn visit<E>(&self, entries: &[E], mut visit: impl FnMut(&E)) -> bool {
        let mut many = false;
        for (word, entries) in self.0.iter().zip(entries.chunks(64)) {
            // SeqCst: load half of the handshake, see `add`.
            let mut bits = load_seqcst(word);
            if bits & EIGHT == EIGHT {
                visit_many(bits, entries, &mut visit);
                many = true;
                continue;
            }
            while bits != 0 {
                if let Some(entry) = entries.get(bits.trailing_zeros() as usize) {
                    visit(entry);
                }
                bits &= bits - 1;
            }
        }
        many
    }
}

/// Eight entries that follow each other.
const EIGHT: u64 = 0xff;

/// Calls `visit` with the entries whose bits are set; eight in a row cost no look at their bits.
#[inline(never)]
fn visit_many<E>(mut bits: u64, mut entries: &[E], visit: &mut impl FnMut(&E)) {
    while bits != 0 {
        if let (EIGHT, Some((eight, rest))) = (bits & EIGHT, entries.split_first_chunk::<8>()) {
            eight.iter().for_each(&mut *visit);
            (bits, entries) = (bits >> 8, rest);
        } else {
            let unused = bits.trailing_zeros();
            let Some((entry, rest)) = entries.get(unused as usize..).and_then(<[E]>::split_first) else { return };
            visit(entry);
            (bits, entries) = (bits >> unused >> 1, rest);
        }
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn entries_in_use_are_visited_once_however_many(
            words in proptest::collection::vec(prop_oneof![any::<u64>(), Just(u64::MAX), 0_u64..0x1ff, Just(0xfeff)], WORDS),
            shift in 0_u32..64,
            entries in 0..Members::MAX,
        ) {
            let members = Members::default();
            for (member, word) in members.0.iter().zip(words) {
                member.store(word.rotate_left(shift), Ordering::Relaxed);
            }
            let (mut expected, mut visited) = (Vec::new(), Vec::new());
            members.for_each(entries, |index| if index < entries { expected.push(index) });
            members.visit(&(0..entries).collect::<Vec<_>>(), |&index| visited.push(index));
            prop_assert_eq!(visited, expected);
        }
    }
}
