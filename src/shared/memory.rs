//! The memory of a shared array: one file that holds head, lock and elements; or somebody else's,
//! which holds elements alone.

use crate::element::atomic::Cell;
use crate::error::{Error, Result};
use crate::files::mapping::{self, DetachedMemory, Mapping, Pages};
use crate::files::reserve::{self, no_mapping};
use crate::files::seats::Seats;
use crate::format::extent::{ENTRIES_AT, Extent};
use crate::sys::Access;
use ndsharray_protocol::members::Members;
use ndsharray_protocol::rwlock::{Entry, RwLockWords};
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::Ordering;

/// A mapped array.
pub(crate) struct ArrayMemory {
    /// `None` when there are no bytes to map.
    mapping: Option<Mapping>,
    extent: Extent,
}

impl ArrayMemory {
    /// Who owns an entry: its handle, by the kernel's lock on it.
    pub(crate) const SEATS: Seats = Seats::new(ENTRIES_AT, Members::MAX);

    /// Sets the memory of a new array aside and maps it. All of it is zero.
    pub(crate) fn create(file: &File, path: &Path, extent: Extent, prefault: bool) -> Result<Self> {
        let len = extent.file_len().ok_or_else(|| too_large(path, &extent))?;
        crate::files::reserve::reserve(file, path, len)?;
        Self::map(file, path, extent, prefault)
    }

    /// Maps an array; the caller has checked that the file is as long as `extent` says.
    pub(crate) fn map(file: &File, path: &Path, extent: Extent, prefault: bool) -> Result<Self> {
        let len = extent.file_len().ok_or_else(|| too_large(path, &extent))?;
        let mapping = match len {
            0 => None,
            _ => {
                let mapping = Mapping::new(file, len, Access::ReadWrite, Pages::all_if(prefault));
                Some(mapping.map_err(|e| no_mapping(e, path, len))?)
            }
        };
        debug_assert!(extent.entries == 0 || extent.data_at >= Extent::lock_end(extent.entries));
        Ok(Self { mapping, extent })
    }

    /// Writes the head: byte order mark and version first, which tell what a maker that dies
    /// leaves, and the magic last. From there on the file is an array.
    pub(crate) fn finish(&self, head: &[u8; Extent::HEAD]) {
        let Some(mapping) = &self.mapping else { return };
        let (chunks, _) = head.as_chunks::<8>();
        let mut words = mapping::words(mapping).iter().zip(chunks);
        let magic = words.next();
        for (word, bytes) in words {
            // Release: the first of them before the others, for one that looks after a death.
            word.store(u64::from_ne_bytes(*bytes), Ordering::Release);
        }
        if let Some((word, bytes)) = magic {
            // Release: who finds the magic finds the rest of the head, the lock and the elements
            // too. Pairs with the Acquire fence after the head has been read, in `shared::open`.
            word.store(u64::from_ne_bytes(*bytes), Ordering::Release);
        }
    }

    pub(crate) fn byte_len(&self) -> usize {
        self.extent.byte_len
    }

    pub(crate) fn extent(&self) -> Extent {
        self.extent
    }

    /// Has the file mapped elsewhere; the addresses up to now lead to private memory. `None` when
    /// there is nothing to map.
    pub(crate) fn sever(&mut self, path: &Path) -> Result<Option<DetachedMemory>> {
        let severed = self.mapping.as_mut().map(Mapping::sever).transpose();
        severed.map_err(|e| Error::io("map anew", path, e))
    }

    /// The lock; `None` for a file without.
    #[inline]
    pub(crate) fn words(&self) -> Option<&RwLockWords> {
        let mapping = self.mapping.as_ref().filter(|_| self.extent.entries != 0)?;
        // SAFETY: `map` has mapped `data_at` bytes at least, which with entries are no fewer than
        // `lock_end`, beyond the words; LOCK_AT is a multiple of their alignment and the mapping
        // starts at a page. RwLockWords consist of atomics and integers that nobody reads, valid
        // whatever other processes write. The mapping, for reading and writing, outlives the
        // reference.
        Some(unsafe { &*mapping.as_ptr().wrapping_add(Extent::LOCK_AT).cast::<RwLockWords>() })
    }

