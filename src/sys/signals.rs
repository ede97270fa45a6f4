//! Threads that take no signals.

use std::mem::MaybeUninit;
use std::ptr;

/// Starts a thread by `start`, which takes no signals: they are for the program's own threads.
///
/// A thread begins with the signals blocked that its maker has blocked. So it is done before, and
/// undone afterwards.
pub(crate) fn without_signals<T>(start: impl FnOnce() -> T) -> T {
    let mut all = MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the call fills in the set that it is given.
    unsafe { libc::sigfillset(all.as_mut_ptr()) };
    // SAFETY: `all` has been filled in, and the call fills in `before`.
    let is_blocked = unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) } == 0;
    let started = start();
    if is_blocked {
        // SAFETY: `before` has been filled in by the call that succeeded.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut()) };
    }
    started
}
