//! macOS 14.4 and its siblings: `os_sync_wait_on_address`. Looked up at run time, as older systems
//! lack it.

use std::ffi::{CStr, c_int, c_void};
use std::io::{Error, ErrorKind};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use std::time::Duration;

type Wait = unsafe extern "C" fn(*mut c_void, u64, usize, u32, u32, u64) -> c_int;
type Wake = unsafe extern "C" fn(*mut c_void, usize, u32) -> c_int;

struct Calls {
    wait: Wait,
    wake: Wake,
}

fn calls() -> Option<Calls> {
    // No lock guards them: a fork by another thread would leave it locked in the child forever.
    static WAIT: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
    static WAKE: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
    let wait = find(&WAIT, c"os_sync_wait_on_address_with_timeout")?;
    let wake = find(&WAKE, c"os_sync_wake_by_address_all")?;
    // SAFETY: the function of this name has this signature (`os/os_sync_wait_on_address.h`), and
    // pointers to data and to functions are alike here.
    let wait = unsafe { std::mem::transmute::<*mut c_void, Wait>(wait) };
    // SAFETY: as above.
    let wake = unsafe { std::mem::transmute::<*mut c_void, Wake>(wake) };
    Some(Calls { wait, wake })
}

/// The function of that name, if there is one; `known` once it has been found.
fn find(known: &AtomicPtr<c_void>, name: &CStr) -> Option<*mut c_void> {
    // Relaxed: the code that it leads to has been there since the program began.
    let found = known.load(Ordering::Relaxed);
    if !found.is_null() {
        return Some(found);
    }
    // SAFETY: `name` is a NUL-terminated string, and RTLD_DEFAULT looks in the libraries that are
    // loaded anyway.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    known.store(found, Ordering::Relaxed);
    (!found.is_null()).then_some(found)
}

/// Whether it has slept, or need not.
pub(super) fn sleep(word: &AtomicU32, ticket: u32, timeout: Duration) -> bool {
    let Some(calls) = calls() else { return false };
    let nanos = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
    // SAFETY: reads the aligned 32-bit word, which is mapped while `word` is borrowed, and writes
    // nothing. SHARED: the word is shared between processes.
    let answer = unsafe {
        (calls.wait)(
            word.as_ptr().cast(),
            u64::from(ticket),
            size_of::<u32>(),
            libc::OS_SYNC_WAIT_ON_ADDRESS_SHARED,
            libc::OS_CLOCK_MACH_ABSOLUTE_TIME,
            nanos,
        )
    };
    answer >= 0 || matches!(Error::last_os_error().kind(), ErrorKind::TimedOut | ErrorKind::Interrupted)
}

pub(super) fn wake_all(word: &AtomicU32) {
    let Some(calls) = calls() else { return };
    // SAFETY: uses the word's address only as a key, and the word is mapped while it is borrowed.
    unsafe { (calls.wake)(word.as_ptr().cast(), size_of::<u32>(), libc::OS_SYNC_WAKE_BY_ADDRESS_SHARED) };
}
