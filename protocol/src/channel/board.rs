//! The words of the board: what is current, and each slot's number and header.
//!
//! The writer alone stores them.

use super::{CellWord, LatestWord, SlotSeq, StateWord, Terms};
use crate::failpoint::fail_point;
use crate::sync::{AtomicU32, AtomicU64, Ordering, assert_size};

/// Words of a slot's header. What they mean is the library's to say.
pub const HEADER_WORDS: usize = 69;

assert_size!(Hot, 64);
assert_size!(Slot, 576);

/// The line that every reader polls.
#[repr(C, align(64))]
#[derive(Default)]
pub struct Hot {
    /// The number and slot of the current value.
    pub latest: LatestWord,
    _reserved_files: AtomicU64,
    /// Grows with each writer that takes the channel over; 1 is the first.
    pub(super) epoch: AtomicU64,
    /// How the channel stands.
    pub standing: StateWord,
    /// What the writer keeps, and whether it waits for readers.
    terms: AtomicU32,
    /// The writer's process id as it saw itself: a hint for people.
    pub(super) pid: AtomicU32,
    _reserved_too: AtomicU32,
    /// Number that the first value of this board follows.
    ///
    /// Not 0 on a board that replaces another.
    base: AtomicU64,
}

impl Hot {
    /// Which of the channel's writers is at work, or was the last.
    #[inline]
    pub fn epoch(&self) -> u64 {
        // Acquire: pairs with `begin_epoch`.
        self.epoch.load(Ordering::Acquire)
    }

    /// A new writer, with process id `pid`, begins.
    pub fn begin_epoch(&self, pid: u32) {
        // Relaxed: a hint.
        self.pid.store(pid, Ordering::Relaxed);
        // Release: pairs with `epoch`. Only the holder of the writer's lock gets here, so load and
        // store need not be one step.
        self.epoch.store(self.epoch().wrapping_add(1), Ordering::Release);
    }

    /// Stores the epoch and the number that a new board's first writer follows.
    ///
    /// They stand on the board, as that writer may not live to publish.
    pub fn set_base(&self, epoch: u64, number: u64) {
        // Relaxed: no party reads a board without a head, and `store_head` publishes it.
        self.epoch.store(epoch, Ordering::Relaxed);
        self.base.store(number, Ordering::Relaxed);
    }

    /// Moves the number that the first value is to follow, on a board without a value.
    ///
    /// A reader that came before takes it over with that value.
    pub fn move_base(&self, number: u64) {
        // Relaxed: the first value's store to `latest` comes later, and releases it.
        self.base.store(number, Ordering::Relaxed);
    }

    /// What the writer keeps, and whether it waits for readers.
    pub fn terms(&self) -> Terms {
        // Acquire: pairs with `set_terms`. A reader of an open channel has seen its state, which is
        // stored later.
        Terms::from_bits(self.terms.load(Ordering::Acquire))
    }

    /// Stores the terms of a writer that is about to begin its epoch.
    pub fn set_terms(&self, terms: Terms) {
        // Release: pairs with `terms`.
        self.terms.store(terms.to_bits(), Ordering::Release);
    }

    /// The number that the first value of this board follows.
    pub fn base(&self) -> u64 {
        // Relaxed: written before the head. One that was moved is seen by a reader of the first
        // value, which has acquired `latest`: see `move_base`.
        self.base.load(Ordering::Relaxed)
    }

    /// The writer's process id as it noted it.
    pub fn pid(&self) -> Option<u32> {
        // Acquire: pairs with `forget_pid`; otherwise a hint.
        let pid = self.pid.load(Ordering::Acquire);
        (pid != 0).then_some(pid)
    }

    /// Notes that a closed channel's writer has given back all that no slot names.
    pub fn forget_pid(&self) {
        // Release: after all that was given back, for the party that clears up. Pairs with `pid`.
        self.pid.store(0, Ordering::Release);
    }
}

/// A slot: its number, then its header.
///
/// All accesses to the header are Relaxed: the slot protocol orders them. A reader has pinned the
/// slot, or checks afterwards that it has not changed; a writer has claimed it.
#[repr(C, align(64))]
pub struct Slot {
    /// The number of the value that the slot holds.
    pub seq: SlotSeq,
    pub(super) header: [AtomicU64; HEADER_WORDS],
    /// Leads to the last value whose number has this slot's residue.
    pub cell: CellWord,
    /// Bytes of the value's attributes, if the header says that there are some.
    attributes: AtomicU32,
    /// The epoch that the header was written in.
    epoch: AtomicU32,
}

impl AsRef<SlotSeq> for Slot {
    #[inline]
    fn as_ref(&self) -> &SlotSeq {
        &self.seq
    }
}

impl AsRef<CellWord> for Slot {
    #[inline]
    fn as_ref(&self) -> &CellWord {
        &self.cell
    }
}

impl Slot {
    /// Loads the words of the header, one by one.
    #[inline]
    pub fn words(&self) -> impl Iterator<Item = u64> {
        self.header.iter().map(|word| word.load(Ordering::Relaxed))
    }

    /// Loads word `index` of the header; 0 when there is no such word.
    #[inline]
    pub fn word(&self, index: usize) -> u64 {
        self.header.get(index).map_or(0, |word| word.load(Ordering::Relaxed))
    }

    /// Stores the first words of the header, for values of the writer with this `epoch`.
    pub fn set_words(&self, words: &[u64], epoch: u64) {
        for (word, value) in self.header.iter().zip(words) {
            word.store(*value, Ordering::Relaxed);
        }
        // Its low half is all that there is room for, and no channel is restarted that often.
        #[allow(clippy::cast_possible_truncation, reason = "see above")]
        self.epoch.store(epoch as u32, Ordering::Relaxed);
    }

    /// Stores word `index` of the header alone.
    #[inline]
    pub fn set_word(&self, index: usize, value: u64) {
        if let Some(word) = self.header.get(index) {
            word.store(value, Ordering::Relaxed);
        }
    }

    /// Which of the channel's writers wrote the header.
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Relaxed).into()
    }

    /// Bytes of the value's attributes, if the header says that there are some.
    #[inline]
    pub fn attributes(&self) -> u32 {
        self.attributes.load(Ordering::Relaxed)
    }

    /// Stores the length of the value's attributes.
    #[inline]
    pub fn set_attributes(&self, len: u32) {
        self.attributes.store(len, Ordering::Relaxed);
    }
}

/// Copies the head, `N` words, from the first words of a file.
///
/// `None` while its first word is not there.
pub fn load_head<const N: usize>(words: &[AtomicU64]) -> Option<[u64; N]> {
    let mut head = [0; N];
    for (i, (copy, word)) in head.iter_mut().zip(words).enumerate() {
        // Acquire on the first word: pairs with `store_head`, so the rest of the head and file is
        // there when it is.
        let ordering = if i == 0 { Ordering::Acquire } else { Ordering::Relaxed };
        *copy = word.load(ordering);
        if i == 0 && *copy == 0 {
            return None;
        }
    }
    Some(head)
}

/// Writes the head of a board or table, its first word last.
///
/// All that was written to the file before comes before that.
pub fn store_head<const N: usize>(words: &[AtomicU64], head: &[u64; N]) {
    for (i, (word, value)) in words.iter().zip(head).enumerate().rev() {
        // Release on the first word: pairs with `load_head`.
        let ordering = if i == 0 { Ordering::Release } else { Ordering::Relaxed };
        if i == 0 {
            fail_point!("head.body");
        }
        word.store(*value, ordering);
    }
}
