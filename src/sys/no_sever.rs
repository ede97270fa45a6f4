//! Where a mapping cannot be exchanged in one step.
//!
//! Memory that may still be used through its address is never published there.

use std::io::{self, ErrorKind};

/// Returns that it cannot; see `linux/sever.rs` for what it would do.
///
/// # Safety
///
/// None is needed here.
pub(crate) unsafe fn sever(_start: *mut u8, _len: usize) -> io::Result<*mut u8> {
    Err(ErrorKind::Unsupported.into())
}

/// Has nothing to do, as [`sever`] never succeeds.
///
/// # Safety
///
/// None is needed here.
pub(crate) unsafe fn unmap(_start: *mut u8, _len: usize) {}
