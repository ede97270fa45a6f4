//! The writer's transitions: scan, claim, abandon, publish and preclaim.
//!
//! The argument stands in [the parent module](super).

use super::{CellWord, Latest, LatestWord, PinMask, Pins, SlotIndex, SlotSeq};
use crate::failpoint::fail_point;
use crate::members::Members;
use crate::sync::{Ordering, fence, load_seqcst, store_seqcst};
use core::iter;

/// The words as the writer uses them.
pub struct WriterSide<'a, S, E> {
    /// The number and slot of the current value.
    pub latest: &'a LatestWord,
    /// The slots of the board.
    pub slots: &'a [S],
    /// Which reader entries are in use.
    pub registered: &'a Members,
    /// The reader entries.
    pub entries: &'a [E],
}

/// What one scan of all reader entries showed.
#[derive(Clone, Copy, Debug, Default)]
pub struct PinScan {
    /// Every slot that some reader holds or is about to.
    pub pins: PinMask,
    /// The readers' `retries`, added up (wrapping): only a change of it means anything.
    pub retries: u64,
    /// Whether there are many readers.
    pub is_crowded: bool,
}

/// A slot with a `seq` of 0, but not yet claimed.
///
/// Its pins have not been looked at since `seq` was set to 0.
#[derive(Debug)]
pub struct Zeroed {
    slot: SlotIndex,
    previous: u64,
}

/// A slot that belongs to the writer until it is published or given up.
///
/// No reader reads it.
#[derive(Debug)]
#[must_use = "a claimed slot is published, abandoned or left unnumbered on purpose"]
pub struct Claim {
    slot: SlotIndex,
    previous: u64,
}

impl Claim {
    /// The slot that was claimed.
    #[inline]
    pub fn slot(&self) -> SlotIndex {
        self.slot
    }
}

/// Slots claimed along with a publication, for the values to come.
#[derive(Debug, Default)]
pub struct Preclaimed(pub(super) PinMask);

impl Preclaimed {
    /// How many slots can be claimed along with one publication.
    pub const MAX: usize = 8;

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0 == PinMask::EMPTY
    }

    /// The claim of `slot`, if it is one of them.
    #[inline]
    pub fn take(&mut self, slot: SlotIndex) -> Option<Claim> {
        let found = self.0.contains(slot);
        self.0 = self.0.without(slot.bit());
        // Its old value is gone for good: no reader holds it, and none can pin it.
        found.then_some(Claim { slot, previous: 0 })
    }
}

