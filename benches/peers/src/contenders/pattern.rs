//! Frames whose every word follows from one counter, so that a mixture of two is noticed.

use std::hint::black_box;

/// As many different frames as take turns.
pub(crate) const FRAMES: u64 = 16;

fn word(counter: u64, index: u64) -> u64 {
    (counter + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ index
}

/// The frame that belongs to `counter`; `size` is a multiple of eight.
pub(crate) fn frame(counter: u64, size: usize) -> Vec<u8> {
    (0..size as u64 / 8).flat_map(|index| word(counter, index).to_ne_bytes()).collect()
}

/// The counter below [`FRAMES`] that `found` was made from, or `None` when it is a mixture.
#[inline]
pub(crate) fn counter(found: &[u8]) -> Option<u64> {
    let (words, _) = black_box(found).as_chunks();
    let first = u64::from_ne_bytes(*words.first()?);
    let counter = (0..FRAMES).find(|&counter| word(counter, 0) == first)?;
    let whole = (0..)
        .zip(words)
        .fold(true, |whole, (index, bytes)| whole & (u64::from_ne_bytes(*bytes) == word(counter, index)));
    whole.then_some(counter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_give_their_counter_back_and_mixtures_none() {
        for expected in 0..FRAMES {
            assert_eq!(counter(&frame(expected, 4096)), Some(expected));
        }
        let (mut mixed, new) = (frame(3, 4096), frame(4, 4096));
        mixed[4088..].copy_from_slice(&new[4088..]);
        assert_eq!(counter(&mixed), None);
    }
}
