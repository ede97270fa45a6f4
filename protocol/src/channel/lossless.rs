//! Readers that must see every value, and the writer that waits for them.
//!
//! A lossless reader says so in the highest bit of its `seen` word. The writer that allows it
//! ([`Terms`]) zeroes no slot whose number is above the smallest `seen` of such readers, not even
//! for a moment.
//!
//! # What the writer may overwrite
//!
//! The writer looks at all `seen` words ([`WriterSide::floor`]) before it chooses slots to claim or
//! to preclaim. What it learns stays true: numbers only grow, so a `seen` that is stale is only
//! cautious. `seen` is stored after the pin, with Release at least. A writer that finds it finds
//! the pin too, or what came after.
//!
//! # Where the promise begins
//!
//! A lossless reader registers (SeqCst), then loads `latest` (SeqCst): that value, number G, is the
//! first that it cannot miss. The writer publishes number K, passes a SeqCst fence, and looks at
//! what is registered (SeqCst). If the look misses the reader, it stands before the registration in
//! S, and so does the fence. The reader's load of `latest` comes later still, and finds K: G is K
//! or more. So a look after the publication of K allows numbers below K alone, and none above the
//! smallest `seen` that it finds. Both bounds hold for as long as the look is used.
//!
//! # How the writer waits
//!
//! On an [`EventCount`] of its own ([`Gate`]). The writer announces its sleep and looks at `seen`
//! again; a lossless reader stores `seen`, then looks for the announcement. All four are SeqCst:
//! the store-then-load handshake. A reader that was killed rings no more. The writer sleeps a slice
//! at a time and then asks the kernel which readers are dead.

use super::{Pins, ReaderSide, WriterSide};
use crate::event_count::EventCount;
use crate::failpoint::fail_point;
use crate::members::Members;
use crate::sync::{AtomicU32, Ordering, assert_size, fence, load_seqcst, store_seqcst};

/// The bit of `seen` by which a reader says that it is lossless.
const LOSSLESS: u64 = 1 << 63;

/// What the writer of a channel keeps, and whether it waits for readers.
///
/// Stands on the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Terms {
    /// How many values are chosen last to be overwritten; 0 where no writer has said so.
    pub history: u8,
    /// Whether the writer waits for lossless readers.
    pub waits: bool,
}

impl Terms {
    const WAITS: u32 = 0x100;

    /// Any 32 bits are terms.
    pub const fn from_bits(bits: u32) -> Self {
        let [history, ..] = bits.to_le_bytes();
        Self { history, waits: bits & Self::WAITS != 0 }
    }

    /// The word as it is stored.
    pub const fn to_bits(self) -> u32 {
        self.history as u32 | if self.waits { Self::WAITS } else { 0 }
    }
}

assert_size!(Gate, 8);

/// The words on which a writer sleeps that waits for lossless readers.
#[repr(C)]
#[derive(Default)]
pub struct Gate {
    asleep: AtomicU32,
    wake: AtomicU32,
}

impl Gate {
    /// The words through which to fall asleep, and to wake.
    #[inline]
    pub fn event_count(&self) -> EventCount<'_> {
        EventCount { asleep: &self.asleep, wake: &self.wake }
    }
}

/// What a reader's `seen` word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The reader has come to this value.
    Value(u64),
    /// The same, and the reader must see all that follow.
    Lossless(u64),
    /// The reader reads no more.
    Left,
}

impl Seen {
    #[inline]
    pub(super) const fn from_bits(bits: u64) -> Self {
        match bits {
            u64::MAX => Self::Left,
            bits if bits & LOSSLESS != 0 => Self::Lossless(bits & !LOSSLESS),
            bits => Self::Value(bits),
        }
    }

    /// Whether the writer is to wait for the reader.
    #[inline]
    pub const fn is_lossless(self) -> bool {
        matches!(self, Self::Lossless(_))
    }

    /// The number of the last value that the reader has come to; all ones when it reads no more.
    #[inline]
    pub const fn number(self) -> u64 {
        match self {
            Self::Value(number) | Self::Lossless(number) => number,
            Self::Left => u64::MAX,
        }
    }
}

impl Pins {
    /// As [`register`](Self::register), for a lossless reader that has come to value `seen`.
    pub fn register_lossless(&self, members: &Members, index: usize, seen: u64) {
        self.register_with(members, index, LOSSLESS | seen);
    }

    /// Makes a lossless reader that has come to value `seen` an ordinary one.
    pub fn give_up_lossless(&self, seen: u64) {
        // Release: as in `tell_lossless`.
        self.seen.store(seen & !LOSSLESS, Ordering::Release);
    }
}

impl<S> ReaderSide<'_, S> {
    /// Notes which value a lossless reader has come to.
    ///
    /// Returns whether the writer may be asleep, and is to be notified.
    #[inline]
    pub fn tell_lossless(&self, pins: &Pins, number: u64, gate: &EventCount<'_>) -> bool {
        // SeqCst: store half of the handshake with a writer that falls asleep; its load half is
        // `floor`. It contains the Release after the pin.
        store_seqcst(&pins.seen, LOSSLESS | number);
        fail_point!("lossless.told");
        gate.is_awaited()
    }
}

impl<S, E: AsRef<Pins>> WriterSide<'_, S, E> {
    /// The largest number that may be overwritten, as lossless readers want it.
    ///
    /// `latest` is the number of the current value. The answer stays true.
    pub fn floor(&self, latest: u64) -> u64 {
        // SeqCst: between the `latest` store, by this writer or the one before, and the look at
        // what is registered. Pairs with `Members::add` and `ReaderSide::latest_registered`.
        fence(Ordering::SeqCst);
        let mut floor = latest.saturating_sub(1);
        self.registered.for_each(self.entries.len(), |index| {
            if let Some(entry) = self.entries.get(index)
                // SeqCst: load half of the handshake with `tell_lossless`. It contains the Acquire
                // that pairs with its Release, and with that of `give_up_lossless`.
                && let Seen::Lossless(seen) = Seen::from_bits(load_seqcst(&entry.as_ref().seen))
            {
                floor = floor.min(seen);
            }
        });
        floor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_stored_and_loaded() {
        for (history, waits) in [(0, false), (1, true), (62, false), (255, true)] {
            let terms = Terms { history, waits };
            assert_eq!(Terms::from_bits(terms.to_bits()), terms);
        }
        assert_eq!(Terms::from_bits(0), Terms::default());
    }

    #[test]
    fn seen_says_how_a_reader_reads() {
        assert_eq!(Seen::from_bits(7), Seen::Value(7));
        assert_eq!(Seen::from_bits(LOSSLESS | 7), Seen::Lossless(7));
        assert_eq!(Seen::from_bits(u64::MAX), Seen::Left);
        assert_eq!(Seen::from_bits(LOSSLESS | 7).number(), 7);
    }
}
