//! A shared mapping of the front of a file.

use crate::sys::{self, Access};
use memmap2::{MmapOptions, MmapRaw};
use std::fmt;
use std::fs::File;
use std::io;

/// `len` bytes of a file, mapped shared at a page boundary, until dropped.
///
/// The file is at least `len` bytes long when it is mapped. Whoever may write the file could cut it later, and then touching the pages
/// that are gone raises SIGBUS; only the file's owner (and those whom its mode lets write) can do that.
pub(super) struct Mapping {
    start: *mut u8,
    len: usize,
    _region: Region,
}

// SAFETY: the memory belongs to the mapping, whatever thread it is used in, and what is done to it through the address is for those who do it to justify. Making, moving
// and unmapping mappings is free of threads.
unsafe impl Send for Mapping {}
// SAFETY: as above; a shared reference gives nothing but address and length.
unsafe impl Sync for Mapping {}

/// Who unmaps it.
#[expect(dead_code, reason = "held to be dropped")]
enum Region {
    Mapped(MmapRaw),
    Moved(Moved),
}

/// A mapping as [`sys::sever`] leaves it.
struct Moved {
    start: *mut u8,
    len: usize,
}

impl Drop for Moved {
    fn drop(&mut self) {
        // SAFETY: from `sever`, of this length, and gone with this.
        unsafe { sys::unmap(self.start, self.len) };
    }
}

/// Memory that a loan or a hold has lent by its address, and that leads to no shared file any more, or to one that nobody else has: the address stays valid for reads and
/// writes as long as this lives.
pub struct SeveredMemory {
    _mapping: Mapping,
}

static_assertions::assert_impl_all!(SeveredMemory: Send, Sync);

impl Mapping {
    /// Maps; the caller has checked that the file has `len` bytes.
    pub(super) fn new(file: &File, len: usize, access: Access, prefault: bool) -> io::Result<Self> {
        let mut options = MmapOptions::new();
        options.len(len);
        if prefault {
            options.populate();
        }
        let map = match access {
            Access::Read => options.map_raw_read_only(file),
            Access::ReadWrite => options.map_raw(file),
        }?;
        Ok(Self { start: map.as_mut_ptr(), len: map.len(), _region: Region::Mapped(map) })
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The first byte. Valid for reads, and for writes if mapped for writing, of `len` bytes while `self` lives, or until it is [severed](Self::sever).
    pub(super) fn as_ptr(&self) -> *mut u8 {
        self.start
    }

    /// Maps the file elsewhere; the addresses up to now lead to private zeros, as long as what is returned lives. For mappings for writing.
    pub(super) fn sever(&mut self) -> io::Result<SeveredMemory> {
        // SAFETY: `new` made the mapping, or `sever` did, all of it, for writing by the caller's word; references to it borrow `self`, which is borrowed mutably.
        let start = unsafe { sys::sever(self.start, self.len) }?;
        let moved = Self { start, len: self.len, _region: Region::Moved(Moved { start, len: self.len }) };
        Ok(std::mem::replace(self, moved).into_severed())
    }

    /// Keeps the addresses as they are. For a file that nobody else has.
    pub(super) fn into_severed(self) -> SeveredMemory {
        SeveredMemory { _mapping: self }
    }
}

impl fmt::Debug for SeveredMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeveredMemory").finish_non_exhaustive()
    }
}
