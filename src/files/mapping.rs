//! A shared mapping of the front of a file.

use crate::error::Result;
use crate::format::error::HeaderError;
use crate::sys::{self, Access, Identity};
#[cfg(target_os = "linux")]
use memmap2::Advice;
use memmap2::{MmapOptions, MmapRaw};
use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::{fmt, io};

// Words of up to 64 bits are loaded with Acquire and SeqCst from mappings for reading. An atomic
// load that is made of a compare-exchange, as for words wider than a processor can load, writes,
// and raises SIGSEGV there. On the processors below it is made of plain loads: a 64-bit move, on
// 32-bit x86 through a vector or x87 register, `ldrexd` on 32-bit Arm.
#[cfg(all(
    any(unix, windows),
    not(any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        target_arch = "arm64ec",
        target_arch = "riscv64",
        target_arch = "powerpc64",
        target_arch = "s390x",
        target_arch = "loongarch64",
        target_arch = "sparc64",
        target_arch = "mips64",
        target_arch = "mips64r6",
        target_arch = "x86",
        target_arch = "arm",
    ))
))]
compile_error!(
    "not known on this processor: whether atomic loads of 64 bits can be made from memory mapped for reading"
);

/// `len` bytes of a file, mapped shared at a page boundary, until dropped.
///
/// The file is at least `len` bytes long when it is mapped, or the mapping's user goes by the
/// file's length and touches nothing beyond it. A process that may write the file could
/// cut it later, and then touching the pages that are gone raises SIGBUS. Only the file's owner,
/// and users that its mode lets write, can do that.
pub(crate) struct Mapping {
    start: *mut u8,
    len: usize,
    _region: Region,
}

// SAFETY: the memory belongs to the mapping, whatever thread it is used in. Code that accesses it
// through the address justifies that itself. Making, moving and unmapping mappings is free of
// threads.
unsafe impl Send for Mapping {}
// SAFETY: as above; a shared reference gives nothing but address and length.
unsafe impl Sync for Mapping {}

/// What unmaps it.
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

/// Keeps the address of an ended loan or hold valid.
///
/// As long as this lives, the address is good for reads and writes. It leads to no shared file any
/// more, or to one that no other process has.
pub struct DetachedMemory {
    _mapping: Mapping,
}

static_assertions::assert_impl_all!(DetachedMemory: Send, Sync);

/// Which pages are populated when a file is mapped.
///
/// The others are populated one by one, at their first access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pages {
    /// Bytes at the front that have been written to the file. Their pages exist, and are populated
    /// many at a time.
    pub(crate) written: usize,
    /// Whether the rest is populated as well. New pages have to be cleared for that. For mappings
    /// for writing.
    pub(crate) rest: bool,
}

impl Pages {
    pub(crate) const NONE: Self = Self { written: 0, rest: false };
    pub(crate) const ALL: Self = Self { written: 0, rest: true };

    pub(crate) fn all_if(prefault: bool) -> Self {
        if prefault { Self::ALL } else { Self::NONE }
    }
}

impl Mapping {
    /// Maps; the caller has checked that the file has `len` bytes, or touches no more than it has.
    pub(crate) fn new(file: &File, len: usize, access: Access, pages: Pages) -> io::Result<Self> {
        #[cfg(feature = "failpoints")]
        crate::failpoint::arm();
        let mut options = MmapOptions::new();
        options.len(len);
        let mut map = map(file, &options, access)?;
        if !find(&map, pages) {
            // Linux before 5.14, which can do it only while it maps, and takes longer.
            map = self::map(file, options.populate(), access)?;
        }
        Ok(Self { start: map.as_mut_ptr(), len: map.len(), _region: Region::Mapped(map) })
    }

