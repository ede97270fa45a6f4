//! Private memory in the place of shared memory.

use libc::{MAP_ANONYMOUS, MAP_FAILED, MAP_PRIVATE, PROT_READ, PROT_WRITE, c_void};
use std::ptr;

/// Puts a private copy of `len` bytes at the same address; `false` without memory for it.
///
/// # Safety
///
/// The bytes are in a mapping of whole pages with nothing else in them. If `writable`, all writes
/// go by address alone; otherwise nothing changes the bytes meanwhile.
pub(super) unsafe fn replace(address: usize, len: usize, writable: bool) -> bool {
    let Some((start, len)) = pages(address, len) else { return false };
    let (both, kind) = (PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
    // SAFETY: asks for new memory at any address.
    let copy = unsafe { libc::mmap(ptr::null_mut(), len, both, kind, -1, 0) };
    if copy == MAP_FAILED {
        return false;
    }
    if writable {
        // SAFETY: as below.
        unsafe { copy_changing(start, copy, len) };
    } else {
        // SAFETY: whole pages of the caller's mapping, which nothing changes, and as many that have
        // just been mapped.
        unsafe { ptr::copy_nonoverlapping(start.cast::<u8>(), copy.cast::<u8>(), len) };
    }
    // SAFETY: the caller's word; `copy` has just been mapped and filled.
    let moved = unsafe { exchange(start, copy, len, if writable { both } else { PROT_READ }) };
    if !moved {
        // SAFETY: mapped above, and known to this function alone.
        unsafe { libc::munmap(copy, len) };
    }
    moved
}

/// Has every attempt to write to the memory end the process.
///
/// # Safety
///
/// As [`replace`].
pub(super) unsafe fn forbid_writing(address: usize, len: usize) {
    if let Some((start, len)) = pages(address, len) {
        // SAFETY: pages of the caller's mapping. An error leaves them as they are.
        unsafe { libc::mprotect(start, len, PROT_READ) };
    }
}

/// Returns the whole pages that these bytes are in.
fn pages(address: usize, len: usize) -> Option<(*mut c_void, usize)> {
    // SAFETY: takes a number.
    let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok()?;
    let before = address.checked_rem(page)?;
    let len = before.checked_add(len)?.checked_next_multiple_of(page)?;
    Some((ptr::with_exposed_provenance_mut(address - before), len))
}

/// Copies memory that the parent may be writing to.
///
/// The kernel copies: two processes that access one memory at once are beyond the language's rules.
/// Where the kernel refuses, the copy stays zero.
///
/// # Safety
///
/// `len` bytes are mapped at both addresses, and may be written at `to`.
#[cfg(target_os = "linux")]
unsafe fn copy_changing(from: *mut c_void, to: *mut c_void, len: usize) {
    let mut done = 0;
    while done < len {
        let rest = len - done;
        let source = libc::iovec { iov_base: from.wrapping_byte_add(done), iov_len: rest };
        let target = libc::iovec { iov_base: to.wrapping_byte_add(done), iov_len: rest };
        // SAFETY: takes nothing.
        let this = unsafe { libc::getpid() };
        // SAFETY: one range each, within the caller's.
        let copied = unsafe { libc::process_vm_readv(this, &raw const target, 1, &raw const source, 1, 0) };
        match usize::try_from(copied) {
            Ok(copied) if copied > 0 => done += copied,
            _ => return,
        }
    }
}

/// Copies memory that the parent may be writing to, where no system call does it.
///
/// It goes byte by byte, with volatile reads: the compiler may not assume that they repeat.
///
/// # Safety
///
/// `len` bytes are mapped at both addresses, and may be written at `to`.
#[cfg(not(target_os = "linux"))]
unsafe fn copy_changing(from: *mut c_void, to: *mut c_void, len: usize) {
    for index in 0..len {
        // SAFETY: within the caller's ranges.
        let byte = unsafe { from.cast::<u8>().add(index).read_volatile() };
        // SAFETY: as above.
        unsafe { to.cast::<u8>().add(index).write(byte) };
    }
}

/// Moves `copy` to `start`, over the mapping there; returns whether it did.
///
/// # Safety
///
/// As [`replace`].
#[cfg(target_os = "linux")]
unsafe fn exchange(start: *mut c_void, copy: *mut c_void, len: usize, access: libc::c_int) -> bool {
    // SAFETY: `len` bytes of our own.
    if unsafe { libc::mprotect(copy, len, access) } != 0 {
        return false;
    }
    // SAFETY: takes the place of the caller's pages in one step, with the same content.
    let moved = unsafe { libc::mremap(copy, len, len, libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED, start) };
    moved == start
}

/// Copies `copy` back to new memory at `start`, where mappings do not move.
///
/// For a child that has one thread: the pages are gone for a moment.
///
/// # Safety
///
/// As [`replace`].
#[cfg(not(target_os = "linux"))]
unsafe fn exchange(start: *mut c_void, copy: *mut c_void, len: usize, access: libc::c_int) -> bool {
    let (both, kind) = (PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | libc::MAP_FIXED);
    // SAFETY: takes the place of the caller's pages, which no other thread looks at.
    if unsafe { libc::mmap(start, len, both, kind, -1, 0) } == MAP_FAILED {
        return false;
    }
    // SAFETY: two mappings of this length.
    unsafe { ptr::copy_nonoverlapping(copy.cast::<u8>(), start.cast::<u8>(), len) };
    // SAFETY: mapped by `replace`, which does not use it again.
    unsafe { libc::munmap(copy, len) };
    // SAFETY: mapped above. An error leaves them writable, for this process alone.
    unsafe { libc::mprotect(start, len, access) };
    true
}
