//! The writer's transitions: look, claim, abandon, publish. The argument stands in [the parent module](super).

use super::{Latest, LatestWord, PinMask, Pins, Registered, SlotIndex, SlotSeq};
use crate::failpoint::fail_point;
use crate::sync::{Ordering, fence, load_seqcst, store_seqcst};

/// The words as the writer uses them.
pub(crate) struct WriterSide<'a, S, E> {
    pub(crate) latest: &'a LatestWord,
    pub(crate) slots: &'a [S],
    pub(crate) registered: &'a Registered,
    pub(crate) entries: &'a [E],
}

/// What one look at all reader entries showed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Look {
    /// Every slot that some reader holds or is about to.
    pub(crate) pins: PinMask,
    /// The readers' `retries`, added up (wrapping): only a change of it means anything.
    pub(crate) retries: u64,
}

/// A slot whose `seq` is 0, but whose pins have not been looked at since: not yet ours.
#[derive(Debug)]
pub(crate) struct Pending {
    slot: SlotIndex,
    previous: u64,
}

/// A slot that belongs to the writer until it is published or given up: nobody reads it.
#[derive(Debug)]
#[must_use = "a claimed slot is published, abandoned or left unnumbered on purpose"]
pub(crate) struct Claim {
    slot: SlotIndex,
    previous: u64,
}

impl Claim {
    pub(crate) fn slot(&self) -> SlotIndex {
        self.slot
    }
}

impl<S: AsRef<SlotSeq>, E: AsRef<Pins>> WriterSide<'_, S, E> {
    /// Loads the pins of every registered reader.
    ///
    /// `registered`, then `borrowed`, are SeqCst: they are the load half of the handshake with [`super::ReaderSide::try_pin`] and
    /// [`Registered::add`]. `kept` is loaded after `borrowed`, and Acquire suffices: it pairs with [`super::KeptPins`].
    pub(crate) fn look(&self) -> Look {
        let mut look = Look::default();
        self.registered.for_each(self.entries.len(), |index| {
            if let Some(entry) = self.entries.get(index) {
                let entry = entry.as_ref();
                let borrowed = load_seqcst(&entry.borrowed);
                let kept = entry.kept.load(Ordering::Acquire);
                look.pins = look.pins.union(PinMask::from_bits(borrowed | kept));
                // Relaxed: a hint, on a line that is loaded anyway.
                let retries = entry.retries.load(Ordering::Relaxed);
                look.retries = look.retries.wrapping_add(retries);
            }
        });
        look
    }

    /// Claims `slot`, which must not be the latest, unless a reader holds it. What the second look showed goes to `look` either way: a guess
    /// for the next claim.
    #[inline]
    pub(crate) fn claim(&self, slot: SlotIndex, look: &mut Look) -> Option<Claim> {
        self.confirm(self.begin(slot), look)
    }

    /// First half of a claim: nobody who looks at `seq` from here on takes the slot for readable.
    #[inline]
    pub(crate) fn begin(&self, slot: SlotIndex) -> Pending {
        let mut previous = 0;
        if let Some(seq) = self.seq(slot) {
            // Relaxed: only the writer stores `seq`, so it reads back its own (or, after a takeover, what
            // the lock on the board made visible).
            previous = seq.0.load(Ordering::Relaxed);
            // SeqCst: store half of the handshake; its load half is `look`. Pairs with the `seq` load of `try_pin`.
            store_seqcst(&seq.0, 0);
        }
        fail_point!("claim.zeroed");
        Pending { slot, previous }
    }

    /// Second half of a claim: the second look. A slot that turns out to be held gets its number back.
    #[inline]
    pub(crate) fn confirm(&self, pending: Pending, look: &mut Look) -> Option<Claim> {
        let Pending { slot, previous } = pending;
        let claim = Claim { slot, previous };
        *look = self.look();
        if look.pins.contains(slot) {
            fail_point!("claim.refused");
            self.abandon(claim);
            return None;
        }
        // Release fence: orders the 0 in `seq` before every later store to header and payload, for readers that
        // copy without a pin. Pairs with the Acquire fence in `ReaderSide::unchanged`.
        fence(Ordering::Release);
        fail_point!("claim.confirmed");
        Some(claim)
    }

    /// Gives a claimed slot back whose header and payload are as they were: it holds its old value again.
    #[inline]
    pub(crate) fn abandon(&self, claim: Claim) {
        if let Some(seq) = self.seq(claim.slot) {
            // Release: a reader that finds the number back by way of a stale `latest` must see that `latest` has moved, or it
            // would take the board for broken. The old payload it sees through `latest` already.
            seq.0.store(claim.previous, Ordering::Release);
        }
        fail_point!("claim.abandoned");
    }

    /// Makes the claimed slot, now written, the current value. `number` is larger than all before it.
    #[inline]
    pub(crate) fn publish(&self, claim: Claim, number: u64) -> Latest {
        let latest = Latest::new(number, claim.slot);
        fail_point!("publish.written");
        if let Some(seq) = self.seq(claim.slot) {
            // Release: header and payload before the number. Pairs with the `seq` load of `try_pin` and `stamped`.
            seq.0.store(number, Ordering::Release);
        }
        fail_point!("publish.numbered");
        // SeqCst: contains the Release that pairs with `ReaderSide::latest`, and is the store half of the handshake
        // with a reader that falls asleep; the load half is `Doorbell::ring`.
        store_seqcst(&self.latest.0, latest.to_bits());
        fail_point!("publish.named");
        latest
    }

    fn seq(&self, slot: SlotIndex) -> Option<&SlotSeq> {
        self.slots.get(slot.get()).map(AsRef::as_ref)
    }
}
