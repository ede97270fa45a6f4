//! Which slot is written next: a decision on numbers, without any I/O.
//!
//! Small arrays are cheap to spread over several slots, and that keeps a slow reader's value alive for longer while a fast writer goes
//! on, so they take turns. Large arrays are best written where the cache and the page tables are warm, and each further slot costs
//! their full size in memory: they take the free slot written last, which makes two slots alternate while nobody holds any.

use crate::slots::{Ahead, MAX_SLOTS, PinMask, SlotIndex};
use std::ops::RangeInclusive;

/// Arrays above this many bytes are large.
const LARGE: usize = 16 * 1024;

/// Slots that small arrays take turns in, to begin with.
const SPREAD: usize = 6;

/// The most bytes that a spread may take, all slots together.
const SPREAD_BYTES: usize = 256 * 1024;

/// A range without any size in it.
#[expect(clippy::reversed_empty_ranges, reason = "empty on purpose")]
const NO_SIZE: RangeInclusive<usize> = 1..=0;

/// Publications after which a file that nobody needed is given up.
const IDLE: u64 = 64;

/// What is known of one slot.
#[derive(Clone, Copy, Debug, Default)]
struct SlotInfo {
    /// Capacity in bytes of its payload file; 0 when it has none that we can write.
    capacity: usize,
    /// Number of the value written there last.
    number: u64,
}

/// The next slot, and what it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// It has room.
    Fits(SlotIndex),
    /// It needs a (larger) payload file first.
    Grow(SlotIndex),
}

impl Choice {
    pub(super) fn slot(self) -> SlotIndex {
        match self {
            Self::Fits(slot) | Self::Grow(slot) => slot,
        }
    }
}

/// The slots as the writer knows them.
#[derive(Debug)]
pub(super) struct Rotation {
    slots: Vec<SlotInfo>,
    /// Slots that small arrays take turns in.
    spread: usize,
    /// The last answer of [`spread_for`](Self::spread_for): bytes, and slots to take turns in.
    spread_of: (usize, usize),
    /// The last answer of [`roomy_for`](Self::roomy_for): the sizes that it is good for, and the slots.
    roomy_of: (RangeInclusive<usize>, u64),
    /// Number of the value since which there have been more files than needed, if there are.
    surplus_since: Option<u64>,
    /// Slots with a payload file, and how many.
    filled: u64,
    files: usize,
    latest: Option<SlotIndex>,
}

impl Rotation {
    pub(super) fn new(slots: usize) -> Self {
        Self {
            slots: vec![SlotInfo::default(); slots.min(MAX_SLOTS)],
            spread: SPREAD,
            spread_of: (0, SPREAD),
            roomy_of: (NO_SIZE, 0),
            surplus_since: None,
            filled: 0,
            files: 0,
            latest: None,
        }
    }

    /// Slots that can be written.
    pub(super) fn slot_count(&self) -> usize {
        self.slots.len()
    }

    /// Notes the capacity of a slot's payload file; `None` when it has none.
    pub(super) fn set_capacity(&mut self, slot: SlotIndex, capacity: Option<usize>) {
        if let Some(info) = self.slots.get_mut(slot.get()) {
            info.capacity = capacity.unwrap_or(0);
            self.roomy_of = (NO_SIZE, 0);
            let bit = slot.bit().to_bits();
            self.filled = if capacity.is_some() { self.filled | bit } else { self.filled & !bit };
            self.files = self.filled.count_ones() as usize;
        }
    }

    /// Notes that `slot` holds the current value.
    #[inline]
    pub(super) fn published(&mut self, slot: SlotIndex, number: u64) {
        self.latest = Some(slot);
        if let Some(info) = self.slots.get_mut(slot.get()) {
            info.number = number;
        }
    }

    /// Readers came too late to pin: small arrays are spread over twice as many slots from now on.
    #[cold]
    pub(super) fn widen(&mut self) {
        self.spread = self.spread.saturating_mul(2).min(self.slots.len());
        self.spread_of = (0, self.spread);
    }

