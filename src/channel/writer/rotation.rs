//! Which slot is written next: a decision on numbers, without any I/O.
//!
//! Small arrays are cheap to spread over several slots, and that keeps a slow reader's value alive
//! for longer while a fast writer goes on. So they take turns. Large arrays are best written where
//! the cache and the page tables are warm, and each further slot costs their full size in memory.
//! They take the free slot written last, which makes two slots alternate while no reader holds any.

use super::demand::{Demand, SizeClass, is_past};
use ndsharray_protocol::channel::{MAX_SLOTS, PerSlot, PinMask, Preclaimed, SlotIndex};
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

/// Publications between two searches for files that are no longer of use.
const SURVEY_EVERY: u64 = 16;

/// Files given up in one publication, at most: each takes microseconds.
const GONE_AT_ONCE: usize = 8;

/// Files of small arrays that may stay beyond those that take turns.
///
/// A reader that goes from one value to the next holds none in between, and a file costs more to
/// make than to keep.
const SPARE: usize = 2;

/// Publications without optional files, after one could not be made.
const NO_LUXURY: u64 = 512;

/// A range of sizes whose arrays take turns in as many slots.
///
/// Those of a class, but small and large ones apart.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    first: usize,
    /// Of the last one from the first.
    distance: usize,
}

impl Sizes {
    /// Those that `bytes` belongs to.
    fn around(bytes: usize) -> Self {
        let sizes = SizeClass::of(bytes).sizes();
        let (first, last) = if bytes > LARGE {
            (*sizes.start().max(&(LARGE + 1)), *sizes.end())
        } else {
            (*sizes.start(), *sizes.end().min(&LARGE))
        };
        Self { first, distance: last - first }
    }

    #[inline]
    fn contains(self, bytes: usize) -> bool {
        bytes.wrapping_sub(self.first) <= self.distance
    }

    fn last(self) -> usize {
        self.first + self.distance
    }
}

/// What is known of one slot.
#[derive(Clone, Copy, Debug, Default)]
struct SlotInfo {
    /// Capacity of its payload file in bytes; 0 without one that we can write.
    capacity: usize,
    /// Number of the value written there last.
    number: u64,
}

/// The next slot, and what it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// It has room.
    Fits(SlotIndex),
    /// It needs a new or larger payload file first: no other slot has room.
    Grow(SlotIndex),
    /// It may get its first payload file, although others have room.
    ///
    /// Small arrays then take turns in more slots.
    Spread(SlotIndex),
}

impl Choice {
    pub(super) fn slot(self) -> SlotIndex {
        match self {
            Self::Fits(slot) | Self::Grow(slot) | Self::Spread(slot) => slot,
        }
    }
}

/// The slots as the writer knows them.
#[derive(Debug)]
pub(super) struct Rotation {
    slots: PerSlot<SlotInfo>,
    /// Slots that can be written: those with lower indices.
    slot_count: usize,
    /// Slots that small arrays take turns in.
    spread: usize,
    /// The last answer of [`spread_for`](Self::spread_for): its range of sizes, and their number of
    /// slots.
    spread_of: (Sizes, usize),
    /// The last answer of [`roomy_for`](Self::roomy_for): its range of sizes, and the slots.
    roomy_of: (RangeInclusive<usize>, u64),
    demand: Demand,
    /// Number of the value at which to look for files of no use.
    survey_at: u64,
    /// Number of the value from which on optional files are made.
    spread_from: u64,
    /// Slots with a payload file, their number, their smallest and largest capacity.
    filled: u64,
    files: usize,
    smallest: usize,
    largest: usize,
    /// The bit of the current value's slot; 0 before the first.
    latest: u64,
    history: History,
}

impl Rotation {
    /// For a writer that keeps `history` values, the current one included.
    pub(super) fn new(slots: usize, history: usize) -> Self {
        Self {
            history: History::new(history),
            slots: PerSlot::default(),
            slot_count: slots.min(MAX_SLOTS),
            spread: SPREAD,
            spread_of: (Sizes::around(0), SPREAD),
            roomy_of: (NO_SIZE, 0),
            demand: Demand::new(),
            survey_at: 0,
            spread_from: 0,
            filled: 0,
            files: 0,
            smallest: 0,
            largest: 0,
            latest: 0,
        }
    }

