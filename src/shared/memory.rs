//! The memory of a shared array: one mapped file.
//!
//! An array of this library has head, lock and elements in it; a foreign block has elements alone.

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
    /// Owners of the entries: a handle owns its entry through the kernel's lock on it.
    pub(crate) const SEATS: Seats = Seats::new(ENTRIES_AT, Members::MAX);

    /// Reserves the memory of a new array and maps it; all of it is zero.
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

    /// Writes the head; from then on the file is an array.
    ///
    /// Byte order mark and version come first, so that they describe what a maker that dies leaves.
    /// The magic comes last.
    pub(crate) fn finish(&self, head: &[u8; Extent::HEAD]) {
        let Some(mapping) = &self.mapping else { return };
        let (chunks, _) = head.as_chunks::<8>();
        let mut words = mapping::words(mapping, mapping.len()).iter().zip(chunks);
        let magic = words.next();
        for (word, bytes) in words {
            // Release: stored before the rest, for a process that looks after the maker's death.
            word.store(u64::from_ne_bytes(*bytes), Ordering::Release);
        }
        if let Some((word, bytes)) = magic {
            // Release: a process that finds the magic also finds the rest of the head, the lock and
            // the elements. Pairs with the Acquire fence after the head has been read, in
            // `shared::open`.
            word.store(u64::from_ne_bytes(*bytes), Ordering::Release);
        }
    }

    pub(crate) fn byte_len(&self) -> usize {
        self.extent.byte_len
    }

    pub(crate) fn extent(&self) -> Extent {
        self.extent
    }

    /// Maps the file elsewhere; the addresses up to now lead to private memory.
    ///
    /// `None` when there is nothing to map.
    pub(crate) fn sever(&mut self, path: &Path) -> Result<Option<DetachedMemory>> {
        let severed = self.mapping.as_mut().map(Mapping::sever).transpose();
        severed.map_err(|e| Error::io("map anew", path, e))
    }

    /// The lock; `None` for a file without a lock.
    #[inline]
    pub(crate) fn words(&self) -> Option<&RwLockWords> {
        let mapping = self.mapping.as_ref().filter(|_| self.extent.entries != 0)?;
        // SAFETY: `map` has mapped at least `data_at` bytes. With entries these are no fewer than
        // `lock_end`, which lies beyond the words. LOCK_AT is a multiple of their alignment and the
        // mapping starts at a page. RwLockWords consist of atomics and of integers that are never
        // read, valid whatever other processes write. The mapping, for reading and writing,
        // outlives the reference.
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

    /// The bytes `range` of the elements; `None` when it lies outside them.
    ///
    /// # Safety
    ///
    /// No party, in this process or in another, changes them while the slice is in use.
    #[inline]
    pub(crate) unsafe fn bytes(&self, range: Range<usize>) -> Option<&[u8]> {
        let len = range.end.checked_sub(range.start)?;
        if range.end > self.extent.byte_len {
            return None;
        }
        // SAFETY: the range lies within the `byte_len` bytes from `data_at` on, which are mapped
        // while `self` is borrowed. If there are none, the pointer is aligned and not null. The
        // caller promises that they do not change.
        Some(unsafe { core::slice::from_raw_parts(self.data().wrapping_add(range.start), len) })
    }

    /// The bytes `range` of the elements, to be changed; `None` when it lies outside them.
    ///
    /// # Safety
    ///
    /// No other party, in this process or in another, reads or changes them while the slice is in
    /// use.
    #[allow(clippy::mut_from_ref, reason = "the caller promises exclusive access")]
    #[inline]
    pub(crate) unsafe fn bytes_mut(&self, range: Range<usize>) -> Option<&mut [u8]> {
        let len = range.end.checked_sub(range.start)?;
        if range.end > self.extent.byte_len {
            return None;
        }
        // SAFETY: the range lies within the `byte_len` bytes from `data_at` on, which are mapped
        // for reading and writing while `self` is borrowed. If there are none, the pointer is
        // aligned and not null. The caller promises exclusive access.
        Some(unsafe { core::slice::from_raw_parts_mut(self.data().wrapping_add(range.start), len) })
    }

    /// Element `index`, for atomic access; `None` when there is no such element of this size.
    ///
    /// # Safety
    ///
    /// No slice, in this process or in another, covers the element's bytes while the cell is used.
    /// One exception: a cell that is only loaded from may lie under a slice that is only read.
    #[inline]
    pub(crate) unsafe fn cell<C: Cell>(&self, index: usize) -> Option<&C> {
        let at = index.checked_mul(size_of::<C>())?;
        if at.checked_add(size_of::<C>())? > self.extent.byte_len {
            return None;
        }
        // SAFETY: the cell's bytes lie within the elements, which are mapped for reading and
        // writing while `self` is borrowed. They are aligned: the elements begin at a multiple of
        // 64 and the offset is a multiple of the cell's size, which is its alignment. A Cell takes
        // any bytes. The caller keeps slices away.
        // any bytes. Slices are the caller's to keep away.
        Some(unsafe { &*self.data().wrapping_add(at).cast::<C>() })
    }

    /// The address of the elements: valid for reads and writes of `byte_len` bytes while `self`
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

/// The elements leave no room in the address space for the bytes before them.
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
            let extent = Extent::new(entries, 0, 10);
            assert!(extent.data_at as u64 >= ArrayMemory::SEATS.range(entries - 1).end);
            assert!(extent.data_at.is_multiple_of(PAGE));
        }
        assert_eq!(Extent { entries: 1, data_at: 4096, byte_len: usize::MAX / 2 }.file_len(), None);
    }
}
