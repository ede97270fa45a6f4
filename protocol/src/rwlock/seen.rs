//! What the words say, to a party that only looks and takes no part.

use super::{Entry, LockWord, RwLockWords};
use crate::members::Members;
use crate::sync::Ordering;

impl RwLockWords {
    /// The lock word.
    pub fn word(&self) -> LockWord {
        // Relaxed, here and below: for reports, by which no party acts.
        LockWord::from_bits(self.word.load(Ordering::Relaxed))
    }

    /// The entries in use.
    pub fn members(&self) -> &Members {
        &self.members
    }
}

impl Entry {
    /// How often the owner of the entry shares the array.
    pub fn sharing(&self) -> u64 {
        self.sharing.load(Ordering::Relaxed)
    }

    /// The process id that the owner noted.
    pub fn pid(&self) -> Option<u32> {
        Some(self.pid.load(Ordering::Relaxed)).filter(|&pid| pid != 0)
    }
}