    /// The slot for an array of `bytes`, given the slots that are `pinned`; `None` when none is free.
    #[inline(always)]
    pub(super) fn choose(&mut self, bytes: usize, pinned: PinMask) -> Option<Choice> {
        let free = self.free(pinned);
        let large = bytes > LARGE;
        let fits = if large { self.warmest(free, bytes) } else { self.next_in_turn(free, bytes) };
        match fits {
            Some(slot) if large || self.in_use(pinned) >= self.spread_for(bytes) => Some(Choice::Fits(slot)),
            fits => self.choose_growth(fits, free, pinned),
        }
    }

    /// Slots to be claimed along with the publication of an array of `bytes`: those whose turn is next. No more than half of the free ones, so that a reader that comes late still
    /// finds its value; and none for large arrays, which take turns in too few.
    #[inline]
    pub(super) fn upcoming(&mut self, bytes: usize, pinned: PinMask) -> PinMask {
        if bytes > LARGE {
            return PinMask::EMPTY;
        }
        let mut free = self.free(pinned) & self.roomy_for(bytes);
        let mut upcoming = 0;
        let mut all_later = self.later_than_latest();
        let mut halves = PinMask::from_bits(free).rest();
        for _ in 0..Ahead::MOST {
            if halves == PinMask::EMPTY {
                break;
            }
            halves = halves.rest().rest();
            if free & all_later == 0 {
                all_later = u64::MAX;
            }
            let next = free & all_later;
            let next = next & next.wrapping_neg();
            upcoming |= next;
            free &= !next;
        }
        PinMask::from_bits(upcoming)
    }

    /// The choice when more files are needed, or wanted, than there are.
    #[cold]
    fn choose_growth(&self, fits: Option<SlotIndex>, free: u64, pinned: PinMask) -> Option<Choice> {
        match fits {
            Some(slot) => Some(self.vacant(pinned).map_or(Choice::Fits(slot), Choice::Grow)),
            // A file that was outgrown is replaced before one is added.
            None => self.oldest(free).or_else(|| self.vacant(pinned)).map(Choice::Grow),
        }
    }

    /// A slot whose file has been of no use for a while, if there are more files than arrays of `bytes` need; `newest` is the
    /// number of the current value.
    #[inline]
    pub(super) fn surplus(&mut self, bytes: usize, pinned: PinMask, newest: u64) -> Option<SlotIndex> {
        if self.in_use(pinned) <= self.spread_for(bytes) {
            self.surplus_since = None;
            return None;
        }
        // A reader that goes from one value to the next holds none in between. Small files cost little, and time to make; large ones go as soon as they can.
        let since = *self.surplus_since.get_or_insert(newest);
        if bytes <= LARGE && newest.saturating_sub(since) < IDLE {
            return None;
        }
        let oldest = self.oldest(self.free(pinned))?;
        (newest.saturating_sub(self.number(oldest)) > IDLE).then_some(oldest)
    }

    /// All slots that are neither pinned nor the latest and have a file.
    pub(super) fn idle(&self, pinned: PinMask) -> impl Iterator<Item = SlotIndex> + use<> {
        bits(self.free(pinned))
    }

    #[inline]
    fn free(&self, pinned: PinMask) -> u64 {
        self.filled & !pinned.to_bits() & !self.latest.map_or(0, |slot| slot.bit().to_bits())
    }

    /// How many slots have a file and are not pinned, the latest included.
    #[inline]
    fn in_use(&self, pinned: PinMask) -> usize {
        match self.filled & pinned.to_bits() {
            0 => self.files,
            held => self.files.saturating_sub(held.count_ones() as usize),
        }
    }

    /// Slots that arrays of `bytes` take turns in. Mostly asked for the same size again, and a division takes longer than all the
    /// rest of the choice.
    #[inline]
    fn spread_for(&mut self, bytes: usize) -> usize {
        let (known, spread) = self.spread_of;
        if known == bytes {
            return spread;
        }
        let spread = if bytes > LARGE { 2 } else { self.spread.min(SPREAD_BYTES / bytes.max(1)).max(2) };
        self.spread_of = (bytes, spread);
        spread
    }