    /// Maps `len` bytes from a multiple of 4096 on; the caller has checked that the file has them.
    pub(crate) fn part(file: &File, from: usize, len: usize, access: Access) -> io::Result<Self> {
        let mut options = MmapOptions::new();
        options.offset(from as u64).len(len);
        let map = map(file, &options, access)?;
        Ok(Self { start: map.as_mut_ptr(), len: map.len(), _region: Region::Mapped(map) })
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The first byte. Valid for reads, and for writes if mapped for writing, of `len` bytes while
    /// `self` lives, or until it is [severed](Self::sever).
    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut u8 {
        self.start
    }

    /// Maps the file elsewhere.
    ///
    /// The addresses up to now lead to private zeros, as long as the returned value lives. For
    /// mappings for writing.
    pub(crate) fn sever(&mut self) -> io::Result<DetachedMemory> {
        // SAFETY: `new` made the mapping, or `sever` did, all of it, for writing by the caller's
        // word; references to it borrow `self`, which is borrowed mutably.
        let start = unsafe { sys::sever(self.start, self.len) }?;
        let moved = Self { start, len: self.len, _region: Region::Moved(Moved { start, len: self.len }) };
        Ok(std::mem::replace(self, moved).into_severed())
    }

    /// Keeps the addresses as they are. For a file that no other process has.
    pub(crate) fn into_severed(self) -> DetachedMemory {
        DetachedMemory { _mapping: self }
    }
}

fn map(file: &File, options: &MmapOptions, access: Access) -> io::Result<MmapRaw> {
    match access {
        Access::Read => options.map_raw_read_only(file),
        Access::ReadWrite => options.map_raw(file),
    }
}

/// Has the system populate pages; returns whether it can.
#[cfg(target_os = "linux")]
fn find(map: &MmapRaw, pages: Pages) -> bool {
    let find = |how, from: usize, len: usize| {
        // An error of any other kind shows when the pages are touched.
        len == 0 || !map.advise_range(how, from, len).is_err_and(|error| error.kind() == io::ErrorKind::InvalidInput)
    };
    let written = pages.written.min(map.len());
    let rest = if pages.rest { map.len() - written } else { 0 };
    // To populate a page for reading is to populate it for writing too, as the kernel does not
    // track writes to shared memory. And only for reading its neighbours are populated with it.
    find(Advice::PopulateRead, 0, written) && find(Advice::PopulateWrite, written, rest)
}

/// Elsewhere this is left to the system.
#[cfg(not(target_os = "linux"))]
fn find(_: &MmapRaw, _: Pages) -> bool {
    true
}

impl fmt::Debug for DetachedMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DetachedMemory").finish_non_exhaustive()
    }
}

/// The length of a file to be mapped, if it is at least `least` bytes.
///
/// `None` for an empty file, which is still being made.
pub(crate) fn mappable(identity: &Identity, least: usize) -> Result<Option<usize>> {
    if identity.len == 0 {
        return Ok(None);
    }
    let too_short = HeaderError::Truncated { expected: least as u64, found: identity.len };
    match usize::try_from(identity.len) {
        Ok(len) if len >= least => Ok(Some(len)),
        _ => Err(too_short.into()),
    }
}

/// Whether the front of a file can be mapped, and two mappings share memory.
pub(crate) fn try_mapping(file: &File, len: usize) -> std::io::Result<()> {
    let map = |access| Mapping::new(file, len, access, Pages::NONE);
    let (a, b) = (map(Access::ReadWrite)?, map(Access::Read)?);
    let (a, b) = (words(&a, len), words(&b, len));
    let Some((a, b)) = a.first().zip(b.first()) else { return Ok(()) };
    let number = a.load(Ordering::Relaxed).wrapping_add(1);
    a.store(number, Ordering::Relaxed);
    // SeqCst: one thread, two addresses of one word; the fence keeps the compiler from keeping them
    // apart.
    fence(Ordering::SeqCst);
    let same = b.load(Ordering::Relaxed) == number;
    if same { Ok(()) } else { Err(std::io::Error::other("two mappings of a file show different bytes")) }
}

/// The first `len` bytes of a mapping as 64-bit words, less a last part of less than eight bytes.
///
/// The file has as many, as the caller has checked: a mapping may reach beyond its file.
pub(crate) fn words(mapping: &Mapping, len: usize) -> &[AtomicU64] {
    let len = len.min(mapping.len());
    // SAFETY: `len / 8` words are mapped at a page boundary for as long as the mapping is borrowed;
    // an AtomicU64 is valid whatever its bytes, and may be changed by others. Stores are made only
    // through mappings for writing.
    unsafe { core::slice::from_raw_parts(mapping.as_ptr().cast::<AtomicU64>(), len / 8) }
}
