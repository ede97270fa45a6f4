//! What is where in the file of a shared array.

use ndsharray_protocol::rwlock::{Entry, RwLockWords};

/// Bytes before the lock: the head, with room for 64 axes.
const WORDS_AT: usize = 576;
/// Where the entries of the lock begin.
pub(crate) const ENTRIES_AT: usize = WORDS_AT + size_of::<RwLockWords>();

/// Elements begin at a multiple of this in files made by this version.
pub(crate) const PAGE: usize = 4096;

static_assertions::const_assert_eq!(WORDS_AT % align_of::<RwLockWords>(), 0);
static_assertions::const_assert_eq!(ENTRIES_AT % align_of::<Entry>(), 0);

/// What is where in the file of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Entries of the lock; 0 for a file without head and lock.
    pub(crate) entries: usize,
    /// Where the elements begin; 0 for a file without head and lock.
    pub(crate) data_at: usize,
    /// Bytes of all elements.
    pub(crate) byte_len: usize,
}

impl Extent {
    /// Bytes before the lock.
    pub(crate) const HEAD: usize = WORDS_AT;
    /// The alignment that elements have at least.
    pub(crate) const ALIGN: usize = 64;

    /// The extent of a new file, with so many bytes between lock and elements.
    pub(crate) fn new(entries: usize, between: usize, byte_len: usize) -> Self {
        let data_at = Self::lock_end(entries).saturating_add(between).next_multiple_of(PAGE);
        Self { entries, data_at, byte_len }
    }

    /// Where the lock begins.
    pub(crate) const LOCK_AT: usize = WORDS_AT;

    /// Where the lock with so many entries ends.
    pub(crate) fn lock_end(entries: usize) -> usize {
        ENTRIES_AT.saturating_add(entries.saturating_mul(size_of::<Entry>()))
    }

    /// Bytes of all of it; `None` when that is more than memory can have.
    pub(crate) fn file_len(&self) -> Option<usize> {
        self.data_at.checked_add(self.byte_len).filter(|&len| isize::try_from(len).is_ok())
    }
}
