//! The lock in bytes that the kernel copied out of an array's file: for those who only look.

use super::{Entry, LockWord, RwLockWords};
use crate::channel::{set_bits, u32_at, u64_at};
use crate::members::Members;
use core::mem::offset_of;

/// A copy of the lock and its entries.
pub struct LockCopy {
    bytes: Vec<u8>,
    entries: usize,
}

impl LockCopy {
    /// Bytes of a lock with so many entries.
    pub fn len_for(entries: usize) -> usize {
        size_of::<RwLockWords>().saturating_add(entries.saturating_mul(size_of::<Entry>()))
    }

    /// `bytes` start with the lock; what is missing at the end counts as zero.
    pub fn new(bytes: Vec<u8>, entries: usize) -> Self {
        Self { bytes, entries: entries.min(Members::MAX) }
    }

    /// The lock word.
    pub fn word(&self) -> LockWord {
        LockWord::from_bits(u64_at(&self.bytes, offset_of!(RwLockWords, word)))
    }

    /// The entries in use.
    pub fn members(&self) -> Vec<usize> {
        set_bits(&self.bytes, offset_of!(RwLockWords, members), self.entries)
    }

    /// How often the owner of an entry shares the array.
    pub fn sharing(&self, index: usize) -> u64 {
        u64_at(&self.bytes, Self::entry_at(index).saturating_add(offset_of!(Entry, sharing)))
    }

    /// The process id that the owner of an entry noted.
    pub fn pid(&self, index: usize) -> Option<u32> {
        Some(u32_at(&self.bytes, Self::entry_at(index).saturating_add(offset_of!(Entry, pid)))).filter(|&pid| pid != 0)
    }

    fn entry_at(index: usize) -> usize {
        Self::len_for(index)
    }
}
