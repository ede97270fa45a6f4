//! Older values: by which cell they are found, and how they are pinned.
//!
//! A value's *cell* is a word of the slot `number mod slots`. It holds number × 64 + slot, and so
//! leads from the number to wherever the value is. The writer stores it after the slot's `seq` and
//! before `latest` names the number.
//!
//! A reader loads `latest` first and asks for no number above it. What the cell says is a hint that
//! the pin's look at `seq` decides: a slot is claimed in the same way whether its value is current
//! or older. So nothing depends on a cell that is stale.
//!
//! # What a cell can say
//!
//! | it holds | meaning |
//! |---|---|
//! | the number asked for | the value is in that slot, or has gone since |
//! | another number of the same residue, or 0 | the value has gone, or its writer kept no cells |
//! | anything else | damage |
//!
//! A cell's number is above `latest` at most by one, while its writer is between the two stores or
//! has died there. A cell is stored with Release and loaded with Acquire, so a reader that finds a
//! number also finds the `latest` of the number before it.
//!
//! # Numbers that are used again
//!
//! A killed writer may leave number N in a `seq` and in its cell, unnamed by `latest`. The next
//! writer gives N to another value. [`WriterSide::forget_unnamed`] has set that `seq` to 0 before,
//! and no claim gives it back. So no slot has the number N but the one that its cell leads to; and
//! where that writer keeps no cells, the old cell leads to a slot that does not have it.

use super::{CellWord, Latest, PinAttempt, Pins, ReaderSide, SlotSeq, WriterSide};
use crate::failpoint::fail_point;
use crate::sync::{Ordering, load_seqcst, store_seqcst};

impl CellWord {
    /// What the cell says; any bits are a [`Latest`].
    #[inline]
    pub fn load(&self) -> Latest {
        // Acquire: pairs with the store in `WriterSide::publish_kept`. What was published before
        // that value is in sight.
        Latest::from_bits(self.0.load(Ordering::Acquire))
    }
}

/// What a number's cell says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The value is there, unless it has gone since.
    At(Latest),
    /// It has gone, or was never kept.
    Gone,
    /// No writer of this protocol leaves what the cell holds.
    Damaged {
        /// Index of the slot that has the cell.
        cell: usize,
        /// What the cell holds.
        holds: Latest,
    },
}

/// Whether a writer can have left `holds` in a cell of a board with so many slots.
///
/// `newest` is a number of `latest` that was loaded after the cell.
pub fn is_sound(holds: Latest, cell: usize, slots: usize, newest: u64) -> bool {
    holds.to_bits() == 0
        || holds.number().checked_rem(slots as u64) == Some(cell as u64)
            && holds.number() <= newest.saturating_add(1)
            && holds.slot().get() < slots
}

/// How an attempt to pin an older value ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OlderPin {
    /// The slot is held, as by [`PinAttempt::Pinned`].
    Pinned,
    /// The value has gone.
    Gone,
    /// The slot has a number that its writer cannot have left.
    Broken,
}

impl<S: AsRef<SlotSeq> + AsRef<CellWord>> ReaderSide<'_, S> {
    /// Looks where value `number` is, which is not above the number of `latest`.
    #[inline]
    pub fn find(&self, number: u64, latest: Latest) -> Found {
        if number == latest.number() {
            return Found::At(latest);
        }
        let Some(residue) = number.checked_rem(self.count as u64) else { return Found::Gone };
        #[allow(clippy::cast_possible_truncation, reason = "below the number of slots")]
        let cell = residue as usize;
        let Some(word) = self.slots.get(cell).map(AsRef::<CellWord>::as_ref) else { return Found::Gone };
        let holds = word.load();
        if holds.number() == number && holds.slot().get() < self.slots.len() {
            return Found::At(holds);
        }
        if holds.to_bits() == 0 {
            return Found::Gone;
        }
        // Loaded after the cell, which was stored after the `latest` of the number before.
        let newest = self.latest().number();
        if is_sound(holds, cell, self.count, newest) { Found::Gone } else { Found::Damaged { cell, holds } }
    }

    /// The numbers above `number` whose values may stand, up to that of `latest`.
    ///
    /// No more than there are slots, however large the gap.
    #[inline]
    pub fn candidates(&self, number: u64, latest: Latest) -> core::ops::RangeInclusive<u64> {
        let most = self.count as u64;
        let least = latest.number().saturating_sub(most.saturating_sub(1));
        number.saturating_add(1).max(least).max(1)..=latest.number()
    }

    /// The number of the oldest value that stands; that of `latest` at most.
    pub fn oldest(&self, latest: Latest) -> u64 {
        let stands = |number: &u64| matches!(self.find(*number, latest), Found::At(at) if self.stamped(at));
        self.candidates(0, latest).find(stands).unwrap_or(latest.number())
    }

    /// Tries to hold the value that a cell led to, through the reader's own `pins`.
    ///
    /// It is not the current one: that is for [`try_pin`](Self::try_pin).
    #[inline]
    pub fn try_pin_older(&self, pins: &Pins, at: Latest) -> OlderPin {
        let Some(seq) = self.slots.get(at.slot().get()).map(AsRef::<SlotSeq>::as_ref) else {
            return OlderPin::Broken;
        };
        fail_point!("older.chosen");
        // SeqCst, both: as in `try_pin`.
        store_seqcst(&pins.borrowed, at.slot().bit().to_bits());
        fail_point!("older.announced");
        let found = load_seqcst(&seq.0);
        if found == at.number() {
            fail_point!("older.held");
            return OlderPin::Pinned;
        }
        self.unpin(pins);
        fail_point!("older.missed");
        // An older slot may be claimed at any time, so 0 says nothing of `latest`. A smaller number
        // was there before this one: the cell, stored after this one, has shown it.
        if found == 0 || found > at.number() { OlderPin::Gone } else { OlderPin::Broken }
    }

    /// As [`latest`](Self::latest), for a reader that has just registered.
    pub fn latest_registered(&self) -> Latest {
        // SeqCst: load half of the handshake with the `latest` store of `WriterSide::publish` and
        // the fence that comes before the look of `WriterSide::floor`; the store half of this side
        // is `Members::add`.
        Latest::from_bits(load_seqcst(&self.latest.0))
    }
}