    /// The entries of the lock.
    #[inline]
    pub(crate) fn entries(&self) -> &[Entry] {
        let Some(mapping) = self.mapping.as_ref().filter(|_| self.extent.entries != 0) else { return &[] };
        // SAFETY: as in `words`: the entries end at `lock_end`, which is not beyond `data_at`. An
        // Entry consists of atomics and padding.
        unsafe {
            core::slice::from_raw_parts(mapping.as_ptr().wrapping_add(ENTRIES_AT).cast::<Entry>(), self.extent.entries)
        }
    }

    /// The bytes `range` of the elements; `None` when there are not so many.
    ///
    /// # Safety
    ///
    /// Nobody changes them, in this process or in another, while the slice is in use.
    #[inline]
    pub(crate) unsafe fn bytes(&self, range: Range<usize>) -> Option<&[u8]> {
        let len = range.end.checked_sub(range.start)?;
        if range.end > self.extent.byte_len {
            return None;
        }
        // SAFETY: the range lies within the `byte_len` bytes from `data_at` on, which are mapped
        // while `self` is borrowed (or there are none, and the pointer is aligned and not null);
        // that they do not change is the caller's word.
        Some(unsafe { core::slice::from_raw_parts(self.data().wrapping_add(range.start), len) })
    }

    /// The bytes `range` of the elements, to be changed; `None` when there are not so many.
    ///
    /// # Safety
    ///
    /// Nobody else reads or changes them, in this process or in another, while the slice is in use.
    #[allow(clippy::mut_from_ref, reason = "that nobody else has them is the caller's word")]
    #[inline]
    pub(crate) unsafe fn bytes_mut(&self, range: Range<usize>) -> Option<&mut [u8]> {
        let len = range.end.checked_sub(range.start)?;
        if range.end > self.extent.byte_len {
            return None;
        }
        // SAFETY: the range lies within the `byte_len` bytes from `data_at` on, which are mapped
        // for reading and writing while `self` is borrowed (or there are none, and the pointer is
        // aligned and not null); that nobody else has them is the caller's word.
        Some(unsafe { core::slice::from_raw_parts_mut(self.data().wrapping_add(range.start), len) })
    }

    /// Element `index`, for atomic access; `None` when there are not so many of this size.
    ///
    /// # Safety
    ///
    /// Nobody has the element's bytes in a slice, in this process or in another, while the cell is
    /// used, except that a cell that is only loaded from may lie under a slice that is only read.
    #[inline]
    pub(crate) unsafe fn cell<C: Cell>(&self, index: usize) -> Option<&C> {
        let at = index.checked_mul(size_of::<C>())?;
        if at.checked_add(size_of::<C>())? > self.extent.byte_len {
            return None;
        }
        // SAFETY: the cell's bytes lie within the elements, which are mapped for reading and
        // writing while `self` is borrowed. They are aligned: the elements begin at a multiple of
        // 64 and the offset is a multiple of the cell's size, which is its alignment. A Cell takes
        // any bytes. Slices are the caller's to keep away.
        Some(unsafe { &*self.data().wrapping_add(at).cast::<C>() })
    }

    /// Where the elements begin: valid for reads and writes of `byte_len` bytes as long as `self`
    /// lives.
    pub(crate) fn as_mut_ptr(&self) -> *mut u8 {
        self.data()
    }

    #[inline]
    fn data(&self) -> *mut u8 {
        match &self.mapping {
            Some(mapping) => mapping.as_ptr().wrapping_add(self.extent.data_at),
            None => core::ptr::without_provenance_mut(Extent::ALIGN),
        }
    }
}

/// Elements fill the address space all but for the bytes before them.
fn too_large(path: &Path, extent: &Extent) -> Error {
    let requested = (extent.data_at as u64).saturating_add(extent.byte_len as u64);
    reserve::too_large(path, requested)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::extent::PAGE;

    #[test]
    fn elements_begin_after_the_lock() {
        for entries in [1, 50, 51, 52, 64, 448] {
            let extent = Extent::new(entries, 10);
            assert!(extent.data_at as u64 >= ArrayMemory::SEATS.range(entries - 1).end);
            assert!(extent.data_at.is_multiple_of(PAGE));
        }
        assert_eq!(Extent { entries: 1, data_at: 4096, byte_len: usize::MAX / 2 }.file_len(), None);
    }
}
