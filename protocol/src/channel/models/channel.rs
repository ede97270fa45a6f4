//! A channel on the heap, with the loops of writer and reader in small.
//!
//! A [`Flaw`] exchanges one of their steps.

use super::{CALLED_BROKEN, FOREIGN, Flaw, OLDER};
use crate::channel::{
    CellWord, Claim, Latest, LatestWord, PinAttempt, PinMask, PinScan, Pins, Preclaimed, ReaderSide, SlotIndex,
    SlotSeq, WriterSide,
};
use crate::members::Members;
use crate::sync::{Ordering, fence, load_seqcst, store_seqcst};
use loom::cell::UnsafeCell;
use std::sync::Arc;

/// The value of a slot, as a model wants it.
pub(super) trait Payload {
    fn new() -> Self;
    fn write(&self, number: u64);
}

/// A value whose readings and writings loom checks for order.
pub(super) struct Pair(UnsafeCell<[u64; 2]>);

impl Payload for Pair {
    fn new() -> Self {
        Self(UnsafeCell::new([0; 2]))
    }

    fn write(&self, number: u64) {
        // SAFETY: loom checks that no other thread is at it, and panics before we get the pointer.
        self.0.with_mut(|pair| unsafe { *pair = [number; 2] });
    }
}

impl Pair {
    /// As [`Payload::write`].
    pub(super) fn put(&self, elements: u64) {
        self.write(elements);
    }

    pub(super) fn check(&self, number: u64) {
        // SAFETY: loom checks that no thread writes it, and panics before we get the pointer.
        let pair = self.0.with(|pair| unsafe { *pair });
        assert_eq!(pair, [number; 2], "{FOREIGN}");
    }
}

pub(super) struct Slot<P> {
    pub(super) seq: SlotSeq,
    pub(super) cell: CellWord,
    pub(super) payload: P,
}

impl<P> AsRef<SlotSeq> for Slot<P> {
    fn as_ref(&self) -> &SlotSeq {
        &self.seq
    }
}

impl<P> AsRef<CellWord> for Slot<P> {
    fn as_ref(&self) -> &CellWord {
        &self.cell
    }
}

pub(super) struct Entry(pub(super) Pins);

impl AsRef<Pins> for Entry {
    fn as_ref(&self) -> &Pins {
        &self.0
    }
}

/// All the shared words of a channel.
pub(super) struct Channel<P = Pair> {
    pub(super) latest: LatestWord,
    pub(super) slots: Vec<Slot<P>>,
    pub(super) registered: Members,
    pub(super) entries: Vec<Entry>,
}

impl<P: Payload> Channel<P> {
    /// A new channel of which the first `registered` of `entries` readers are registered.
    pub(super) fn new(slots: usize, entries: usize, registered: usize) -> Arc<Self> {
        let channel = Self {
            latest: LatestWord::default(),
            slots: (0..slots)
                .map(|_| Slot { seq: SlotSeq::default(), cell: CellWord::default(), payload: P::new() })
                .collect(),
            registered: Members::default(),
            entries: (0..entries).map(|_| Entry(Pins::default())).collect(),
        };
        for entry in 0..registered {
            channel.pins(entry).register(&channel.registered, entry);
        }
        Arc::new(channel)
    }

    pub(super) fn slot(&self, slot: SlotIndex) -> &Slot<P> {
        &self.slots[slot.get()]
    }

    pub(super) fn pins(&self, entry: usize) -> &Pins {
        &self.entries[entry].0
    }

    pub(super) fn reader_side(&self) -> ReaderSide<'_, Slot<P>> {
        ReaderSide { latest: &self.latest, slots: &self.slots, count: self.slots.len() }
    }

    pub(super) fn writer_side(&self) -> WriterSide<'_, Slot<P>, Entry> {
        WriterSide { latest: &self.latest, slots: &self.slots, registered: &self.registered, entries: &self.entries }
    }

    /// A writer side that knows of no reader: its second look sees nothing. For twins.
    fn blind_side(&self) -> WriterSide<'_, Slot<P>, Entry> {
        WriterSide { entries: &[], ..self.writer_side() }
    }
}

