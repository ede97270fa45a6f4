//! Payload files: the elements of one slot's array, from the file's first byte on.

use crate::error::{Error, Result};
use crate::failpoint::fail_point;
use crate::files::location::Location;
use crate::files::mapping::{DetachedMemory, Mapping, Pages};
use crate::files::owners::Owners;
use crate::files::reserve::{no_mapping, write_new};
use crate::format::error::HeaderError;
use crate::format::tail::{MAX_TAIL, Record, Tail};
use crate::sys::{self, Access, Identity};
use ndsharray_protocol::channel::Claim;
use std::fs::File;
use std::path::Path;
use uuid::Uuid;

/// The smallest payload file, one page: less would not save memory.
const PAGE: usize = 4096;

/// A payload file, mapped by its writer for reading and writing.
pub(crate) struct WritePayload {
    id: Uuid,
    mapping: Mapping,
    /// In a box, as it is rarely looked at.
    file: Box<PayloadFile>,
}

/// What is known of a payload file beside its mapping.
struct PayloadFile {
    identity: Identity,
    /// Its end, mapped apart: see [`WritePayload::extend`].
    end: Option<End>,
}

/// Bytes by which a file is extended for what stands behind the elements.
const EXTENSION: usize = MAX_TAIL.next_multiple_of(PAGE);

/// A second mapping: of an extended file's end, and of what lies before it.
struct End {
    /// The byte of the file that it begins with.
    from: usize,
    mapping: Mapping,
}

impl WritePayload {
    /// Creates a payload file for at least `bytes` bytes, with the memory set aside.
    ///
    /// The capacity is rounded up to the next of eight steps per power of two. So an array that
    /// grows a little with each write gets a new file only now and then, and no more than an eighth
    /// is wasted.
    ///
    /// What is known of its `content` may be written already, instead of being left to the caller.
    /// Also returns whether it has been.
    pub(crate) fn create(
        location: &Location,
        bytes: usize,
        mode: u32,
        prefault: bool,
        content: &[u8],
    ) -> Result<(Self, bool)> {
        let id = Uuid::new_v4();
        let path = location.payload(id);
        let capacity = capacity_for(bytes);
        let file = crate::files::trusted::create(&path, mode)?;
        fail_point!("payload.created");
        let written = if content.len() > PAGE && sys::WRITES_NEW_PAGES_FASTER { content } else { &[] };
        let filled = Self::fill(&file, &path, capacity, prefault, written);
        let identified = filled.and_then(|mapping| {
            let identity = sys::identify(&file).map_err(|e| Error::io("inspect", &path, e))?;
            Ok(Self { id, mapping, file: Box::new(PayloadFile { identity, end: None }) })
        });
        match identified {
            Ok(payload) => Ok((payload, !written.is_empty())),
            Err(error) => {
                // Best effort: the name is ours alone, and a later writer removes what is left.
                let _ = sys::remove_file(&path);
                Err(error)
            }
        }
    }

    /// Creates a payload file that holds `content`, and the bytes of `tail` behind it.
    pub(crate) fn copy_of(location: &Location, content: &[u8], tail: Tail, behind: &[u8], mode: u32) -> Result<Self> {
        let (mut payload, written) = Self::create(location, tail.end(content.len()), mode, false, content)?;
        if !written {
            let len = content.len().min(payload.mapping.len());
            // SAFETY: `len` bytes are mapped for writing, and `content` has as many. The file is
            // new and no other code knows its name, so none reads or writes them; `content` lies in
            // another mapping.
            unsafe { core::ptr::copy_nonoverlapping(content.as_ptr(), payload.mapping.as_ptr(), len) };
        }
        // The file is new, and no slot names it.
        let to = payload.behind_mut(Tail::at(content.len()), behind.len());
        to.iter_mut().zip(behind).for_each(|(to, from)| *to = *from);
        Ok(payload)
    }