impl<S: AsRef<SlotSeq>, E: AsRef<Pins>> WriterSide<'_, S, E> {
    /// Loads the pins of every registered reader.
    ///
    /// `registered`, then `borrowed`, are SeqCst: they are the load half of the handshake with
    /// [`super::ReaderSide::try_pin`] and [`Pins::register`]. `kept` is loaded after `borrowed`,
    /// and Acquire suffices: it pairs with [`super::KeptPins`].
    pub fn scan(&self) -> PinScan {
        let mut scan = PinScan::default();
        scan.is_crowded = self.registered.visit(self.entries, |entry| {
            let entry = entry.as_ref();
            let borrowed = load_seqcst(&entry.borrowed);
            let kept = entry.kept.load(Ordering::Acquire);
            scan.pins = scan.pins.union(PinMask::from_bits(borrowed | kept));
            // Relaxed: a hint, on a line that is loaded anyway.
            let retries = entry.retries.load(Ordering::Relaxed);
            scan.retries = scan.retries.wrapping_add(retries);
        });
        scan
    }

    /// Claims `slot`, which must not be the latest, unless a reader holds it.
    ///
    /// What the second look showed goes to `scan` in both cases: a guess for the next claim.
    #[inline]
    pub fn claim(&self, slot: SlotIndex, scan: &mut PinScan) -> Option<Claim> {
        self.confirm(self.begin(slot), scan)
    }

    /// Begins a claim: its first half, which zeroes `seq`.
    ///
    /// No reader that loads `seq` from here on takes the slot for readable.
    #[inline]
    pub fn begin(&self, slot: SlotIndex) -> Zeroed {
        let seq = self.seq(slot);
        // Relaxed: only the writer stores `seq`, so it reads back its own (or, after a takeover,
        // what the lock on the board made visible).
        let previous = seq.0.load(Ordering::Relaxed);
        // SeqCst: store half of the handshake; its load half is `scan`. Pairs with the `seq` load
        // of `try_pin`.
        store_seqcst(&seq.0, 0);
        fail_point!("claim.zeroed");
        Zeroed { slot, previous }
    }

    /// Completes a claim: its second half, the second look.
    ///
    /// A slot that turns out to be held gets its number back.
    #[inline]
    pub fn confirm(&self, zeroed: Zeroed, scan: &mut PinScan) -> Option<Claim> {
        let Zeroed { slot, previous } = zeroed;
        let claim = Claim { slot, previous };
        *scan = self.scan();
        if scan.pins.contains(slot) {
            fail_point!("claim.refused");
            self.abandon(claim);
            return None;
        }
        // Release fence: orders the 0 in `seq` before every later store to header and payload, for
        // readers that copy without a pin. Pairs with the Acquire fence in `ReaderSide::unchanged`.
        fence(Ordering::Release);
        fail_point!("claim.confirmed");
        Some(claim)
    }

    /// Gives a claimed slot back: it holds its old value again.
    ///
    /// Header and payload are unchanged.
    #[inline]
    pub fn abandon(&self, claim: Claim) {
        // Release: a reader that finds the number back by way of a stale `latest` must see that
        // `latest` has moved, or it would take the board for broken. The old payload it sees
        // through `latest` already.
        self.seq(claim.slot).0.store(claim.previous, Ordering::Release);
        fail_point!("claim.abandoned");
    }

    /// Makes the claimed slot, now written, the current value.
    ///
    /// `number` is larger than all before it.
    ///
    /// Also preclaims the unpinned slots of `next`; one fence and one scan cover them all. `next`
    /// holds at most [`Preclaimed::MAX`] slots, none current or preclaimed. What the scan showed
    /// goes to `scan`.
    #[inline]
    pub fn publish(
        &self,
        claim: Claim,
        number: u64,
        next: PinMask,
        preclaimed: &mut Preclaimed,
        scan: &mut PinScan,
    ) -> Latest {
        let latest = self.number(&claim, number);
        self.name(latest, next, preclaimed, scan);
        latest
    }

    /// Gives the claimed slot its number, which no word names yet.
    #[inline]
    fn number(&self, claim: &Claim, number: u64) -> Latest {
        fail_point!("publish.written");
        // Release: header and payload before the number. Pairs with the `seq` load of `try_pin` and
        // `stamped`.
        self.seq(claim.slot).0.store(number, Ordering::Release);
        fail_point!("publish.numbered");
        Latest::new(number, claim.slot)
    }

    /// Makes the value that `latest` names the current one.
    #[inline]
    fn name(&self, latest: Latest, next: PinMask, preclaimed: &mut Preclaimed, scan: &mut PinScan) {
        // Release: pairs with `ReaderSide::latest`.
        self.latest.0.store(latest.to_bits(), Ordering::Release);
        fail_point!("publish.named");
        if next == PinMask::EMPTY {
            // SeqCst: between the `latest` store above and the load of `EventCount::notify`, which
            // the caller goes on with. The other side of the handshake is a reader that falls
            // asleep: `EventCount::announce` and `ReaderSide::latest_before_sleep`.
            fence(Ordering::SeqCst);
        } else {
            self.preclaim(next, preclaimed, scan);
        }
    }

    /// Claims the slots of `next` that no reader holds.
    ///
    /// Its fence serves a preceding store of `latest` too.
    #[inline(never)]
    fn preclaim(&self, next: PinMask, preclaimed: &mut Preclaimed, scan: &mut PinScan) {
        // What does not fit here would be claimed without having been zeroed. `Rotation::upcoming`
        // chooses no more; a check that ships costs each write three instructions.
        debug_assert!(slots(next).count() <= Preclaimed::MAX, "{next:?} is more than can be claimed at once");
        let mut previous = [0; Preclaimed::MAX];
        for (slot, previous) in slots(next).zip(&mut previous) {
            let seq = self.seq(slot);
            // Relaxed: as in `begin`.
            *previous = seq.0.load(Ordering::Relaxed);
            // Release: a reader that finds the 0 must see that `latest` has moved on, or it would
            // take the board for broken. Pairs with the `seq` load of `try_pin`.
            seq.0.store(0, Ordering::Release);
        }
        fail_point!("ahead.zeroed");
        // SeqCst: between the stores above and the loads below, for two handshakes. One is that
        // with a reader that pins: `seq`, then `scan`; on the other side both accesses of
        // `try_pin`. The other is that with a reader that falls asleep, see `publish`. It contains
        // the Release fence that `confirm` has for copies without a pin.
        fence(Ordering::SeqCst);
        *scan = self.scan();
        preclaimed.0 = preclaimed.0.union(next.without(scan.pins));
        if next != next.without(scan.pins) {
            self.abandon_held(next, &previous, scan.pins);
        }
        fail_point!("ahead.claimed");
    }

    /// Gives back those of the slots `next` that readers hold. Their numbers were `previous`.
    #[cold]
    fn abandon_held(&self, next: PinMask, previous: &[u64], pins: PinMask) {
        for (slot, &previous) in slots(next).zip(previous) {
            if pins.contains(slot) {
                self.abandon(Claim { slot, previous });
            }
        }
    }

    /// Forgets the numbers that a dead writer gave to slots but never named.
    ///
    /// They are no values, and are used again.
    ///
    /// Never given back by [`abandon`](Self::abandon): a slot keeps its number only when a reader
    /// holds it, and no reader can hold one that was never named.
    pub fn forget_unnamed(&self, latest: Latest) {
        for slot in self.slots {
            let seq = &slot.as_ref().0;
            // Relaxed: as in `begin`.
            if seq.load(Ordering::Relaxed) > latest.number() {
                // Release: before the number is used again. Pairs with the `seq` loads of readers
                // that come to the slot by that number.
                seq.store(0, Ordering::Release);
            }
        }
    }

    /// The number of a slot of this board.
    ///
    /// The writer chooses among these alone. So a slot that the board does not have is a mistake of
    /// the writer, and must not look like a claim.
    #[allow(clippy::indexing_slicing, reason = "see above")]
    #[inline]
    fn seq(&self, slot: SlotIndex) -> &SlotSeq {
        self.slots[slot.get()].as_ref()
    }
}