    /// Slots that can be written.
    pub(super) fn slot_count(&self) -> usize {
        self.slot_count
    }

    /// Notes the capacity of a slot's payload file; `None` when it has none.
    pub(super) fn set_capacity(&mut self, slot: SlotIndex, capacity: Option<usize>) {
        self.slots[slot].capacity = capacity.unwrap_or(0);
        self.roomy_of = (NO_SIZE, 0);
        let bit = slot.bit().to_bits();
        self.filled = if capacity.is_some() { self.filled | bit } else { self.filled & !bit };
        self.files = self.filled.count_ones() as usize;
        let capacities = || bits(self.filled).map(|slot| self.capacity(slot));
        (self.smallest, self.largest) = (capacities().min().unwrap_or(0), capacities().max().unwrap_or(0));
    }

    /// Notes that `slot` holds the current value.
    #[inline]
    pub(super) fn published(&mut self, slot: SlotIndex, number: u64) {
        self.latest = slot.bit().to_bits();
        self.slots[slot].number = number;
    }

    /// Notes that `slot`, which has been [published](Self::published), belongs to the history.
    #[inline]
    pub(super) fn keep(&mut self, slot: SlotIndex, number: u64) {
        self.history.push(slot, number, &self.slots);
    }

    /// The slots of the history without that of the current value.
    #[inline]
    pub(super) fn history(&self) -> PinMask {
        PinMask::from_bits(self.history.slots & !self.latest)
    }

    /// Slots with numbers above `floor`.
    pub(super) fn above(&self, floor: u64) -> PinMask {
        let slots = self.slots.iter().enumerate().take(self.slot_count);
        PinMask::from_bits(slots.filter(|(_, info)| info.number > floor).fold(0, |mask, (slot, _)| mask | 1 << slot))
    }

    /// As [`choose`](Self::choose), but for the oldest values of the history where no other will
    /// do.
    pub(super) fn choose_kept(&mut self, bytes: usize, held: PinMask) -> Option<Choice> {
        let mut history = self.history().without(held);
        loop {
            let choice = self.choose(bytes, held.union(history));
            let will_do = match choice {
                Some(Choice::Fits(_)) => true,
                Some(Choice::Grow(_) | Choice::Spread(_)) => self.newest() >= self.spread_from,
                None => false,
            };
            match self.oldest(history.to_bits()) {
                Some(oldest) if !will_do => history = history.without(oldest.bit()),
                _ => return choice,
            }
        }
    }

    /// Whether older values could go before memory is short for a new file.
    pub(super) fn has_history_to_spare(&self) -> bool {
        self.history() != PinMask::EMPTY && self.newest() >= self.spread_from
    }

    /// Whether small arrays take turns in as few slots as to begin with.
    #[inline]
    pub(super) fn is_narrow(&self) -> bool {
        self.spread <= SPREAD && self.spread < self.slot_count
    }

    /// Doubles the slots that small arrays take turns in.
    ///
    /// Readers came too late to pin. Or there are so many that a look at all of them is dear: with
    /// more slots, more are claimed at each look.
    #[cold]
    pub(super) fn widen(&mut self) {
        self.spread = self.spread.saturating_mul(2).min(self.slot_count);
        let (sizes, _) = self.spread_of;
        self.spread_of = (sizes, self.turns(sizes));
    }

    /// The slot for an array of `bytes`, given the slots that are `pinned`.
    ///
    /// `None` when none is free.
    #[inline(always)]
    pub(super) fn choose(&mut self, bytes: usize, pinned: PinMask) -> Option<Choice> {
        let free = self.free(pinned);
        let large = bytes > LARGE;
        let fits = if large { self.warmest(free, bytes) } else { self.next_in_turn(free, bytes) };
        match fits {
            // Called for large ones too, which notes their size.
            Some(slot) if self.spread_for(bytes) <= self.in_use(pinned) || large => Some(Choice::Fits(slot)),
            fits => self.choose_growth(fits, free, pinned),
        }
    }

