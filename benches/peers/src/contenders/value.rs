//! The 64-byte value: every byte follows from one counter, so that a mixture of two is noticed.

use std::hint::black_box;

/// What the small measurements carry.
pub(crate) type Value = [u8; 64];

/// Odd, with bits everywhere: consecutive counters differ in nearly every byte.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

fn word(counter: u64, index: u64) -> u64 {
    let mixed = (counter ^ (index << 56)).wrapping_mul(SPREAD);
    mixed ^ (mixed >> 29)
}

/// The value that belongs to `counter`: the counter itself, then seven words derived from it.
#[inline]
pub(crate) fn value(counter: u64) -> Value {
    let mut value = [0; 64];
    for (index, chunk) in (0..).zip(value.chunks_exact_mut(8)) {
        let word = if index == 0 { counter } else { word(counter, index) };
        chunk.copy_from_slice(&word.to_ne_bytes());
    }
    value
}

/// The counter that `found` was made from, or `None` when it is a mixture.
#[inline]
pub(crate) fn counter(found: &Value) -> Option<u64> {
    let [a, b, c, d, e, f, g, h, ..] = *found;
    let counter = u64::from_ne_bytes([a, b, c, d, e, f, g, h]);
    (*found == value(counter)).then_some(counter)
}

/// Checks every byte, and then again: what was whole at first may be overwritten while it is held.
#[inline]
pub(crate) fn counter_twice(found: &Value) -> Option<u64> {
    // The black boxes make both checks load from memory.
    let first = counter(black_box(found));
    let second = counter(black_box(found));
    if first == second { first } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_give_their_counter_back() {
        for expected in [0, 1, 255, 256, u64::MAX] {
            assert_eq!(counter_twice(&value(expected)), Some(expected));
        }
    }

    #[test]
    fn mixtures_are_noticed_wherever_they_are_cut() {
        let (old, new) = (value(41), value(42));
        for cut in 1..64 {
            let mut mixed = old;
            mixed[..cut].copy_from_slice(&new[..cut]);
            assert_eq!(counter(&mixed), None, "cut at {cut}");
        }
    }
}