/// Runs `body` on a thread of its own.
pub(super) fn spawn<P: 'static>(
    channel: &Arc<Channel<P>>,
    body: impl FnOnce(&Channel<P>) + 'static,
) -> loom::thread::JoinHandle<()> {
    let channel = Arc::clone(channel);
    loom::thread::spawn(move || body(&channel))
}

/// Runs the writer's loop in small: takes the first claimable slot after the latest.
pub(super) struct Writer<'a, P = Pair> {
    pub(super) channel: &'a Channel<P>,
    pub(super) latest: Latest,
    pub(super) number: u64,
    /// How many slots it claims along with a publication, if it has none.
    pub(super) width: usize,
    ahead: Preclaimed,
    pub(super) flaw: Flaw,
}

impl<'a, P: Payload> Writer<'a, P> {
    /// The writer of a new channel.
    pub(super) fn new(channel: &'a Channel<P>, flaw: Flaw) -> Self {
        Self { channel, latest: Latest::NONE, number: 0, width: 0, ahead: Preclaimed::default(), flaw }
    }

    /// A writer that takes over what an earlier one left.
    pub(super) fn inherit(channel: &'a Channel<P>, flaw: Flaw) -> Self {
        let latest = channel.reader_side().latest();
        channel.writer_side().forget_unnamed(latest);
        Self { channel, latest, number: latest.number(), width: 0, ahead: Preclaimed::default(), flaw }
    }

    /// Every slot but the latest, the one after it first.
    pub(super) fn candidates(&self) -> impl Iterator<Item = SlotIndex> + use<P> {
        let slots = self.channel.slots.len();
        let (first, others) =
            if self.latest.is_none() { (0, slots) } else { (self.latest.slot().get() + 1, slots - 1) };
        (first..first + others).filter_map(move |slot| SlotIndex::new(slot % slots))
    }

    /// Publishes one value, if there is a slot for it.
    pub(super) fn publish(&mut self) -> bool {
        let Some(claim) = self.candidates().find_map(|slot| self.ahead.take(slot).or_else(|| self.claim(slot))) else {
            return false;
        };
        self.number += 1;
        let slot = claim.slot();
        self.channel.slot(slot).payload.write(self.number);
        self.latest = self.name(claim, self.number);
        true
    }

    fn claim(&self, slot: SlotIndex) -> Option<Claim> {
        let seq = &self.channel.slot(slot).seq.0;
        let blind = self.channel.blind_side();
        let is_in = |mask: u64| mask & slot.bit().to_bits() != 0;
        match self.flaw {
            Flaw::NoSecondLook => blind.claim(slot, &mut PinScan::default()),
            Flaw::KeptBeforeBorrowed => {
                let claim = blind.claim(slot, &mut PinScan::default())?;
                let pinned = self.any_entry(|pins| {
                    let kept = pins.kept.load(Ordering::Acquire);
                    is_in(kept | load_seqcst(&pins.borrowed))
                });
                if pinned {
                    blind.abandon(claim);
                    return None;
                }
                Some(claim)
            }
            Flaw::WeakClaim => {
                let previous = seq.load(Ordering::Relaxed);
                seq.store(0, Ordering::Release);
                let pinned = self.any_entry(|pins| {
                    let borrowed = pins.borrowed.load(Ordering::Acquire);
                    is_in(borrowed | pins.kept.load(Ordering::Acquire))
                });
                if pinned {
                    seq.store(previous, Ordering::Release);
                    return None;
                }
                // The decision has fallen; only the token is still wanted.
                blind.claim(slot, &mut PinScan::default())
            }
            _ => self.channel.writer_side().claim(slot, &mut PinScan::default()),
        }
    }

    fn any_entry(&self, check: impl Fn(&Pins) -> bool) -> bool {
        self.channel.entries.iter().any(|entry| check(&entry.0))
    }

