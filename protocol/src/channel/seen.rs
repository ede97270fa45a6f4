//! What the words say, to a party that only looks and takes no part.

use super::{Entry, Latest, LatestWord, PinMask, Pins, Seen, SlotSeq};
use crate::sync::Ordering;

impl LatestWord {
    /// What is current.
    #[inline]
    pub fn load(&self) -> Latest {
        // Acquire: pairs with the `latest` store of `WriterSide::publish`.
        Latest::from_bits(self.0.load(Ordering::Acquire))
    }
}

impl SlotSeq {
    /// The number of the slot's value; 0 while it is being written.
    pub fn load(&self) -> u64 {
        // Acquire: pairs with the `seq` store of `WriterSide::publish`.
        self.0.load(Ordering::Acquire)
    }
}

impl Pins {
    /// The slot of the reader's one borrowed sample, as a set.
    pub fn borrowed(&self) -> PinMask {
        // Relaxed, here and below: for reports, by which no party acts.
        PinMask::from_bits(self.borrowed.load(Ordering::Relaxed))
    }

    /// The slots of the reader's owned samples.
    pub fn kept(&self) -> PinMask {
        PinMask::from_bits(self.kept.load(Ordering::Relaxed))
    }

    /// How often an attempt of the reader to pin came too late.
    pub fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    /// How far the reader has come.
    pub fn seen(&self) -> Seen {
        Seen::from_bits(self.seen.load(Ordering::Relaxed))
    }
}

impl Entry {
    /// The process id that the reader noted.
    pub fn pid(&self) -> Option<u32> {
        // Relaxed: a hint.
        Some(self.pid.load(Ordering::Relaxed)).filter(|&pid| pid != 0)
    }
}
