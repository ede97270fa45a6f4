//! The protocol's words in bytes that the kernel copied out of a file: for those who only look, and take no part.

use super::{Entry, Hot, Latest, PinMask, Pins, Shared, Slot, Standing, State};
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

/// What the board's first line said at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HotCopy {
    /// The number and slot of the current value.
    pub latest: Latest,
    /// Which of the channel's writers was at work, or was the last.
    pub epoch: u64,
    /// How the channel stood.
    pub state: State,
    /// The writer's process id as it noted it.
    pub pid: Option<u32>,
}

impl Hot {
    /// Where the line has `latest`.
    pub const LATEST_AT: usize = offset_of!(Self, latest);

    /// Reads the words from `at` on.
    pub fn copied(bytes: &[u8], at: usize) -> HotCopy {
        let at = |field: usize| at.saturating_add(field);
        HotCopy {
            latest: Latest::copied(bytes, at(Self::LATEST_AT)),
            epoch: u64_at(bytes, at(offset_of!(Self, epoch))),
            state: Standing::from_bits(u32_at(bytes, at(offset_of!(Self, standing)))).state(),
            pid: Some(u32_at(bytes, at(offset_of!(Self, pid)))).filter(|&pid| pid != 0),
        }
    }
}

impl Slot {
    /// The slot's number, from the bytes of a slot.
    pub fn copied_seq(bytes: &[u8]) -> u64 {
        u64_at(bytes, offset_of!(Self, seq))
    }

    /// Word `index` of the header, from the bytes of a slot.
    pub fn copied_word(bytes: &[u8], index: usize) -> u64 {
        u64_at(bytes, offset_of!(Self, header).saturating_add(index.saturating_mul(8)))
    }
}

impl Shared {
    /// The entries in use below `entries`, from the words from `at` on.
    pub fn copied(bytes: &[u8], at: usize, entries: usize) -> Vec<usize> {
        set_bits(bytes, at.saturating_add(offset_of!(Self, registered)), entries)
    }
}

impl Entry {
    /// What the reader holds, from the words from `at` on.
    pub fn copied_pins(bytes: &[u8], at: usize) -> PinsCopy {
        Pins::copied(bytes, at.saturating_add(offset_of!(Self, pins)))
    }

    /// The process id that the reader noted, from the words from `at` on.
    pub fn copied_pid(bytes: &[u8], at: usize) -> Option<u32> {
        Some(u32_at(bytes, at.saturating_add(offset_of!(Self, pid)))).filter(|&pid| pid != 0)
    }
}

/// The numbers below `count` whose bits are set in the words from `at` on.
pub fn set_bits(bytes: &[u8], at: usize, count: usize) -> Vec<usize> {
    let is_set = |i: &usize| u64_at(bytes, at.saturating_add(i / 64 * 8)) >> (i % 64) & 1 == 1;
    (0..count).filter(is_set).collect()
}
