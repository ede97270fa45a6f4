//! The reader's transitions: pin, unpin, keep, release, and the unpinned copy.
//!
//! The argument stands in [the parent module](super).

use super::{Latest, LatestWord, PerSlot, Pins, SlotIndex, SlotSeq};
use crate::failpoint::fail_point;
use crate::sync::{Mutex, Ordering, fence, load_seqcst, store_seqcst};

/// The words that every reader may load, with or without an entry of its own.
pub struct ReaderSide<'a, S> {
    /// The number and slot of the current value.
    pub latest: &'a LatestWord,
    /// The slots of the board, as far as this process knows of their memory.
    pub slots: &'a [S],
    /// How many slots the board can have: the modulus of cells.
    pub count: usize,
}

/// How an attempt to pin ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinAttempt {
    /// The slot is held: it is not written until [`ReaderSide::unpin`].
    Pinned,
    /// The writer was quicker; this is what `latest` says now.
    Missed(Latest),
    /// Slot and `latest` contradict each other: another process has written to the board.
    Broken,
}

impl<S: AsRef<SlotSeq>> ReaderSide<'_, S> {
    /// What is current.
    #[inline]
    pub fn latest(&self) -> Latest {
        self.latest.load()
    }

    /// The numbers on all slots, as a writer that takes over finds them.
    pub fn numbers(&self) -> impl Iterator<Item = u64> {
        // Acquire: pairs with the `seq` store of `WriterSide::publish` in a writer that has died.
        self.slots.iter().map(|slot| slot.as_ref().0.load(Ordering::Acquire))
    }

    /// Tries to hold the slot that `latest` named, through the reader's own `pins`.
    #[inline]
    pub fn try_pin(&self, pins: &Pins, latest: Latest) -> PinAttempt {
        let Some(seq) = self.slots.get(latest.slot().get()).map(AsRef::as_ref) else {
            return PinAttempt::Broken;
        };
        fail_point!("pin.chosen");
        // SeqCst: store half of the handshake; the load half of the other side is
        // `WriterSide::scan`.
        store_seqcst(&pins.borrowed, latest.slot().bit().to_bits());
        fail_point!("pin.announced");
        // SeqCst: load half of the handshake with the `seq` store of `WriterSide::begin` or
        // `preclaim`. It contains the Acquire that pairs with the `seq` store of `publish` or
        // `abandon`, whichever wrote the number.
        if load_seqcst(&seq.0) == latest.number() {
            fail_point!("pin.held");
            return PinAttempt::Pinned;
        }
        self.unpin(pins);
        fail_point!("pin.missed");
        // Relaxed: a hint.
        let retries = pins.retries.load(Ordering::Relaxed);
        pins.retries.store(retries.wrapping_add(1), Ordering::Relaxed);
        // The number differed, so the `seq` load read a store that came after `latest` had moved
        // on, and it acquired that: this load must see the move. If it does not, no writer of this
        // protocol was at work.
        match self.latest() {
            now if now == latest => PinAttempt::Broken,
            now => PinAttempt::Missed(now),
        }
    }

    /// Gives back what [`try_pin`](Self::try_pin) pinned.
    #[inline]
    pub fn unpin(&self, pins: &Pins) {
        // Release: all reads of the value before the cleared word. Pairs with the `borrowed` load
        // of `WriterSide::scan`.
        pins.borrowed.store(0, Ordering::Release);
        fail_point!("pin.cleared");
    }

    /// Notes which value this reader has come to.
    ///
    /// A close does not keep that value for this reader.
    #[inline]
    pub fn tell(&self, pins: &Pins, number: u64) {
        // Relaxed: what is mapped stays mapped. That a reader clears up after a close which looked
        // at an older number is seen to by the kernel's lock, see `close`.
        pins.seen.store(number, Ordering::Relaxed);
    }

    /// Begins a copy without a pin: whether the slot holds what `latest` named.
    pub fn stamped(&self, latest: Latest) -> bool {
        // Acquire: pairs with the `seq` store of `WriterSide::publish`.
        self.slots
            .get(latest.slot().get())
            .is_some_and(|slot| slot.as_ref().0.load(Ordering::Acquire) == latest.number())
    }

    /// Ends a copy without a pin: whether the slot still holds that value.
    ///
    /// If so, the copy is whole.
    pub fn unchanged(&self, latest: Latest) -> bool {
        // Acquire fence: the copy's loads before the second look at `seq`. Pairs with the Release
        // fence in `WriterSide::confirm`: a copy that caught one byte of the next value sees that
        // value's 0, or a later number.
        fence(Ordering::Acquire);
        self.slots
            .get(latest.slot().get())
            .is_some_and(|slot| slot.as_ref().0.load(Ordering::Relaxed) == latest.number())
    }

    /// What is current, for a reader that has just announced its sleep; see
    /// [`EventCount`](crate::event_count::EventCount).
    pub fn latest_before_sleep(&self) -> Latest {
        // SeqCst: load half of the handshake with the `latest` store of `WriterSide::publish` and
        // the fence that ends it.
        Latest::from_bits(load_seqcst(&self.latest.0))
    }
}

/// The owned samples of one reader: how many hold each slot.
///
/// Shown to the writer in [`Pins`]' `kept` word.
///
/// A mutex, because the last owner of a slot may leave on one thread while the reader keeps the
/// same slot anew on another: count and shown mask must change together, or a bit would be lost.
pub struct KeptPins {
    counts: Mutex<Counts>,
}

impl Default for KeptPins {
    fn default() -> Self {
        Self::new()
    }
}

struct Counts {
    owners: PerSlot<u32>,
    mask: u64,
}

impl KeptPins {
    /// The owned samples of a reader that has none.
    #[inline]
    pub fn new() -> Self {
        Self { counts: Mutex::new(Counts { owners: PerSlot::default(), mask: 0 }) }
    }

    /// Adds an owner of `slot`, which the caller has pinned through `borrowed`.
    ///
    /// The caller unpins it there only afterwards.
    #[inline]
    pub fn keep(&self, pins: &Pins, slot: SlotIndex) {
        self.change(pins, slot, |owners| owners.saturating_add(1));
    }

    /// Takes an owner of `slot` away; the last one gives the slot back.
    #[inline]
    pub fn release(&self, pins: &Pins, slot: SlotIndex) {
        self.change(pins, slot, |owners| owners.saturating_sub(1));
    }

    fn change(&self, pins: &Pins, slot: SlotIndex, change: impl FnOnce(u32) -> u32) {
        // A panic cannot happen while the lock is held; if it did, the counts would still be whole.
        let mut counts = match self.counts.lock() {
            Ok(counts) => counts,
            Err(poisoned) => poisoned.into_inner(),
        };
        let owners = &mut counts.owners[slot];
        *owners = change(*owners);
        let held = *owners != 0;
        let bit = slot.bit().to_bits();
        let mask = if held { counts.mask | bit } else { counts.mask & !bit };
        if mask != counts.mask {
            counts.mask = mask;
            // Release: on the way out, the owner's reads come before the cleared bit (pairs with
            // the `kept` load of `WriterSide::scan`); on the way in, `unpin`'s own Release keeps
            // the set bit before the cleared `borrowed`.
            pins.kept.store(mask, Ordering::Release);
            fail_point!("keep.shown");
        }
    }
}
