//! A description that structs are compared with again and again.

use super::error::Mismatch;
use super::layout::RecordLayout;
use super::record_type::RecordType;
use std::fmt;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// A description, and the struct that it was last found to be.
pub(crate) struct KnownRecord {
    record: RecordType,
    /// Null before the first.
    matched: AtomicPtr<RecordLayout>,
}

impl KnownRecord {
    pub(crate) fn new(record: RecordType) -> Self {
        Self { record, matched: AtomicPtr::new(ptr::null_mut()) }
    }

    pub(crate) fn record(&self) -> &RecordType {
        &self.record
    }

    /// Whether the struct was the last that the records were found to be.
    #[inline(always)]
    pub(crate) fn is_matched(&self, layout: &'static RecordLayout) -> bool {
        // Relaxed: the address itself is all that is asked for, and nothing is read through it. So
        // neither this nor the store below has a partner.
        ptr::eq(self.matched.load(Ordering::Relaxed), layout)
    }

    /// Makes sure that a struct consists of what the records do.
    #[inline]
    pub(crate) fn check(&self, layout: &'static RecordLayout) -> Result<(), Box<Mismatch>> {
        if self.is_matched(layout) { Ok(()) } else { self.compare(layout) }
    }

    #[cold]
    #[inline(never)]
    fn compare(&self, layout: &'static RecordLayout) -> Result<(), Box<Mismatch>> {
        if let Some(mismatch) = layout.difference(&self.record) {
            return Err(mismatch);
        }
        // Relaxed: see `is_matched`.
        self.matched.store(ptr::from_ref(layout).cast_mut(), Ordering::Relaxed);
        Ok(())
    }
}

impl Clone for KnownRecord {
    fn clone(&self) -> Self {
        Self::new(self.record.clone())
    }
}

impl fmt::Debug for KnownRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.record.fmt(f)
    }
}
