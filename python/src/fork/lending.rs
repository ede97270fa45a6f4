//! Memory that is lent to NumPy when the process forks.
//!
//! The child inherits every array, but not what keeps it as it is: the pins of samples, the locks
//! of guards and the claims of loans are its parent's. So the child puts a private copy in the
//! place of each lent region, at the same address, before any other code of it uses them. Until it
//! has done so the parent keeps pins and locks for it, whatever the parent's own code lets go:
//!
//! - Before the fork the parent makes a pipe, and a second owner of each pin and lock.
//! - The child copies, and closes its end of the pipe; so does its death.
//! - The parent waits for the end of the pipe, and drops the second owners then: for a moment in
//!   the thread that forked, and after that in a thread of its own, as the child may be stopped.
//!
//! A child that cannot copy leaves its end open. The parent keeps pins and locks as long as it
//! lives, then.
//!
//! These are handlers of `os.register_at_fork`. A fork by other means does not call them.

use ndsharray::{OwnedSample, raw::ArrayLockGuard};
use pyo3::prelude::*;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

/// What keeps a region as it is.
#[derive(Clone)]
#[expect(dead_code, reason = "held to be dropped")]
pub(crate) enum Keep {
    /// The pin of a value that was read.
    Pin(OwnedSample),
    /// The lock of a shared array.
    Lock(Arc<ArrayLockGuard>),
    /// Nothing: the memory of an open loan, which its writer changes.
    Nothing,
}

/// Memory that is lent.
struct Region {
    address: usize,
    len: usize,
    writable: bool,
    keep: Keep,
}

/// A fork that is under way.
struct Fork {
    thread: ThreadId,
    keeps: Vec<Keep>,
    pipe: Option<pipe::Pipe>,
}

/// All that is lent in this process. Locked for moments, by threads that have the interpreter
/// lock, as a fork has: so it is never locked in a child.
struct Lending {
    regions: Vec<Option<Region>>,
    free: Vec<usize>,
    forks: Vec<Fork>,
}

static LENDING: Mutex<Lending> = Mutex::new(Lending { regions: Vec::new(), free: Vec::new(), forks: Vec::new() });

fn lending() -> MutexGuard<'static, Lending> {
    LENDING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A region's entry, which goes when this is dropped. Made and dropped with the interpreter lock.
pub(crate) struct Entry {
    index: usize,
}

impl Entry {
    /// Enters `len` bytes from `data` on.
    ///
    /// # Safety
    ///
    /// They are in a mapping made of whole pages that nothing else lies in, which stays as long as
    /// the entry. It is not written to through this process if `writable` is false.
    pub(crate) unsafe fn new(data: *const u8, len: usize, writable: bool, keep: Keep) -> Self {
        let mut lending = lending();
        // A fork of another thread may be under way, whose child will have this region too.
        for fork in &mut lending.forks {
            fork.keeps.push(keep.clone());
        }
        let region = Some(Region { address: data.expose_provenance(), len, writable, keep });
        let index = lending.free.pop().unwrap_or(lending.regions.len());
        match lending.regions.get_mut(index) {
            Some(place) => *place = region,
            None => lending.regions.push(region),
        }
        Self { index }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut lending = lending();
        let region = lending.regions.get_mut(self.index).and_then(Option::take);
        lending.free.push(self.index);
        drop(lending);
        // Only now: a pin or a lock may go with it.
        drop(region);
    }
}

/// To be called before a fork.
#[pyfunction]
pub(crate) fn _before_fork() {
    let mut lending = lending();
    let keeps: Vec<Keep> = lending.regions.iter().flatten().map(|region| region.keep.clone()).collect();
    let pipe = pipe::Pipe::new();
    lending.forks.push(Fork { thread: thread::current().id(), keeps, pipe });
}

/// To be called in the parent after a fork, also after one that failed.
#[pyfunction]
pub(crate) fn _after_fork_in_parent(py: Python<'_>) {
    let mut lending = lending();
    let this = thread::current().id();
    let Some(index) = lending.forks.iter().rposition(|fork| fork.thread == this) else { return };
    let Fork { keeps, pipe, .. } = lending.forks.swap_remove(index);
    drop(lending);
    if keeps.is_empty() {
        return;
    }
    match pipe {
        Some(pipe) => py.detach(|| pipe.parent().keep_until_the_end(keeps)),
        // Without descriptors there is no telling when the child has copied: then never.
        None => std::mem::forget(keeps),
    }
}