    /// The next free slot after the latest that has room: in steady state the one published longest ago.
    #[inline]
    fn next_in_turn(&mut self, free: u64, bytes: usize) -> Option<SlotIndex> {
        let left = free & self.roomy_for(bytes);
        // The lowest after the latest, or from the start.
        let later = left & self.later_than_latest();
        SlotIndex::new(if later != 0 { later } else { left }.trailing_zeros() as usize)
    }

    #[inline]
    fn later_than_latest(&self) -> u64 {
        self.latest.map_or(u64::MAX, |slot| !1 << slot.get())
    }

    /// Slots with room for `bytes`. Mostly the same for a size as for the last one.
    #[inline]
    fn roomy_for(&mut self, bytes: usize) -> u64 {
        if !self.roomy_of.0.contains(&bytes) {
            self.find_roomy(bytes);
        }
        self.roomy_of.1
    }

    #[inline(never)]
    fn find_roomy(&mut self, bytes: usize) {
        let (mut least, mut most, mut roomy) = (0, usize::MAX, 0);
        for (index, info) in self.slots.iter().enumerate() {
            if info.capacity >= bytes {
                roomy |= 1 << index;
                most = most.min(info.capacity);
            } else {
                least = least.max(info.capacity + 1);
            }
        }
        self.roomy_of = (least..=most, roomy);
    }

    fn warmest(&self, free: u64, bytes: usize) -> Option<SlotIndex> {
        bits(free).filter(|&slot| self.has_room(slot, bytes)).max_by_key(|&slot| self.number(slot))
    }

    fn oldest(&self, free: u64) -> Option<SlotIndex> {
        bits(free).min_by_key(|&slot| self.number(slot))
    }

    /// A slot without a file that nobody holds (a dead writer's file may still be pinned there).
    fn vacant(&self, pinned: PinMask) -> Option<SlotIndex> {
        let latest = self.latest.map_or(0, |slot| slot.bit().to_bits());
        let taken = self.filled | pinned.to_bits() | latest;
        bits(!taken).next().filter(|slot| slot.get() < self.slots.len())
    }

    #[inline]
    fn has_room(&self, slot: SlotIndex, bytes: usize) -> bool {
        self.slots.get(slot.get()).is_some_and(|info| info.capacity >= bytes)
    }

    fn number(&self, slot: SlotIndex) -> u64 {
        self.slots.get(slot.get()).map_or(0, |info| info.number)
    }
}