    /// Stops making optional files for a while: one could not be made.
    #[cold]
    pub(super) fn make_do(&mut self) {
        self.spread_from = self.newest().saturating_add(NO_LUXURY);
    }

    /// Slots to claim with the publication of an array of `bytes`: those next in turn.
    ///
    /// No more than half of the free ones, so that a reader that comes late still finds its value.
    /// None for large arrays, which take turns in too few.
    #[inline]
    pub(super) fn upcoming(&mut self, bytes: usize, pinned: PinMask) -> PinMask {
        if bytes > LARGE {
            return PinMask::EMPTY;
        }
        let mut free = self.free(pinned) & self.roomy_for(bytes);
        let mut upcoming = 0;
        let mut all_later = self.later_than_latest();
        let mut halves = PinMask::from_bits(free).rest();
        for _ in 0..Preclaimed::MAX {
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
            Some(slot) if self.newest() < self.spread_from => Some(Choice::Fits(slot)),
            Some(slot) => Some(self.vacant(pinned).map_or(Choice::Fits(slot), Choice::Spread)),
            // A file that was outgrown is replaced before one is added.
            None => self.oldest(free).or_else(|| self.vacant(pinned)).map(Choice::Grow),
        }
    }

    /// Whether to look for [surplus](Self::surplus) files after the value `newest`.
    #[inline]
    pub(super) fn is_survey_due(&self, newest: u64) -> bool {
        newest >= self.survey_at
    }

    /// Slots whose files are of no use to recent sizes, the largest first.
    ///
    /// No more than are to go at once.
    ///
    /// Each size in demand keeps as many files as its arrays take turns in, those written last, and
    /// one more for each that readers usually hold. A file that serves a large size serves the
    /// smaller ones too, but one that is many times too large for all of them goes. So 64 arrays of
    /// one size, none of them held, leave no more than those files and two spare ones:
    /// [`MEMORY`](super::demand) and [`SURVEY_EVERY`] publications until the survey, and eight for
    /// 62 files.
    #[inline(never)]
    pub(super) fn surplus(&mut self, bytes: usize, pinned: PinMask, newest: u64) -> PinMask {
        self.survey_at = newest.saturating_add(SURVEY_EVERY);
        let (_, spread) = self.spread_of;
        self.demand.ask(bytes, newest);
        let class = SizeClass::of(bytes);
        // The usual case: one size, and all files are of use to it.
        if self.demand.is_all(class)
            && self.files <= spread + spare(class)
            && self.smallest >= bytes
            && self.largest <= *class.capacities().end()
        {
            return PinMask::EMPTY;
        }
        let kept = self.files_of_use(pinned, newest, bytes, spread);
        let mut gone = self.free(pinned) & !kept;
        let current_is_kept = self.latest & !(kept | pinned.to_bits()) == 0;
        let mut going = 0_u64;
        for _ in 0..GONE_AT_ONCE {
            let Some(slot) = bits(gone).max_by_key(|&slot| self.capacity(slot)) else { break };
            going |= slot.bit().to_bits();
            gone &= !slot.bit().to_bits();
        }
        if gone != 0 || !current_is_kept {
            // What could not go yet goes with the next value.
            self.survey_at = newest.saturating_add(1);
        }
        PinMask::from_bits(going)
    }

    /// The slots whose files are of use to recent sizes; see [`surplus`](Self::surplus).
    #[cold]
    fn files_of_use(&mut self, pinned: PinMask, newest: u64, bytes: usize, spread: usize) -> u64 {
        let held = (self.filled & pinned.to_bits()).count_ones() as usize;
        self.demand.hold(held, newest);
        self.demand.forget(newest);
        let usually_held = self.demand.held().saturating_sub(held);
        let alone = self.demand.is_all(SizeClass::of(bytes));
        // A file too small for the current size, to which no other size has been written for a
        // while, only stands in the way of a file with room.
        let horizon = if alone { 0 } else { 2 * self.files as u64 };
        let mut left = bits(self.filled & !pinned.to_bits())
            .filter(|&slot| {
                let idle = newest.saturating_sub(self.number(slot)).saturating_sub(horizon);
                self.has_room(slot, bytes) || !is_past(0, idle)
            })
            .fold(0, |set, slot| set | slot.bit().to_bits());
        let mut kept = 0_u64;
        for class in self.demand.classes() {
            let spread = if alone { spread } else { self.turns(Sizes::around(class.least())) };
            let wanted = spread + usually_held.max(spare(class));
            let capacities = class.capacities();
            while (kept.count_ones() as usize) < wanted {
                let of_use = |slot: &SlotIndex| capacities.contains(&self.capacity(*slot));
                let Some(slot) = bits(left).filter(of_use).max_by_key(|&slot| self.number(slot)) else { break };
                kept |= slot.bit().to_bits();
                left &= !slot.bit().to_bits();
            }
        }
        kept
    }