    /// The first `len` bytes; all, if there are fewer.
    pub(crate) fn bytes(&self, len: usize) -> &[u8] {
        let len = len.min(self.mapping.len());
        // SAFETY: `len` bytes are mapped while `self` is borrowed. Only this process writes them,
        // through `bytes_mut`, which borrows `self` mutably, or through addresses that were passed
        // on from a loan and severed from the file before it was published.
        unsafe { core::slice::from_raw_parts(self.mapping.as_ptr(), len) }
    }

    /// The bytes of a value's `tail` behind `byte_len` bytes of elements.
    ///
    /// Empty, if the file has none.
    pub(crate) fn behind(&self, byte_len: usize, tail: Tail) -> &[u8] {
        let (at, len) = (Tail::at(byte_len), tail.len());
        let Some(start) = self.behind_ptr(at, len) else { return &[] };
        // SAFETY: `len` bytes from `start` on are mapped while `self` is borrowed, and only this
        // process writes them, through `behind_mut`, which borrows `self` mutably.
        unsafe { core::slice::from_raw_parts(start, len) }
    }

    /// The `len` bytes from byte `at` of the file on, to be filled. Empty, if the file has none.
    fn behind_mut(&mut self, at: usize, len: usize) -> &mut [u8] {
        let Some(start) = self.behind_ptr(at, len) else { return &mut [] };
        // SAFETY: `len` bytes from `start` on are mapped for reading and writing while `self` is
        // borrowed, and this process has no other reference to them, through either mapping: `self`
        // is borrowed mutably, and made both. For other processes it is as in `bytes_mut`: the
        // callers have a claim, or a file that no slot names yet. Any bytes are valid u8.
        unsafe { core::slice::from_raw_parts_mut(start, len) }
    }

    /// Where the `len` bytes from byte `at` of the file on are mapped; `None`, if they are not.
    fn behind_ptr(&self, at: usize, len: usize) -> Option<*mut u8> {
        let end = at.checked_add(len)?;
        if end <= self.mapping.len() {
            return Some(self.mapping.as_ptr().wrapping_add(at));
        }
        let End { from, mapping } = self.file.end.as_ref()?;
        let first = at.checked_sub(*from)?;
        (end.checked_sub(*from)? <= mapping.len()).then(|| mapping.as_ptr().wrapping_add(first))
    }

    /// Makes room for a tail that ends at byte `end` of the file. The elements stay where they are.
    ///
    /// They may be lent, and fit the capacity. So the file becomes longer, and its end is mapped
    /// apart.
    pub(crate) fn extend(&mut self, _claim: &Claim, location: &Location, owners: Owners, end: usize) -> Result<()> {
        let capacity = self.capacity();
        if end <= capacity || self.file.end.is_some() {
            return Ok(());
        }
        let path = location.payload(self.id);
        let (file, identity) = crate::files::trusted::open_trusted(&path, Access::ReadWrite, owners)?;
        if !sys::same_file(&identity, &self.file.identity) {
            // What has the name is another process' doing.
            return Err(Error::not_found(path));
        }
        let len = capacity.saturating_add(EXTENSION);
        crate::files::reserve::extend(&file, &path, len, EXTENSION)?;
        fail_point!("attributes.extended");
        // A tail may begin before the old end, and be mapped in one piece nevertheless.
        let from = capacity.saturating_sub(EXTENSION);
        let mapping =
            Mapping::part(&file, from, len - from, Access::ReadWrite).map_err(|e| no_mapping(e, &path, len - from))?;
        self.file.end = Some(End { from, mapping });
        Ok(())
    }

    fn fill(file: &File, path: &Path, capacity: usize, prefault: bool, content: &[u8]) -> Result<Mapping> {
        if content.len() < capacity {
            crate::files::reserve::reserve(file, path, capacity)?;
        }
        fail_point!("payload.reserved");
        write_new(file, path, content)?;
        let pages = Pages { written: content.len(), rest: prefault };
        Mapping::new(file, capacity, Access::ReadWrite, pages).map_err(|e| no_mapping(e, path, capacity))
    }

    pub(crate) fn id(&self) -> Uuid {
        self.id
    }

    /// Bytes that fit.
    pub(crate) fn capacity(&self) -> usize {
        self.mapping.len()
    }

