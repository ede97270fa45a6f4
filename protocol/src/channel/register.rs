//! A reader comes and goes: its entry is put into use and taken out.
//!
//! Its pins are cleared before either.

use super::{Pins, Seen};
use crate::failpoint::fail_point;
use crate::members::Members;
use crate::sync::Ordering;

impl Pins {
    /// Puts this entry, whose lock the caller holds, into use.
    ///
    /// Whatever a dead owner pinned is given back.
    pub fn register(&self, members: &Members, index: usize) {
        self.register_with(members, index, 0);
    }

    /// As [`register`](Self::register), with a first `seen` word.
    pub(super) fn register_with(&self, members: &Members, index: usize, seen: u64) {
        // Release: a writer that still sees the bit of the entry's owner before us may load these
        // zeros instead of that owner's own. The entry's lock made its reads happen before ours;
        // this passes them on. Pairs with `WriterSide::scan`.
        self.borrowed.store(0, Ordering::Release);
        self.kept.store(0, Ordering::Release);
        // Relaxed: a writer that sees the bit of `add` sees this. One that sees the bit of the
        // owner before may take that owner's `seen` for ours, which it asks the kernel about, or
        // this.
        self.seen.store(seen, Ordering::Relaxed);
        fail_point!("register.cleared");
        // Every later pin of this reader comes after the SeqCst of `add`.
        members.add(index);
        fail_point!("register.shown");
    }

    /// Takes this entry out of use and gives back what it pinned.
    ///
    /// The caller holds the entry's lock.
    pub fn deregister(&self, members: &Members, index: usize) {
        // Release: reads of the values before the cleared words. Pairs with `WriterSide::scan`. A
        // writer that sees the bit gone and never loads the words is served by the Release of
        // `Members::remove`.
        self.borrowed.store(0, Ordering::Release);
        self.kept.store(0, Ordering::Release);
        fail_point!("register.emptied");
        members.remove(index);
    }

    /// Whether the reader of this entry has told that it has come to value `number`.
    #[inline]
    pub fn has_seen(&self, number: u64) -> bool {
        // Relaxed: a stale number is only cautious, see `ReaderSide::tell`.
        Seen::from_bits(self.seen.load(Ordering::Relaxed)).number() >= number
    }
}
