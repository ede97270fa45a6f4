//! Stores that go past the caches.
//!
//! An ordinary store to a line that is in no cache fetches the line first, and drives another one
//! out. A non-temporal store collects the line in a buffer of the core and hands it to memory
//! whole.
//!
//! Such stores are outside the order that x86 otherwise keeps between stores: one may reach other
//! cores after an ordinary store that follows it in the program. A `Release` store is an ordinary
//! one here, so the number that publishes a value could overtake the value. `sfence` closes the
//! gap: every core sees all stores before it before any store after it. There is one at each end of
//! the copy, so that to the rest of the program, and to the slot protocol, this is a copy like any
//! other.

use core::arch::x86_64::{__m256i, _mm_sfence, _mm256_loadu_si256, _mm256_stream_si256};

/// Bytes of one store.
const STORE: usize = size_of::<__m256i>();

/// Bytes stored at a time: two lines.
const BLOCK: usize = 4 * STORE;

/// Copies `from` over `to`, which is as long.
///
/// Returns `false`, with nothing done, where the processor cannot.
pub(super) fn copy(to: &mut [u8], from: &[u8]) -> bool {
    if to.len() != from.len() || !std::arch::is_x86_feature_detected!("avx") {
        return false;
    }
    // A store of this kind must be aligned; the few bytes before the first boundary and after the
    // last whole block are copied as usual.
    let before = to.as_ptr().align_offset(BLOCK).min(to.len());
    let (to_front, to_rest) = to.split_at_mut(before);
    let (from_front, from_rest) = from.split_at(before);
    let whole = to_rest.len() / BLOCK * BLOCK;
    let (to_blocks, to_end) = to_rest.split_at_mut(whole);
    let (from_blocks, from_end) = from_rest.split_at(whole);
    to_front.copy_from_slice(from_front);
    to_end.copy_from_slice(from_end);
    // SAFETY: the processor has AVX, as checked above. The slices are `whole` bytes each, a
    // multiple of BLOCK, and when that is not 0, `to_blocks` starts `before` bytes into `to`, which
    // is at a multiple of BLOCK.
    unsafe { copy_blocks(to_blocks, from_blocks) };
    true
}

/// # Safety
///
/// The processor has AVX. Both slices have the same number of bytes, a multiple of [`BLOCK`]; the
/// first starts at a multiple of it, unless it is empty.
#[target_feature(enable = "avx")]
unsafe fn copy_blocks(to: &mut [u8], from: &[u8]) {
    // What comes before must not be overtaken either.
    _mm_sfence();
    for (to, from) in to.chunks_exact_mut(BLOCK).zip(from.chunks_exact(BLOCK)) {
        let to = to.as_mut_ptr().cast::<__m256i>();
        let from = from.as_ptr().cast::<__m256i>();
        let load = |i: usize| {
            // SAFETY: `from` has BLOCK bytes, which are four of these, and `i` is below four; the
            // load needs no alignment.
            unsafe { _mm256_loadu_si256(from.wrapping_add(i)) }
        };
        let (a, b, c, d) = (load(0), load(1), load(2), load(3));
        let store = |i: usize, value: __m256i| {
            // SAFETY: `to` has BLOCK bytes and `i` is below four. It is a multiple of BLOCK from an
            // address that is one, hence aligned. What these stores ask for is an `sfence` before
            // any other code accesses the memory: it follows below, while `to` is still borrowed.
            unsafe { _mm256_stream_si256(to.wrapping_add(i), value) };
        };
        store(0, a);
        store(1, b);
        store(2, c);
        store(3, d);
    }
    _mm_sfence();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::memcpy::tests::check;
    use std::cell::UnsafeCell;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn every_alignment_and_every_tail() {
        let stream = |to: &mut [u8], from: &[u8]| assert!(copy(to, from), "a processor of this century");
        for to_at in 0..BLOCK {
            for from_at in [0, 1, 15, 16, 31, 32, 64, 127] {
                for len in [0, 1, 127, 128, 129, 255, 256, 1000] {
                    check(stream, to_at, from_at, len);
                }
            }
        }
        for len in 0..4 * BLOCK {
            check(stream, 5, 3, len);
        }
    }

    /// Memory that two threads take turns with.
    struct Turns {
        memory: UnsafeCell<Vec<u8>>,
        turn: AtomicU64,
    }

    // SAFETY: the memory is reached through `take` alone, whose callers see to it that one thread
    // has it at a time.
    unsafe impl Sync for Turns {}

    impl Turns {
        /// Waits for a turn, does something with the memory, and hands the turn on.
        ///
        /// # Safety
        ///
        /// Each number is taken once.
        unsafe fn take(&self, turn: u64, what: impl FnOnce(&mut [u8])) {
            // Acquire: pairs with the store below.
            while self.turn.load(Ordering::Acquire) != turn {
                std::hint::spin_loop();
            }
            // SAFETY: the caller alone has this number, and the thread with the one before has
            // handed the memory on.
            what(unsafe { &mut *self.memory.get() });
            // Release: pairs with the load above. This is the store that must not overtake the
            // copy.
            self.turn.store(turn + 1, Ordering::Release);
        }
    }

    #[test]
    fn what_is_published_after_it_is_there() {
        const LEN: usize = 64 << 10;
        const ROUNDS: u64 = 500;
        let byte_of = |round: u64| (round % 251) as u8;
        let turns = Turns { memory: UnsafeCell::new(vec![0; LEN]), turn: AtomicU64::new(0) };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for round in 0..ROUNDS {
                    let value = vec![byte_of(round); LEN];
                    // SAFETY: the even numbers, each once.
                    unsafe { turns.take(2 * round, |memory| assert!(copy(memory, &value))) };
                }
            });
            for round in 0..ROUNDS {
                let value = [byte_of(round); LEN];
                let check = |memory: &mut [u8]| assert!(*memory == value, "{round}");
                // SAFETY: the odd numbers, each once.
                unsafe { turns.take(2 * round + 1, check) };
            }
        });
    }
}
