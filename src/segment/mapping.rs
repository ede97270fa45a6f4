//! A shared mapping of the front of a file.

use crate::sys::Access;
use memmap2::{MmapOptions, MmapRaw};
use std::fs::File;
use std::io;

/// `len` bytes of a file, mapped shared at a page boundary, until dropped.
///
/// The file is at least `len` bytes long when it is mapped. Whoever may write the file could cut it later, and then touching the pages
/// that are gone raises SIGBUS; only the file's owner (and those whom its mode lets write) can do that.
pub(super) struct Mapping {
    map: MmapRaw,
}

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
        Ok(Self { map })
    }

    pub(super) fn len(&self) -> usize {
        self.map.len()
    }

    /// The first byte. Valid for reads, and for writes if mapped for writing, of `len` bytes while `self` lives.
    pub(super) fn as_ptr(&self) -> *mut u8 {
        self.map.as_mut_ptr()
    }
}
