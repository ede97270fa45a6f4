//! The packed words of the lock, as types.

use core::fmt;

/// What the lock word says: the holder, or the group that may share the array.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LockWord(u64);

/// Bits 0..16: index of the holder's entry plus 1; 0 when it is free.
const HOLDER: u64 = 0xffff;
/// A party waits for a holder to go.
///
/// On a free word: it is the turn of such parties, and those that want the array alone hold back.
const WAITED_FOR: u64 = 1 << 16;
/// A holder died or panicked with the array to itself.
const POISONED: u64 = 1 << 17;
/// Sharers change elements atomically; otherwise they look at them.
const ATOMIC: u64 = 1 << 18;
/// The holder is there only to change that, and touches no element.
const SWITCHING: u64 = 1 << 19;

impl LockWord {
    /// The bits that a holder takes away when it goes.
    pub(super) const HELD: u64 = HOLDER | SWITCHING;
    /// The bit that says poisoned.
    pub(super) const POISONED: u64 = POISONED;
    /// The bit that says which of the two groups is admitted.
    pub(super) const GROUP: u64 = ATOMIC;

    /// Any 64 bits are a `LockWord`.
    ///
    /// Whether the holder exists is for the reader of the word to check.
    #[inline]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The word as it is stored.
    #[inline]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// The entry of the holder.
    #[inline]
    pub const fn holder(self) -> Option<usize> {
        #[allow(clippy::cast_possible_truncation, reason = "16 bits")]
        match self.0 & HOLDER {
            0 => None,
            more => Some(more as usize - 1),
        }
    }

    /// Whether a party waits for a holder to go.
    #[inline]
    pub const fn is_waited_for(self) -> bool {
        self.0 & WAITED_FOR != 0
    }

    /// Whether a holder died or panicked with the array to itself.
    #[inline]
    pub const fn is_poisoned(self) -> bool {
        self.0 & POISONED != 0
    }

    /// Whether a party that wants to share the array in this way may come in.
    #[inline]
    pub const fn admits(self, share: Share) -> bool {
        match share {
            Share::View => self.0 & (HOLDER | ATOMIC) == 0,
            Share::Atomic => self.0 & (HOLDER | ATOMIC) == ATOMIC,
            Share::Peek => self.0 & HOLDER == 0,
        }
    }

    /// The same word, held by the owner of entry `index`.
    #[inline]
    pub const fn claimed(self, index: usize, purpose: Purpose) -> Self {
        let switching = match purpose {
            Purpose::Write => 0,
            Purpose::Switch => SWITCHING,
        };
        Self(self.0 & !(HOLDER | SWITCHING | WAITED_FOR) | (index as u64 + 1) & HOLDER | switching)
    }

    /// The same word with a party waiting.
    #[inline]
    pub const fn waited_for(self) -> Self {
        Self(self.0 | WAITED_FOR)
    }

    /// The same word without its dead holder: poisoned if the elements were its to change.
    #[inline]
    pub const fn orphaned(self) -> Self {
        let poison = if self.0 & SWITCHING == 0 { POISONED } else { 0 };
        Self(self.0 & !Self::HELD | poison)
    }
}

impl fmt::Debug for LockWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.holder() {
            None => f.write_str("free")?,
            Some(index) => write!(f, "held by entry {index}")?,
        }
        let bits = [(WAITED_FOR, "waited for"), (POISONED, "poisoned"), (ATOMIC, "atomic"), (SWITCHING, "switching")];
        bits.iter().filter(|(bit, _)| self.0 & bit != 0).try_for_each(|(_, name)| write!(f, ", {name}"))
    }
}

/// How the array is to be shared with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// To look at it through references: no party may change it meanwhile.
    View,
    /// To change elements atomically: no party may look at it through references meanwhile.
    Atomic,
    /// To load elements atomically: goes with either.
    Peek,
}

/// Why a party wants the array alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To change it.
    Write,
    /// To have the other group admitted.
    Switch,
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SHARES: [Share; 3] = [Share::View, Share::Atomic, Share::Peek];

    proptest! {
        #[test]
        fn a_held_word_admits_nobody(bits: u64, index in 0_usize..448) {
            for purpose in [Purpose::Write, Purpose::Switch] {
                let word = LockWord::from_bits(bits).claimed(index, purpose);
                prop_assert_eq!(word.holder(), Some(index));
                prop_assert!(!word.is_waited_for());
                prop_assert!(SHARES.iter().all(|&share| !word.admits(share)));
                prop_assert_eq!(word.waited_for().holder(), Some(index));
                prop_assert!(word.waited_for().is_waited_for());
                let poisoned = LockWord::from_bits(bits).is_poisoned();
                prop_assert_eq!(word.is_poisoned(), poisoned);
                prop_assert_eq!(word.orphaned().holder(), None);
                prop_assert_eq!(word.orphaned().is_poisoned(), poisoned || purpose == Purpose::Write);
            }
        }

        #[test]
        fn a_free_word_admits_one_group(bits: u64) {
            let word = LockWord::from_bits(bits & !LockWord::HELD);
            prop_assert!(word.admits(Share::Peek));
            prop_assert!(word.admits(Share::View) != word.admits(Share::Atomic));
        }
    }

    #[test]
    fn words_print_what_they_say() {
        let word = LockWord::from_bits(0).claimed(3, Purpose::Switch).waited_for();
        assert_eq!(format!("{word:?}"), "held by entry 3, waited for, switching");
        assert_eq!(format!("{:?}", LockWord::from_bits(0)), "free");
    }
}