impl From<PinAttempt> for OlderPin {
    /// For the current value, where an attempt that was missed says what is current now.
    fn from(attempt: PinAttempt) -> Self {
        match attempt {
            PinAttempt::Pinned => Self::Pinned,
            PinAttempt::Missed(_) => Self::Gone,
            PinAttempt::Broken => Self::Broken,
        }
    }
}

impl<S: AsRef<SlotSeq> + AsRef<CellWord>, E> WriterSide<'_, S, E> {
    /// Stores the cell of the value that `at` names: one that is about to be current, or is.
    ///
    /// A writer that keeps values does so too for the current value that it finds, as the writer
    /// before may have kept no cells.
    #[inline]
    pub fn set_cell(&self, at: Latest) {
        if let Some(word) = at.number().checked_rem(self.slots.len() as u64).and_then(|cell| {
            #[allow(clippy::cast_possible_truncation, reason = "below the number of slots")]
            self.slots.get(cell as usize)
        }) {
            // Release: after `seq`, for readers that come to the slot this way; and after the
            // `latest` of the number before. Pairs with `CellWord::load`.
            AsRef::<CellWord>::as_ref(word).0.store(at.to_bits(), Ordering::Release);
        }
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;
    use crate::channel::{LatestWord, SlotIndex};
    use proptest::prelude::*;

    #[derive(Default)]
    struct Slot {
        seq: SlotSeq,
        cell: CellWord,
    }

    impl AsRef<SlotSeq> for Slot {
        fn as_ref(&self) -> &SlotSeq {
            &self.seq
        }
    }

    impl AsRef<CellWord> for Slot {
        fn as_ref(&self) -> &CellWord {
            &self.cell
        }
    }

    fn at(number: u64, slot: usize) -> Latest {
        Latest::new(number, SlotIndex::new(slot).unwrap())
    }

    proptest! {
        /// Whatever cells hold, a look takes as many steps as there are slots, and says one of
        /// three.
        #[test]
        fn any_words_have_an_answer(words in prop::collection::vec((any::<u64>(), any::<u64>()), 0..6), latest: u64, from: u64) {
            let slots: Vec<Slot> = words.iter().map(|&(seq, cell)| {
                let slot = Slot::default();
                slot.seq.0.store(seq, Ordering::Relaxed);
                slot.cell.0.store(cell, Ordering::Relaxed);
                slot
            }).collect();
            let word = LatestWord::default();
            let latest = Latest::from_bits(latest);
            word.0.store(latest.to_bits(), Ordering::Relaxed);
            let side = ReaderSide { latest: &word, slots: &slots, count: slots.len() };
            prop_assert!(side.candidates(from >> 6, latest).count() <= slots.len().max(1));
            prop_assert!(side.oldest(latest) <= latest.number());
            for number in side.candidates(from >> 6, latest) {
                if let Found::At(found) = side.find(number, latest) {
                    prop_assert_eq!(found.number(), number);
                }
            }
        }
    }

    #[test]
    fn a_cell_is_sound_or_damaged() {
        let slots: [Slot; 4] = Default::default();
        let word = LatestWord::default();
        let latest = at(9, 0);
        word.0.store(latest.to_bits(), Ordering::Relaxed);
        let side = ReaderSide { latest: &word, slots: &slots, count: slots.len() };
        let find = |holds: Latest| {
            slots[2].cell.0.store(holds.to_bits(), Ordering::Relaxed);
            side.find(6, latest)
        };
        assert_eq!(find(Latest::NONE), Found::Gone);
        assert_eq!(find(at(6, 3)), Found::At(at(6, 3)));
        assert_eq!(find(at(2, 3)), Found::Gone);
        assert_eq!(find(at(10, 3)), Found::Gone, "its writer is about to name it");
        for damaged in [at(14, 3), at(7, 3), at(6, 4), at(2, 5)] {
            assert_eq!(find(damaged), Found::Damaged { cell: 2, holds: damaged });
        }
        assert_eq!(side.find(9, latest), Found::At(latest), "whatever its cell holds");
    }

    #[test]
    fn no_more_than_the_slots_are_looked_at() {
        let slots: [Slot; 4] = Default::default();
        let word = LatestWord::default();
        let side = ReaderSide { latest: &word, slots: &slots, count: slots.len() };
        assert_eq!(side.candidates(3, at(5, 0)), 4..=5);
        assert_eq!(side.candidates(3, at(500, 0)), 497..=500);
        assert_eq!(side.candidates(0, at(2, 0)), 1..=2);
        assert!(side.candidates(5, at(5, 0)).is_empty());
        assert!(side.candidates(0, Latest::NONE).is_empty());
    }
}
