//! Which slot is written next: a decision on numbers, without any I/O.
//!
//! Small arrays are cheap to spread over several slots, and that keeps a slow reader's value alive for longer while a fast writer goes
//! on, so they take turns. Large arrays are best written where the cache and the page tables are warm, and each further slot costs
//! their full size in memory: they take the free slot written last, which makes two slots alternate while nobody holds any.

use crate::slots::{MAX_SLOTS, PinMask, SlotIndex};

/// Arrays above this many bytes are large.
const LARGE: usize = 16 * 1024;

/// Slots that small arrays take turns in, to begin with.
const SPREAD: usize = 4;

/// The most bytes that a spread may take, all slots together.
const SPREAD_BYTES: usize = 256 * 1024;

/// Publications after which a file that nobody needed is given up.
const IDLE: u64 = 64;

/// What is known of one slot.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SlotInfo {
    /// Capacity of its payload file in bytes, if it has one that we can write.
    pub(super) capacity: Option<usize>,
    /// Number of the value written there last.
    pub(super) number: u64,
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
    /// Slots with a payload file.
    filled: u64,
    latest: Option<SlotIndex>,
    /// The last answer of [`spread_for`](Rotation::spread_for): bytes, and slots to take turns in.
    spread_of: (usize, usize),
}

impl Rotation {
    pub(super) fn new(slots: usize) -> Self {
        Self {
            slots: vec![SlotInfo::default(); slots.min(MAX_SLOTS)],
            spread: SPREAD,
            filled: 0,
            latest: None,
            spread_of: (0, SPREAD),
        }
    }

    pub(super) fn capacity(&self, slot: SlotIndex) -> Option<usize> {
        self.slots.get(slot.get()).and_then(|info| info.capacity)
    }

    /// Notes which payload a slot has now.
    pub(super) fn set_capacity(&mut self, slot: SlotIndex, capacity: Option<usize>) {
        if let Some(info) = self.slots.get_mut(slot.get()) {
            info.capacity = capacity;
            let bit = slot.bit().to_bits();
            self.filled = if capacity.is_some() { self.filled | bit } else { self.filled & !bit };
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
    pub(super) fn widen(&mut self) {
        self.spread = self.spread.saturating_mul(2).min(self.slots.len());
        self.spread_of = (0, self.spread);
    }

    /// The slot for an array of `bytes`, given the slots that are `pinned`; `None` when none is free.
    #[inline]
    pub(super) fn choose(&mut self, bytes: usize, pinned: PinMask) -> Option<Choice> {
        let free = self.free(pinned);
        let fits = if bytes > LARGE { self.warmest(free, bytes) } else { self.next_in_turn(free, bytes) };
        let ring = free.count_ones() as usize + usize::from(self.latest.is_some());
        match fits {
            Some(slot) if bytes > LARGE || ring >= self.spread_for(bytes) => Some(Choice::Fits(slot)),
            Some(slot) => Some(self.vacant(pinned).map_or(Choice::Fits(slot), Choice::Grow)),
            None => {
                let outgrown = self.oldest(free);
                outgrown.or_else(|| self.vacant(pinned)).map(Choice::Grow)
            }
        }
    }

    /// A slot whose file has been of no use for a while, if there are more files than arrays of `bytes` need; `newest` is the
    /// number of the current value.
    #[inline]
    pub(super) fn surplus(&mut self, bytes: usize, pinned: PinMask, newest: u64) -> Option<SlotIndex> {
        let free = self.free(pinned);
        let needed = self.spread_for(bytes).saturating_sub(1);
        if free.count_ones() as usize <= needed {
            return None;
        }
        let oldest = self.oldest(free)?;
        let number = self.slots.get(oldest.get())?.number;
        (newest.saturating_sub(number) > IDLE).then_some(oldest)
    }

    /// All slots that are neither pinned nor the latest and have a file.
    pub(super) fn idle(&self, pinned: PinMask) -> impl Iterator<Item = SlotIndex> + use<> {
        bits(self.free(pinned))
    }

    fn free(&self, pinned: PinMask) -> u64 {
        self.filled & !pinned.to_bits() & !self.latest.map_or(0, |slot| slot.bit().to_bits())
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
    fn next_in_turn(&self, free: u64, bytes: usize) -> Option<SlotIndex> {
        let after = self.latest.map_or(0, |slot| slot.get() as u32 + 1) % 64;
        bits(free.rotate_right(after))
            .filter_map(|slot| SlotIndex::new((slot.get() + after as usize) % MAX_SLOTS))
            .find(|&slot| self.has_room(slot, bytes))
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

    fn has_room(&self, slot: SlotIndex, bytes: usize) -> bool {
        self.capacity(slot).is_some_and(|capacity| capacity >= bytes)
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
        assert_eq!(write(&mut rotation, 1, 9, 64, PinMask::EMPTY), [0, 1, 2, 3, 0, 1, 2, 3, 0]);
        rotation.widen();
        let used = write(&mut rotation, 10, 40, 64, PinMask::EMPTY);
        assert_eq!(used.iter().max(), Some(&7));
        assert_eq!(used[30..38].iter().collect::<std::collections::HashSet<_>>().len(), 8);
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
}