    /// Slots whose files could go to make room for `slot`, with their capacities.
    ///
    /// The file of `slot` itself comes first, which would be replaced anyway. Then those that are
    /// neither pinned nor the latest, the largest first.
    pub(super) fn could_go(&self, slot: SlotIndex, pinned: PinMask) -> Vec<(SlotIndex, usize)> {
        let mut could: Vec<_> = bits(self.free(pinned) | (self.filled & slot.bit().to_bits())).collect();
        // Of the history the oldest goes first, after all else.
        let age = |other| if self.history().contains(other) { self.number(other) } else { 0 };
        could.sort_by_key(|&other| (other != slot, age(other), std::cmp::Reverse(self.capacity(other))));
        could.into_iter().map(|slot| (slot, self.capacity(slot))).collect()
    }

    /// All slots that are neither pinned nor the latest and have a file.
    pub(super) fn idle(&self, pinned: PinMask) -> impl Iterator<Item = SlotIndex> + use<> {
        bits(self.free(pinned))
    }

    #[inline]
    fn free(&self, pinned: PinMask) -> u64 {
        self.filled & !pinned.to_bits() & !self.latest
    }

    /// How many slots have a file and are not pinned, the latest included.
    #[inline]
    fn in_use(&mut self, pinned: PinMask) -> usize {
        match self.filled & pinned.to_bits() {
            0 => self.files,
            held => {
                let held = held.count_ones() as usize;
                if held >= self.demand.held() {
                    self.note_hold(held);
                }
                self.files.saturating_sub(held)
            }
        }
    }

    #[inline(never)]
    fn note_hold(&mut self, files: usize) {
        self.demand.hold(files, self.newest());
    }

    /// Slots that arrays of `bytes` take turns in. Mostly asked for a size like the one before.
    #[inline]
    fn spread_for(&mut self, bytes: usize) -> usize {
        let (sizes, spread) = self.spread_of;
        if sizes.contains(bytes) { spread } else { self.spread_anew(bytes) }
    }

    #[inline(never)]
    fn spread_anew(&mut self, bytes: usize) -> usize {
        let (before, _) = self.spread_of;
        if self.latest != 0 {
            self.demand.ask(before.first, self.newest());
        }
        let sizes = Sizes::around(bytes);
        let spread = self.turns(sizes);
        self.spread_of = (sizes, spread);
        spread
    }

    /// Slots that arrays of these sizes take turns in.
    fn turns(&self, sizes: Sizes) -> usize {
        if sizes.first > LARGE { 2 } else { self.spread.min(SPREAD_BYTES / sizes.last()).max(2) }
    }

    /// The next free slot after the latest that has room.
    ///
    /// In steady state that is the one published longest ago.
    #[inline]
    fn next_in_turn(&mut self, free: u64, bytes: usize) -> Option<SlotIndex> {
        let left = free & self.roomy_for(bytes);
        // The lowest after the latest, or from the start.
        let later = left & self.later_than_latest();
        SlotIndex::new(if later != 0 { later } else { left }.trailing_zeros() as usize)
    }