    fn name(&mut self, claim: Claim, number: u64) -> Latest {
        let latest = Latest::new(number, claim.slot());
        let seq = &self.channel.slot(claim.slot()).seq;
        self.latest = latest;
        let next = if self.ahead.is_empty() { self.width } else { 0 };
        let next = self.candidates().take(next).fold(PinMask::EMPTY, |next, slot| next.union(slot.bit()));
        let zero = |ordering| {
            for slot in (0..64).filter_map(SlotIndex::new).filter(|&slot| next.contains(slot)) {
                self.channel.slot(slot).seq.0.store(0, ordering);
            }
        };
        let named = &self.channel.latest.0;
        let mut scan = PinScan::default();
        match self.flaw {
            Flaw::LatestBeforeSeq => {
                store_seqcst(named, latest.to_bits());
                seq.0.store(number, Ordering::Release);
            }
            Flaw::NoLookAhead => {
                self.channel.blind_side().publish(claim, number, next, &mut self.ahead, &mut scan);
            }
            Flaw::WeakAhead => {
                seq.0.store(number, Ordering::Release);
                named.store(latest.to_bits(), Ordering::Release);
                zero(Ordering::Release);
                let pins = self.channel.entries.iter().map(|entry| {
                    let borrowed = entry.0.borrowed.load(Ordering::Acquire);
                    PinMask::from_bits(borrowed | entry.0.kept.load(Ordering::Acquire))
                });
                self.ahead = Preclaimed(next.without(pins.fold(PinMask::EMPTY, PinMask::union)));
            }
            Flaw::UnorderedAhead => {
                seq.0.store(number, Ordering::Release);
                named.store(latest.to_bits(), Ordering::Release);
                zero(Ordering::Relaxed);
                fence(Ordering::SeqCst);
                self.ahead = Preclaimed(next.without(self.channel.writer_side().scan().pins));
            }
            _ => {
                self.channel.writer_side().publish(claim, number, next, &mut self.ahead, &mut scan);
            }
        }
        latest
    }
}

/// Attempts to pin before a reader gives up.
///
/// A real reader would go on, but the model must end.
const ATTEMPTS: usize = 2;

/// The reader's loop in small.
pub(super) struct Reader<'a> {
    pub(super) channel: &'a Channel,
    pub(super) pins: &'a Pins,
    last: u64,
    pub(super) flaw: Flaw,
}

impl<'a> Reader<'a> {
    pub(super) fn new(channel: &'a Channel, entry: usize, flaw: Flaw) -> Self {
        Self { channel, pins: channel.pins(entry), last: 0, flaw }
    }

    /// Pins the current value, if there is one and the writer is not quicker.
    pub(super) fn pin(&mut self) -> Option<Latest> {
        let mut latest = self.channel.reader_side().latest();
        for _ in 0..ATTEMPTS {
            if latest.is_none() {
                return None;
            }
            match self.try_pin(latest) {
                PinAttempt::Pinned => {
                    assert!(latest.number() >= self.last, "{OLDER}");
                    self.last = latest.number();
                    return Some(latest);
                }
                PinAttempt::Missed(now) => {
                    assert!(now.number() > latest.number(), "{OLDER}");
                    latest = now;
                }
                PinAttempt::Broken => panic!("{CALLED_BROKEN}"),
            }
        }
        None
    }

    fn try_pin(&self, latest: Latest) -> PinAttempt {
        let bit = latest.slot().bit().to_bits();
        match self.flaw {
            Flaw::NoSeqCheck => {
                store_seqcst(&self.pins.borrowed, bit);
                PinAttempt::Pinned
            }
            Flaw::WeakPin => {
                self.pins.borrowed.store(bit, Ordering::Release);
                if self.channel.slot(latest.slot()).seq.0.load(Ordering::Acquire) == latest.number() {
                    return PinAttempt::Pinned;
                }
                self.unpin();
                PinAttempt::Missed(self.channel.reader_side().latest())
            }
            _ => self.channel.reader_side().try_pin(self.pins, latest),
        }
    }

    pub(super) fn check(&self, latest: Latest) {
        self.channel.slot(latest.slot()).payload.check(latest.number());
    }

    pub(super) fn unpin(&self) {
        if self.flaw == Flaw::RelaxedUnpin {
            self.pins.borrowed.store(0, Ordering::Relaxed);
        } else {
            self.channel.reader_side().unpin(self.pins);
        }
    }

    /// Pins, reads, unpins.
    pub(super) fn read(&mut self) {
        let Some(latest) = self.pin() else { return };
        if self.flaw == Flaw::UnpinBeforeUse {
            self.unpin();
            self.check(latest);
        } else {
            self.check(latest);
            self.unpin();
        }
    }
}
