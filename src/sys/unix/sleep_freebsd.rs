//! FreeBSD: `_umtx_op`.

use std::ffi::c_ulong;
use std::io::{Error, ErrorKind};
use std::ptr;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// Whether it has slept, or need not.
///
/// The kernel takes the word for shared only in memory that this process may write, so a reader of
/// a board is refused.
pub(super) fn sleep(word: &AtomicU32, ticket: u32, timeout: Duration) -> bool {
    let timeout = libc::timespec {
        tv_sec: libc::time_t::try_from(timeout.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: libc::c_long::try_from(timeout.subsec_nanos()).unwrap_or(0),
    };
    let size = ptr::without_provenance_mut(size_of_val(&timeout));
    // SAFETY: UMTX_OP_WAIT_UINT reads the aligned 32-bit word, which is mapped while `word` is
    // borrowed, and the time, which outlives the call and whose size stands before it; it writes
    // nothing. Not the PRIVATE variant: the word is shared between processes.
    let answer = unsafe {
        libc::_umtx_op(
            word.as_ptr().cast(),
            libc::UMTX_OP_WAIT_UINT,
            c_ulong::from(ticket),
            size,
            (&raw const timeout).cast_mut().cast(),
        )
    };
    answer == 0 || matches!(Error::last_os_error().kind(), ErrorKind::TimedOut | ErrorKind::Interrupted)
}

pub(super) fn wake_all(word: &AtomicU32) {
    // SAFETY: UMTX_OP_WAKE uses the word's address only as a key, and the word is mapped while it
    // is borrowed.
    unsafe {
        libc::_umtx_op(word.as_ptr().cast(), libc::UMTX_OP_WAKE, i32::MAX as c_ulong, ptr::null_mut(), ptr::null_mut())
    };
}