/// The slots whose bits are set, from the lowest.
fn bits(mut mask: u64) -> impl Iterator<Item = SlotIndex> {
    std::iter::from_fn(move || {
        let slot = SlotIndex::new(mask.trailing_zeros() as usize)?;
        mask &= mask - 1;
        Some(slot)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(index: usize) -> SlotIndex {
        SlotIndex::new(index).unwrap()
    }

    fn pins(slots: &[usize]) -> PinMask {
        slots.iter().fold(PinMask::EMPTY, |mask, &s| mask.union(slot(s).bit()))
    }

    /// Writes `count` arrays of `bytes`; returns the slots used.
    fn write(rotation: &mut Rotation, from: u64, count: u64, bytes: usize, pinned: PinMask) -> Vec<usize> {
        (from..from + count)
            .map(|number| {
                let choice = rotation.choose(bytes, pinned).unwrap();
                if let Choice::Grow(slot) = choice {
                    rotation.set_capacity(slot, Some(bytes));
                }
                rotation.published(choice.slot(), number);
                choice.slot().get()
            })
            .collect()
    }

    #[test]
    fn large_arrays_alternate_between_two_slots() {
        let mut rotation = Rotation::new(64);
        assert_eq!(write(&mut rotation, 1, 6, 1 << 20, PinMask::EMPTY), [0, 1, 0, 1, 0, 1]);
    }

    #[test]
    fn small_arrays_take_turns() {
        let mut rotation = Rotation::new(64);
        assert_eq!(write(&mut rotation, 1, 9, 64, PinMask::EMPTY), [0, 1, 2, 3, 4, 5, 0, 1, 2]);
        rotation.widen();
        let used = write(&mut rotation, 10, 48, 64, PinMask::EMPTY);
        assert_eq!(used.iter().max(), Some(&11));
        assert_eq!(used[30..42].iter().collect::<std::collections::HashSet<_>>().len(), 12);
    }

    #[test]
    fn half_of_the_free_slots_are_claimed_ahead() {
        let mut rotation = Rotation::new(64);
        write(&mut rotation, 1, 8, 64, PinMask::EMPTY);
        assert_eq!(rotation.latest, Some(slot(1)));
        assert_eq!(rotation.upcoming(64, PinMask::EMPTY), pins(&[2, 3]));
        assert_eq!(rotation.upcoming(64, pins(&[3, 4])), pins(&[2]));
        assert_eq!(rotation.upcoming(64, pins(&[0, 2, 3, 4])), PinMask::EMPTY);
        assert_eq!(rotation.upcoming(LARGE + 1, PinMask::EMPTY), PinMask::EMPTY);
        (0..5).for_each(|_| rotation.widen());
        write(&mut rotation, 9, 100, 64, PinMask::EMPTY);
        let most = rotation.upcoming(64, PinMask::EMPTY);
        assert_eq!(bits(most.to_bits()).count(), Ahead::MOST);
    }

    #[test]
    fn each_held_value_takes_one_slot_more_and_no_other() {
        let mut rotation = Rotation::new(64);
        write(&mut rotation, 1, 2, 1 << 20, PinMask::EMPTY);
        let used = write(&mut rotation, 3, 5, 1 << 20, pins(&[1]));
        assert_eq!(used, [0, 2, 0, 2, 0]);
    }

    #[test]
    fn two_slots_one_held_leave_none() {
        let mut rotation = Rotation::new(2);
        write(&mut rotation, 1, 2, 64, PinMask::EMPTY);
        assert_eq!(rotation.choose(64, pins(&[0])), None);
        assert_eq!(rotation.choose(64, pins(&[1])), Some(Choice::Fits(slot(0))));
    }

    #[test]
    fn growth_replaces_before_it_adds() {
        let mut rotation = Rotation::new(64);
        write(&mut rotation, 1, 4, 1 << 20, PinMask::EMPTY);
        assert_eq!(rotation.choose(1 << 21, PinMask::EMPTY), Some(Choice::Grow(slot(0))));
    }

    #[test]
    fn what_nobody_needs_any_more_is_surplus_after_a_while() {
        let mut rotation = Rotation::new(64);
        write(&mut rotation, 1, 2, 1 << 20, PinMask::EMPTY);
        write(&mut rotation, 3, 4, 1 << 20, pins(&[0, 1]));
        assert_eq!(rotation.surplus(1 << 20, PinMask::EMPTY, 6), None);
        write(&mut rotation, 7, 80, 1 << 20, PinMask::EMPTY);
        let gone = rotation.surplus(1 << 20, PinMask::EMPTY, 86).unwrap();
        assert!(gone.get() < 2);
    }

    #[test]
    fn a_small_file_stays_while_its_reader_goes_to_the_next_value() {
        let mut rotation = Rotation::new(64);
        write(&mut rotation, 1, 6, 64, PinMask::EMPTY);
        write(&mut rotation, 7, 200, 64, pins(&[1]));
        assert_eq!(rotation.surplus(64, pins(&[1]), 206), None);
        assert_eq!(rotation.surplus(64, PinMask::EMPTY, 207), None, "it has just let go");
        assert_eq!(rotation.surplus(64, pins(&[2]), 208), None);
        assert_eq!(rotation.surplus(64, PinMask::EMPTY, 300), None, "again");
        assert_eq!(rotation.surplus(64, PinMask::EMPTY, 300 + IDLE), Some(slot(1)));
    }
}