/// To be called in the child after a fork.
#[pyfunction]
pub(crate) fn _after_fork_in_child() {
    let mut lending = lending();
    let this = thread::current().id();
    let mut copied = true;
    for place in &mut lending.regions {
        let Some(region) = place else { continue };
        // SAFETY: the word of those who entered it; the mapping is still what it was, as a fork
        // copies it, and entries go before their mapping does.
        if region.len == 0 || unsafe { private::replace(region.address, region.len, region.writable) } {
            // There is nothing to be done about it in a child of this process.
            *place = None;
        } else {
            copied = false;
            if region.writable {
                // Better a child that ends than one that writes to its parent's array.
                // SAFETY: as above.
                unsafe { private::forbid_writing(region.address, region.len) };
            }
        }
    }
    // Those of other threads are not under way here.
    let forks = std::mem::take(&mut lending.forks);
    drop(lending);
    for Fork { thread, keeps, pipe } in forks {
        let Some(pipe) = pipe else { continue };
        if thread == this && !copied {
            pipe.leave_open();
        } else {
            drop(pipe);
        }
        drop(keeps);
    }
}

/// How the parent learns that its child has copied.
mod pipe {
    use super::Keep;
    use std::io::{PipeReader, PipeWriter};

    pub(super) struct Pipe {
        reader: PipeReader,
        writer: PipeWriter,
    }

    /// The parent's end.
    pub(super) struct Child(PipeReader);

    impl Pipe {
        /// `None` when the system has no more descriptors.
        pub(super) fn new() -> Option<Self> {
            let (reader, writer) = std::io::pipe().ok()?;
            Some(Self { reader, writer })
        }

        /// Closes the child's end, of which the child has a copy.
        pub(super) fn parent(self) -> Child {
            Child(self.reader)
        }

        /// Leaves the child's end open as long as the process lives.
        pub(super) fn leave_open(self) {
            std::mem::forget(self.writer);
        }
    }

    impl Child {
        /// Drops `keeps` when no process has the child's end any more.
        #[cfg(unix)]
        pub(super) fn keep_until_the_end(self, keeps: Vec<Keep>) {
            if end::wait(&self.0, Some(end::MOMENT)) {
                return;
            }
            end::wait_elsewhere(self.0, keeps);
        }

        /// There are no forks.
        #[cfg(not(unix))]
        pub(super) fn keep_until_the_end(self, _keeps: Vec<Keep>) {}
    }

    #[cfg(unix)]
    mod end {
        use super::Keep;
        use std::io::PipeReader;
        use std::mem::MaybeUninit;
        use std::os::fd::AsRawFd;
        use std::ptr;
        use std::sync::{Arc, Mutex, PoisonError};
        use std::time::{Duration, Instant};

        /// How long the forking thread waits itself. It spares most programs a thread.
        pub(super) const MOMENT: Duration = Duration::from_millis(100);

        /// Waits until all copies of the other end are closed; whether they are.
        pub(super) fn wait(reader: &PipeReader, most: Option<Duration>) -> bool {
            let until = most.map(|most| Instant::now() + most);
            loop {
                let left = until.map(|until| until.saturating_duration_since(Instant::now()).as_millis());
                let mut asked = libc::pollfd { fd: reader.as_raw_fd(), events: libc::POLLIN, revents: 0 };
                let timeout = left.map_or(-1, |left| i32::try_from(left).unwrap_or(i32::MAX));
                // SAFETY: one descriptor, which stays open as `reader` is borrowed.
                let answered = unsafe { libc::poll(&raw mut asked, 1, timeout) };
                // Nothing is ever written: an answer is the end. An error leaves it open.
                if answered > 0 {
                    return true;
                }
                if left == Some(0) {
                    return false;
                }
            }
        }

