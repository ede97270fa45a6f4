//! The packed words of the protocol, as types.

use core::fmt;

/// Slots a channel can have: one bit each in a 64-bit pin mask.
pub const MAX_SLOTS: usize = 64;

const SLOT_BITS: u32 = 6;
const SLOT_MASK: u64 = (1 << SLOT_BITS) - 1;

/// The largest sequence number that fits beside a slot index.
///
/// At ten nanoseconds a value it lasts 91 years.
pub const MAX_NUMBER: u64 = u64::MAX >> SLOT_BITS;

/// The index of a slot, always below [`MAX_SLOTS`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SlotIndex(u8);

impl SlotIndex {
    /// `None` when `index` is not below [`MAX_SLOTS`].
    #[inline]
    pub const fn new(index: usize) -> Option<Self> {
        if index < MAX_SLOTS {
            #[allow(clippy::cast_possible_truncation, reason = "below 64")]
            Some(Self(index as u8))
        } else {
            None
        }
    }

    /// The index as a number, always below [`MAX_SLOTS`].
    #[inline]
    pub const fn get(self) -> usize {
        self.0 as usize
    }

    /// The mask that holds this slot alone.
    #[inline]
    pub const fn bit(self) -> PinMask {
        PinMask(1 << self.0)
    }
}

impl fmt::Debug for SlotIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "slot {}", self.0)
    }
}

/// What the board's `latest` word says: the current sequence number and its slot.
///
/// Numbers start at 1, so the word 0 means that nothing has been published yet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Latest(u64);

impl Latest {
    /// Nothing has been published yet.
    pub const NONE: Self = Self(0);

    /// Packs `number`, which must not exceed [`MAX_NUMBER`], with `slot`.
    #[inline]
    pub const fn new(number: u64, slot: SlotIndex) -> Self {
        debug_assert!(number <= MAX_NUMBER);
        Self(number << SLOT_BITS | slot.0 as u64)
    }

    /// Any 64 bits are a `Latest`.
    ///
    /// Whether the slot exists is for the reader of the word to check.
    #[inline]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The word as it is stored.
    #[inline]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// `true` before the first publication.
    #[inline]
    pub const fn is_none(self) -> bool {
        self.number() == 0
    }

    /// The number of the current value; 0 when there is none.
    #[inline]
    pub const fn number(self) -> u64 {
        self.0 >> SLOT_BITS
    }

    /// The slot of the current value.
    #[inline]
    pub const fn slot(self) -> SlotIndex {
        SlotIndex((self.0 & SLOT_MASK) as u8)
    }
}

impl fmt::Debug for Latest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_none() {
            f.write_str("nothing published")
        } else {
            write!(f, "number {} in {:?}", self.number(), self.slot())
        }
    }
}

/// A set of slots: bit `s` says that a reader holds slot `s`.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct PinMask(u64);

impl PinMask {
    /// No slot.
    pub const EMPTY: Self = Self(0);

    /// Any 64 bits are a set of slots.
    #[inline]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The word as it is stored.
    #[inline]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// Whether `slot` is in the set.
    #[inline]
    pub const fn contains(self, slot: SlotIndex) -> bool {
        self.0 & slot.bit().0 != 0
    }

    /// The lowest slot in the set.
    #[inline]
    pub const fn first(self) -> Option<SlotIndex> {
        SlotIndex::new(self.0.trailing_zeros() as usize)
    }

    /// The set without its lowest slot.
    #[inline]
    pub const fn rest(self) -> Self {
        Self(self.0 & self.0.wrapping_sub(1))
    }

    /// The slots of both sets.
    #[inline]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The slots of this set that are not in the other.
    #[inline]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl fmt::Debug for PinMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries((0..MAX_SLOTS).filter(|s| self.0 >> s & 1 == 1)).finish()
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn latest_packs_and_unpacks(number in 0..=MAX_NUMBER, slot in 0..MAX_SLOTS) {
            let slot = SlotIndex::new(slot).unwrap();
            let word = Latest::new(number, slot);
            prop_assert_eq!(word.number(), number);
            prop_assert_eq!(word.slot(), slot);
            prop_assert_eq!(Latest::from_bits(word.to_bits()), word);
        }

        #[test]
        fn later_numbers_make_larger_words(number in 1..MAX_NUMBER, a in 0..MAX_SLOTS, b in 0..MAX_SLOTS) {
            let earlier = Latest::new(number, SlotIndex::new(a).unwrap());
            let later = Latest::new(number + 1, SlotIndex::new(b).unwrap());
            prop_assert!(earlier.to_bits() < later.to_bits());
        }
    }

    #[test]
    fn a_slot_index_is_below_64() {
        assert!(SlotIndex::new(63).is_some());
        assert!(SlotIndex::new(64).is_none());
    }

    #[test]
    fn masks_print_their_slots() {
        let mask = SlotIndex::new(0).unwrap().bit().union(SlotIndex::new(63).unwrap().bit());
        assert_eq!(format!("{mask:?}"), "{0, 63}");
    }
}
