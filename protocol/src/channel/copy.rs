//! The protocol's words in bytes that the kernel copied out of a file: for those who only look, and take no part.

use super::{Latest, PinMask, Pins, Registered};
use core::mem::offset_of;

/// Bytes of an integer at `at`; zero where the bytes end before it.
pub fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let word = at.checked_add(8).and_then(|end| bytes.get(at..end)).and_then(|word| word.try_into().ok());
    word.map_or(0, u64::from_ne_bytes)
}

/// As [`u64_at`].
pub fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let word = at.checked_add(4).and_then(|end| bytes.get(at..end)).and_then(|word| word.try_into().ok());
    word.map_or(0, u32::from_ne_bytes)
}

impl Latest {
    /// Reads the word at `at`.
    pub fn copied(bytes: &[u8], at: usize) -> Self {
        Self::from_bits(u64_at(bytes, at))
    }
}

/// What one reader holds, as it was at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinsCopy {
    /// The slot of the one borrowed sample.
    pub borrowed: PinMask,
    /// The slots of all owned samples.
    pub kept: PinMask,
    /// How often an attempt to pin came too late.
    pub retries: u64,
    /// Number of the last value that the reader has come to.
    pub seen: u64,
}

impl Pins {
    /// Reads the words from `at` on.
    pub fn copied(bytes: &[u8], at: usize) -> PinsCopy {
        let word = |field: usize| u64_at(bytes, at.saturating_add(field));
        PinsCopy {
            borrowed: PinMask::from_bits(word(offset_of!(Self, borrowed))),
            kept: PinMask::from_bits(word(offset_of!(Self, kept))),
            retries: word(offset_of!(Self, retries)),
            seen: word(offset_of!(Self, seen)),
        }
    }
}

impl Registered {
    /// The entries in use below `entries`.
    pub fn copied(bytes: &[u8], at: usize, entries: usize) -> Vec<usize> {
        set_bits(bytes, at, entries)
    }
}

/// The numbers below `count` whose bits are set in the words from `at` on.
pub fn set_bits(bytes: &[u8], at: usize, count: usize) -> Vec<usize> {
    let is_set = |i: &usize| u64_at(bytes, at.saturating_add(i / 64 * 8)) >> (i % 64) & 1 == 1;
    (0..count).filter(is_set).collect()
}