impl<S: AsRef<SlotSeq> + AsRef<CellWord>, E: AsRef<Pins>> WriterSide<'_, S, E> {
    /// As [`publish`](Self::publish), and stores the value's cell: it can be found when it is
    /// older.
    #[inline]
    pub fn publish_kept(
        &self,
        claim: Claim,
        number: u64,
        next: PinMask,
        preclaimed: &mut Preclaimed,
        scan: &mut PinScan,
    ) -> Latest {
        let latest = self.number(&claim, number);
        self.set_cell(latest);
        fail_point!("publish.celled");
        self.name(latest, next, preclaimed, scan);
        latest
    }
}

/// Lets a new board begin with the value `number`, which the slot describes already.
pub fn begin_with(latest: &LatestWord, seq: &SlotSeq, number: u64, slot: SlotIndex) {
    // Relaxed: the head, written last, publishes all of it.
    seq.0.store(number, Ordering::Relaxed);
    latest.0.store(Latest::new(number, slot).to_bits(), Ordering::Relaxed);
}

/// The slots of a set, from the lowest.
#[inline]
fn slots(mut set: PinMask) -> impl Iterator<Item = SlotIndex> {
    iter::from_fn(move || {
        let slot = set.first()?;
        set = set.rest();
        Some(slot)
    })
}