    #[inline]
    fn later_than_latest(&self) -> u64 {
        // All bits above the lowest, which is none before the first value.
        !(self.latest | self.latest.wrapping_sub(1))
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
        for (index, info) in self.slots.iter().enumerate().take(self.slot_count) {
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

    /// A slot without a file that no reader holds.
    ///
    /// A dead writer's file may still be pinned there.
    fn vacant(&self, pinned: PinMask) -> Option<SlotIndex> {
        let taken = self.filled | pinned.to_bits() | self.latest;
        bits(!taken).next().filter(|slot| slot.get() < self.slot_count)
    }

    #[inline]
    fn has_room(&self, slot: SlotIndex, bytes: usize) -> bool {
        self.capacity(slot) >= bytes
    }

    fn capacity(&self, slot: SlotIndex) -> usize {
        self.slots[slot].capacity
    }

    /// Number of the current value.
    #[inline]
    fn newest(&self) -> u64 {
        bits(self.latest).next().map_or(0, |slot| self.number(slot))
    }

    #[inline]
    fn number(&self, slot: SlotIndex) -> u64 {
        self.slots[slot].number
    }
}

/// The slots of the last values.
#[derive(Debug)]
struct History {
    /// How many there are to be, the current one included.
    values: u64,
    /// The last values' slots and numbers, by how many came before each, modulo [`MAX_SLOTS`].
    ///
    /// Not by their numbers, which may have gaps.
    last: PerSlot<Option<(SlotIndex, u64)>>,
    /// How many values there have been.
    count: u64,
    slots: u64,
}

impl History {
    fn new(values: usize) -> Self {
        Self { values: values as u64, last: PerSlot::default(), count: 0, slots: 0 }
    }

    fn push(&mut self, slot: SlotIndex, number: u64, info: &PerSlot<SlotInfo>) {
        self.slots |= slot.bit().to_bits();
        if let Some(place) = place_of(self.count) {
            self.last[place] = Some((slot, number));
        }
        let past = self.count.wrapping_sub(self.values);
        self.count = self.count.wrapping_add(1);
        // Its slot may have another value by now.
        if let Some((slot, number)) = place_of(past).and_then(|place| self.last[place])
            && info[slot].number == number
        {
            self.slots &= !slot.bit().to_bits();
        }
    }
}

fn place_of(count: u64) -> Option<SlotIndex> {
    #[allow(clippy::cast_possible_truncation, reason = "a remainder of 64")]
    SlotIndex::new((count % MAX_SLOTS as u64) as usize)
}

/// Files of arrays of this class that may stay beyond those that take turns.
fn spare(class: SizeClass) -> usize {
    if class.least() > LARGE { 0 } else { SPARE }
}

/// The slots whose bits are set, from the lowest.
pub(super) fn bits(mut mask: u64) -> impl Iterator<Item = SlotIndex> {
    std::iter::from_fn(move || {
        let slot = SlotIndex::new(mask.trailing_zeros() as usize)?;
        mask &= mask - 1;
        Some(slot)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection;
    use proptest::prelude::*;

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
                if let Choice::Grow(slot) | Choice::Spread(slot) = choice {
                    rotation.set_capacity(slot, Some(bytes));
                }
                rotation.published(choice.slot(), number);
                choice.slot().get()
            })
            .collect()
    }

    proptest! {
        #[test]
        fn sizes_lie_around_what_they_are_made_from(bytes in any::<usize>(), shift in 0_u32..usize::BITS, off in 0_usize..3) {
            for bytes in [bytes >> shift, (1 << shift) - off.min(1 << shift), LARGE - 1 + off, 1022 + off] {
                let sizes = Sizes::around(bytes);
                prop_assert!(sizes.contains(bytes) && sizes.contains(sizes.last()));
                prop_assert!(!sizes.contains(sizes.first.wrapping_sub(1)) && !sizes.contains(sizes.last().wrapping_add(1)));
                prop_assert_eq!(sizes.first > LARGE, bytes > LARGE);
                prop_assert_eq!(SizeClass::of(sizes.first), SizeClass::of(bytes));
                prop_assert_eq!(SizeClass::of(sizes.last()), SizeClass::of(bytes));
            }
        }
    }

    #[test]
    fn large_arrays_alternate_between_two_slots() {
        let mut rotation = Rotation::new(64, 1);
        assert_eq!(write(&mut rotation, 1, 6, 1 << 20, PinMask::EMPTY), [0, 1, 0, 1, 0, 1]);
    }

    #[test]
    fn small_arrays_take_turns() {
        let mut rotation = Rotation::new(64, 1);
        assert_eq!(write(&mut rotation, 1, 9, 64, PinMask::EMPTY), [0, 1, 2, 3, 4, 5, 0, 1, 2]);
        rotation.widen();
        let used = write(&mut rotation, 10, 48, 64, PinMask::EMPTY);
        assert_eq!(used.iter().max(), Some(&11));
        assert_eq!(used[30..42].iter().collect::<std::collections::HashSet<_>>().len(), 12);
    }

    #[test]
    fn half_of_the_free_slots_are_claimed_ahead() {
        let mut rotation = Rotation::new(64, 1);
        write(&mut rotation, 1, 8, 64, PinMask::EMPTY);
        assert_eq!(rotation.latest, slot(1).bit().to_bits());
        assert_eq!(rotation.upcoming(64, PinMask::EMPTY), pins(&[2, 3]));
        assert_eq!(rotation.upcoming(64, pins(&[3, 4])), pins(&[2]));
        assert_eq!(rotation.upcoming(64, pins(&[0, 2, 3, 4])), PinMask::EMPTY);
        assert_eq!(rotation.upcoming(LARGE + 1, PinMask::EMPTY), PinMask::EMPTY);
        (0..5).for_each(|_| rotation.widen());
        write(&mut rotation, 9, 100, 64, PinMask::EMPTY);
        let most = rotation.upcoming(64, PinMask::EMPTY);
        assert_eq!(bits(most.to_bits()).count(), Preclaimed::MAX);
    }

    #[test]
    fn each_held_value_takes_one_slot_more_and_no_other() {
        let mut rotation = Rotation::new(64, 1);
        write(&mut rotation, 1, 2, 1 << 20, PinMask::EMPTY);
        let used = write(&mut rotation, 3, 5, 1 << 20, pins(&[1]));
        assert_eq!(used, [0, 2, 0, 2, 0]);
    }

    #[test]
    fn two_slots_one_held_leave_none() {
        let mut rotation = Rotation::new(2, 1);
        write(&mut rotation, 1, 2, 64, PinMask::EMPTY);
        assert_eq!(rotation.choose(64, pins(&[0])), None);
        assert_eq!(rotation.choose(64, pins(&[1])), Some(Choice::Fits(slot(0))));
    }

    #[test]
    fn growth_replaces_before_it_adds() {
        let mut rotation = Rotation::new(64, 1);
        write(&mut rotation, 1, 4, 1 << 20, PinMask::EMPTY);
        assert_eq!(rotation.choose(1 << 21, PinMask::EMPTY), Some(Choice::Grow(slot(0))));
    }

    /// As [`write`], giving up what is surplus as a writer does.
    fn run(rotation: &mut Rotation, from: u64, count: u64, bytes: usize, pinned: PinMask) {
        for number in from..from + count {
            write(rotation, number, 1, bytes, pinned);
            if rotation.is_survey_due(number) {
                bits(rotation.surplus(bytes, pinned, number).to_bits())
                    .for_each(|slot| rotation.set_capacity(slot, None));
            }
        }
    }

    fn capacities(rotation: &Rotation) -> Vec<usize> {
        bits(rotation.filled).map(|slot| rotation.capacity(slot)).collect()
    }

    #[test]
    fn what_nobody_needs_any_more_is_surplus_after_a_while() {
        let mut rotation = Rotation::new(64, 1);
        run(&mut rotation, 1, 2, 1 << 20, PinMask::EMPTY);
        run(&mut rotation, 3, 4, 1 << 20, pins(&[0, 1]));
        assert_eq!(rotation.files, 4);
        run(&mut rotation, 7, 30, 1 << 20, PinMask::EMPTY);
        assert_eq!(rotation.files, 4, "as many may be held again");
        run(&mut rotation, 37, 34, 1 << 20, PinMask::EMPTY);
        assert_eq!(rotation.filled, 0b1100, "those that are warm stay");
    }

    #[test]
    fn a_small_file_stays_while_its_reader_goes_to_the_next_value() {
        let mut rotation = Rotation::new(64, 1);
        run(&mut rotation, 1, 6, 64, PinMask::EMPTY);
        run(&mut rotation, 7, 200, 64, pins(&[1, 2, 3]));
        assert_eq!(rotation.files, 9);
        run(&mut rotation, 207, 30, 64, PinMask::EMPTY);
        run(&mut rotation, 237, 1, 64, pins(&[1, 2, 4]));
        run(&mut rotation, 238, 30, 64, PinMask::EMPTY);
        assert_eq!(rotation.files, 9, "they have just let go");
        run(&mut rotation, 268, 34, 64, PinMask::EMPTY);
        assert_eq!(rotation.files, 8, "two spare ones cost little");
    }

    #[test]
    fn large_files_do_not_stay_for_small_values() {
        let mut rotation = Rotation::new(64, 1);
        for (held, number) in (0..8).zip(1..) {
            run(&mut rotation, number, 1, 60 << 20, pins(&(0..held).collect::<Vec<_>>()));
        }
        assert_eq!(rotation.files, 8);
        run(&mut rotation, 9, 64, 16, PinMask::EMPTY);
        assert_eq!(capacities(&rotation), [16; 6]);
    }

    #[test]
    fn a_history_has_as_many_values_whatever_their_numbers() {
        for step in [1, 2, 3, 5, 64, 100] {
            let mut rotation = Rotation::new(64, 4);
            let mut kept = Vec::new();
            for number in (1..=200).map(|count| count * step) {
                let choice = rotation.choose_kept(1 << 20, PinMask::EMPTY).unwrap();
                if let Choice::Grow(slot) | Choice::Spread(slot) = choice {
                    rotation.set_capacity(slot, Some(1 << 20));
                }
                rotation.published(choice.slot(), number);
                rotation.keep(choice.slot(), number);
                kept.push(choice.slot().bit());
                let last = kept.iter().rev().skip(1).take(3).fold(PinMask::EMPTY, |all, slot| all.union(*slot));
                assert_eq!(rotation.history(), last, "after {number}");
            }
            assert!(rotation.files <= 5, "{} files for numbers {step} apart", rotation.files);
        }
    }

    #[test]
    fn a_size_that_comes_back_keeps_its_files() {
        let mut rotation = Rotation::new(64, 1);
        for round in 0..20 {
            run(&mut rotation, round * 36 + 1, 1, 60 << 20, PinMask::EMPTY);
            run(&mut rotation, round * 36 + 2, 35, 16, PinMask::EMPTY);
            let large = capacities(&rotation).iter().filter(|&&capacity| capacity > 16).count();
            assert!((1..=2).contains(&large), "{large} in round {round}");
        }
    }

    #[test]
    fn files_that_are_too_small_make_way_for_turns() {
        let mut rotation = Rotation::new(64, 1);
        run(&mut rotation, 1, 6, 9000, PinMask::EMPTY);
        run(&mut rotation, 7, 70, 15_000, PinMask::EMPTY);
        assert_eq!(capacities(&rotation), [15_000; 6]);
    }

    proptest! {
        /// Few files are left after any sizes, holds and wider spreads.
        ///
        /// Once 64 values of one size have come while no reader holds any, no more files are left
        /// than those take turns in and two. None of them is many times too large.
        #[test]
        fn surplus_goes_within_64_values(
            steps in collection::vec((0_u32..24, any::<u64>(), 1_u64..50, 0_u8..20), 0..40),
            bytes in 0_usize..200_000,
        ) {
            let mut rotation = Rotation::new(64, 1);
            let mut number = 1;
            for (size, held, count, widen) in steps {
                if widen == 0 {
                    rotation.widen();
                }
                // Not all slots, nor the current one, as no reader holds that without the writer's
                // going on.
                let held = PinMask::from_bits(held & held.rotate_left(7) & !0b111);
                let held = held.without(PinMask::from_bits(rotation.latest));
                run(&mut rotation, number, 1, 1 << size, held);
                run(&mut rotation, number + 1, count, 3 << size, held);
                number += count + 1;
            }
            run(&mut rotation, number, 64, bytes, PinMask::EMPTY);
            let most = (8 * bytes).max(4096);
            prop_assert!(capacities(&rotation).iter().all(|&capacity| capacity <= most), "{:?}", capacities(&rotation));
            prop_assert!(rotation.files <= rotation.turns(Sizes::around(bytes)) + 2, "{} files", rotation.files);
        }
    }
}