    /// The first `len` bytes, to be filled by the holder of the slot's `claim`.
    ///
    /// All, if there are fewer.
    pub(crate) fn bytes_mut(&mut self, _claim: &Claim, len: usize) -> &mut [u8] {
        let len = len.min(self.mapping.len());
        // SAFETY: `len` bytes are mapped for reading and writing while `self` is borrowed, and this
        // process has no other reference to them: `self` is borrowed mutably and made the mapping.
        // In other mappings of the file no process reads them as a slice. A reader forms one only
        // while its pin holds, and the claim proves that there is none (see `slots`). Copies
        // without a pin are made by the kernel. Any bytes are valid u8.
        unsafe { core::slice::from_raw_parts_mut(self.mapping.as_ptr(), len) }
    }
}

impl WritePayload {
    /// Writes what stands behind `byte_len` bytes of elements, for the holder of the `claim`.
    ///
    /// There is [room](Self::extend) for it.
    pub(crate) fn write_behind(
        &mut self,
        _claim: &Claim,
        byte_len: usize,
        tail: Tail,
        record: Option<&Record>,
        attributes: &[u8],
    ) {
        Tail::fill(self.behind_mut(Tail::at(byte_len), tail.len()), record, attributes);
    }

    /// Maps the file elsewhere, for the holder of the slot's `claim`: see [`DetachedMemory`].
    pub(crate) fn sever(&mut self, _claim: &Claim, location: &Location) -> Result<DetachedMemory> {
        self.mapping.sever().map_err(|e| Error::io("map anew", &location.payload(self.id), e))
    }

    /// The memory, for holders of its address.
    ///
    /// No other process maps the file, now or later.
    pub(crate) fn into_memory(self) -> DetachedMemory {
        self.mapping.into_severed()
    }
}

/// A payload file, mapped by a reader for reading alone.
pub(crate) struct ReadPayload {
    id: Uuid,
    mapping: Mapping,
}

impl ReadPayload {
    /// Maps the payload file `id`, which must hold at least `needed` bytes.
    ///
    /// `open` may be that file, should it have lost its name.
    pub(crate) fn open(
        location: &Location,
        id: Uuid,
        needed: usize,
        owners: Owners,
        open: Option<&File>,
    ) -> Result<Self> {
        let path = location.payload(id);
        let gone = |found| HeaderError::Payload { expected: needed as u64, found };
        match crate::files::trusted::open_trusted(&path, Access::Read, owners) {
            Ok((file, identity)) => Self::map(&file, &identity, &path, id, needed),
            Err(Error::NotFound { .. }) => {
                let file = open.ok_or_else(|| gone(0))?;
                let identity = sys::identify(file).map_err(|e| Error::io("inspect", &path, e))?;
                Self::map(file, &identity, &path, id, needed)
            }
            Err(other) => Err(other),
        }
    }

    fn map(file: &File, identity: &Identity, path: &Path, id: Uuid, needed: usize) -> Result<Self> {
        let gone = || HeaderError::Payload { expected: needed as u64, found: identity.len };
        let len = usize::try_from(identity.len).map_err(|_| gone())?;
        if len < needed || len == 0 {
            return Err(gone().into());
        }
        check_set_aside(file, identity, needed)?;
        let mapping = Mapping::new(file, len, Access::Read, Pages::NONE).map_err(|e| no_mapping(e, path, len))?;
        Ok(Self { id, mapping })
    }

    pub(crate) fn id(&self) -> Uuid {
        self.id
    }

    pub(crate) fn len(&self) -> usize {
        self.mapping.len()
    }

    /// The first `len` bytes; all, if there are fewer.
    ///
    /// # Safety
    ///
    /// The slot that names this file must be pinned, by this process, for as long as the slice is
    /// used.
    #[inline]
    pub(crate) unsafe fn bytes(&self, len: usize) -> &[u8] {
        let len = len.min(self.mapping.len());
        // SAFETY: `len` bytes are mapped while `self` is borrowed. They do not change meanwhile:
        // the caller's pin keeps the writer away (see `slots`), this mapping is read-only, and no
        // process but the writer may write the file by its mode. A process that breaks the protocol
        // with the owner's rights is outside what this crate can promise (docs/SAFETY.md).
        unsafe { core::slice::from_raw_parts(self.mapping.as_ptr(), len) }
    }