        /// Waits in a thread that has no Python in it, and takes no signals.
        pub(super) fn wait_elsewhere(reader: PipeReader, keeps: Vec<Keep>) {
            // Shared, so that it is still here if there is no thread to be had.
            let rest = Arc::new(Mutex::new(Some((reader, keeps))));
            let wait_for_rest = {
                let rest = Arc::clone(&rest);
                move || {
                    let taken = rest.lock().unwrap_or_else(PoisonError::into_inner).take();
                    if let Some((reader, keeps)) = taken {
                        wait(&reader, None);
                        drop(keeps);
                    }
                }
            };
            let mut before = MaybeUninit::<libc::sigset_t>::uninit();
            let mut all = MaybeUninit::<libc::sigset_t>::uninit();
            // SAFETY: fills the set that there is room for.
            unsafe { libc::sigfillset(all.as_mut_ptr()) };
            // SAFETY: the set is filled, and there is room for the other.
            let blocked = unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) } == 0;
            let started = std::thread::Builder::new().name("ndsharray-fork".into()).spawn(wait_for_rest.clone());
            if blocked {
                // SAFETY: the call above has filled it.
                unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut()) };
            }
            if started.is_err() {
                wait_for_rest();
            }
        }
    }
}

/// Private memory in the place of shared memory.
#[cfg(unix)]
mod private {
    use libc::{MAP_ANONYMOUS, MAP_FAILED, MAP_PRIVATE, PROT_READ, PROT_WRITE, c_void};
    use std::ptr;

    /// Puts a private copy of `len` bytes at the same address; whether there was memory for it.
    ///
    /// # Safety
    ///
    /// The bytes are in a mapping of whole pages that nothing else lies in. They are written to by
    /// means of addresses alone, and only if `writable`; else nothing changes them meanwhile.
    pub(super) unsafe fn replace(address: usize, len: usize, writable: bool) -> bool {
        let Some((start, len)) = pages(address, len) else { return false };
        let (both, kind) = (PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
        // SAFETY: asks for memory wherever there is some.
        let copy = unsafe { libc::mmap(ptr::null_mut(), len, both, kind, -1, 0) };
        if copy == MAP_FAILED {
            return false;
        }
        if writable {
            // SAFETY: as below.
            unsafe { copy_changing(start, copy, len) };
        } else {
            // SAFETY: whole pages of the caller's mapping, which nothing changes, and as many that
            // have just been mapped.
            unsafe { ptr::copy_nonoverlapping(start.cast::<u8>(), copy.cast::<u8>(), len) };
        }
        // SAFETY: the caller's word; `copy` has just been mapped and filled.
        let moved = unsafe { exchange(start, copy, len, if writable { both } else { PROT_READ }) };
        if !moved {
            // SAFETY: mapped above, and known to nobody else.
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

    /// The whole pages that these bytes are in.
    fn pages(address: usize, len: usize) -> Option<(*mut c_void, usize)> {
        // SAFETY: takes a number.
        let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok()?;
        let before = address.checked_rem(page)?;
        let len = before.checked_add(len)?.checked_next_multiple_of(page)?;
        Some((ptr::with_exposed_provenance_mut(address - before), len))
    }

    /// Copies memory that the parent may be writing to: through the kernel, as two processes that
    /// read and write one memory at once are none of the language's business there. Where it
    /// refuses, the copy stays zero.
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

    /// As above, where no call does it: byte by byte, in a way that the compiler leaves alone.
    ///
    /// # Safety
    ///
    /// As above.
    #[cfg(not(target_os = "linux"))]
    unsafe fn copy_changing(from: *mut c_void, to: *mut c_void, len: usize) {
        for index in 0..len {
            // SAFETY: within the caller's ranges.
            let byte = unsafe { from.cast::<u8>().add(index).read_volatile() };
            // SAFETY: as above.
            unsafe { to.cast::<u8>().add(index).write(byte) };
        }
    }

    /// Moves `copy` to `start`, in the place of what is mapped there; whether it did.
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

    /// As above, where mappings do not move: in a child that has one thread.
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
        // SAFETY: mapped by `replace`, and not used any more.
        unsafe { libc::munmap(copy, len) };
        // SAFETY: mapped above. An error leaves them writable, for this process alone.
        unsafe { libc::mprotect(start, len, access) };
        true
    }
}

/// There are no forks.
#[cfg(not(unix))]
mod private {
    pub(super) unsafe fn replace(_address: usize, _len: usize, _writable: bool) -> bool {
        true
    }

    pub(super) unsafe fn forbid_writing(_address: usize, _len: usize) {}
}
