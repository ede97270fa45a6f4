//! Taking a file away from memory whose address may still be in use.

use std::{io, ptr};

/// Moves a mapping elsewhere, and leaves private memory, all zeros, in its place.
///
/// There is no moment in which nothing is mapped there. A thread that touches the old addresses
/// meanwhile meets the file until the last step, and zeros from then on. Returns where the file is
/// mapped now. On an error everything is as it was, except that pages may have to be populated
/// anew.
///
/// # Safety
///
/// `len` bytes from `start` on are one shared mapping of a file for reading and writing, as `mmap`
/// made it, all of it, and the caller's. There is no reference to any of it.
pub(crate) unsafe fn sever(start: *mut u8, len: usize) -> io::Result<*mut u8> {
    let start = start.cast::<libc::c_void>();
    // SAFETY: the mapping is the caller's, and stays mapped where it is: its pages move along,
    // which spares their being found again.
    let mut moved = unsafe { libc::mremap(start, len, len, libc::MREMAP_MAYMOVE | libc::MREMAP_DONTUNMAP) };
    if moved == libc::MAP_FAILED {
        // Before Linux 5.13. An old length of zero makes a second mapping of the same file.
        // SAFETY: as above.
        moved = unsafe { libc::mremap(start, 0, len, libc::MREMAP_MAYMOVE) };
    }
    if moved == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    let flags = libc::MAP_FIXED | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: replaces exactly the mapping that is the caller's, to which there is no reference, in
    // one step.
    let left = unsafe { libc::mmap(start, len, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
    if left == libc::MAP_FAILED {
        let error = io::Error::last_os_error();
        // SAFETY: mapped just above, and known to no other code.
        unsafe { libc::munmap(moved, len) };
        return Err(error);
    }
    debug_assert!(ptr::eq(left, start));
    Ok(moved.cast())
}

/// Unmaps what [`sever`] has mapped.
///
/// # Safety
///
/// `start` is what [`sever`] returned for `len` bytes; it is not used any more.
pub(crate) unsafe fn unmap(start: *mut u8, len: usize) {
    // SAFETY: a mapping of its own, which no code uses. Unmapping a whole mapping cannot fail.
    unsafe { libc::munmap(start.cast(), len) };
}