    /// The bytes of a value's `tail` behind `byte_len` bytes of elements.
    ///
    /// Empty, if the file is shorter.
    ///
    /// # Safety
    ///
    /// As [`bytes`](Self::bytes).
    pub(crate) unsafe fn behind(&self, byte_len: usize, tail: Tail) -> &[u8] {
        let (at, len) = (Tail::at(byte_len), tail.len());
        if at.checked_add(len).is_none_or(|end| end > self.mapping.len()) {
            return &[];
        }
        // SAFETY: the bytes from `at` to the tail's end are mapped; for the rest see `bytes`.
        unsafe { core::slice::from_raw_parts(self.mapping.as_ptr().wrapping_add(at), len) }
    }
}

/// Refuses a payload file that has less memory than its value needs.
///
/// Writers set all of it aside before a header names the file. Touching what is missing would take
/// memory then, in the name of the process that reads.
pub(crate) fn check_set_aside(file: &File, identity: &Identity, needed: usize) -> Result<()> {
    let (expected, found) = (needed as u64, identity.allocated);
    if found < expected && sys::tells_what_is_set_aside(file) {
        return Err(HeaderError::Sparse { expected, found }.into());
    }
    Ok(())
}

fn capacity_for(bytes: usize) -> usize {
    let bytes = bytes.max(PAGE);
    // A step is an eighth of the largest power of two that is not larger, and at least a page; both
    // are powers of two.
    let step = (1usize << bytes.ilog2() >> 3).max(PAGE);
    bytes.checked_next_multiple_of(step).unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_new_file_holds_its_content_and_zeros_and_takes_all_its_memory() {
        let dir = tempfile::tempdir().unwrap();
        let location = Location::new("new", Some(dir.path())).unwrap();
        for prefault in [false, true] {
            for len in [0, 1, PAGE, PAGE + 1, 10 * PAGE, 675 * PAGE, 675 * PAGE + 5] {
                let content = vec![7; len];
                let (payload, written) = WritePayload::create(&location, len, 0o600, prefault, &content).unwrap();
                assert_eq!(written, len > PAGE && sys::WRITES_NEW_PAGES_FASTER, "{len}");
                let path = location.payload(payload.id());
                let found = std::fs::read(&path).unwrap();
                assert_eq!(found.len(), capacity_for(len));
                let (front, rest) = found.split_at(if written { len } else { 0 });
                assert!(front.iter().all(|&byte| byte == 7) && rest.iter().all(|&byte| byte == 0), "{len}");
                assert!(sys::storage(&path).unwrap().allocated >= found.len() as u64, "{len}");
                // SAFETY: the file is this test's alone.
                let mapped = unsafe { core::slice::from_raw_parts(payload.mapping.as_ptr(), found.len()) };
                assert_eq!(mapped, found);
            }
        }
    }

    // What a 32-bit process can ask for may well fit a disk.
    #[cfg(target_pointer_width = "64")]
    #[test]
    fn content_that_does_not_fit_leaves_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let location = Location::new("new", Some(dir.path())).unwrap();
        let created = WritePayload::create(&location, isize::MAX as usize / 2, 0o600, false, &[7; 2 * PAGE]);
        assert!(created.is_err_and(|error| matches!(error, Error::OutOfMemory { .. })));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn capacities_have_eight_steps_per_power_of_two() {
        assert_eq!(capacity_for(0), 4096);
        assert_eq!(capacity_for(4097), 8192);
        assert_eq!(capacity_for(1 << 20), 1 << 20);
        assert_eq!(capacity_for((1 << 20) + 1), (1 << 20) + (1 << 17));
    }

    proptest! {
        #[test]
        fn an_eighth_is_wasted_at_most(bytes in 0..usize::MAX >> 2) {
            let capacity = capacity_for(bytes);
            prop_assert!(capacity >= bytes);
            prop_assert!(capacity - bytes <= (bytes / 8).max(4096));
            prop_assert_eq!(capacity % 4096, 0);
        }
    }
}
