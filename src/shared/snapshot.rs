//! The lock of a shared array as it was at one moment, for reports.

use crate::files::snapshot::Snapshot;
use crate::format::extent::Extent;
use ndsharray_protocol::members::Members;
use ndsharray_protocol::rwlock::{Entry, LockWord, RwLockWords};

/// The lock's words, and those of its entries.
pub(crate) struct LockSnapshot {
    words: Snapshot,
    entries: usize,
}

impl LockSnapshot {
    /// Bytes from [`Extent::LOCK_AT`] on that a lock with so many entries takes.
    pub(crate) fn len_for(entries: usize) -> usize {
        Extent::lock_end(entries).saturating_sub(Extent::LOCK_AT)
    }

    /// The lock at the front of `bytes`; what the end lacks counts as zero.
    pub(crate) fn of(mut bytes: Vec<u8>, entries: usize) -> Self {
        let entries = entries.min(Members::MAX);
        bytes.resize(Self::len_for(entries), 0);
        Self { words: Snapshot::of(&bytes), entries }
    }

    /// The lock word.
    pub(crate) fn word(&self) -> LockWord {
        self.lock().map_or(LockWord::from_bits(0), RwLockWords::word)
    }

    /// The entries in use.
    pub(crate) fn members(&self) -> Vec<usize> {
        let mut members = Vec::new();
        if let Some(lock) = self.lock() {
            lock.members().for_each(self.entries, |index| members.push(index));
        }
        members
    }

    /// The words of an entry.
    pub(crate) fn entry(&self, index: usize) -> Option<&Entry> {
        self.words.slice(size_of::<RwLockWords>(), self.entries)?.get(index)
    }

    fn lock(&self) -> Option<&RwLockWords> {
        self.words.at(0)
    }
}
