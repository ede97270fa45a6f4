//! Memory that is lent to NumPy when the process forks.
//!
//! The child inherits every array, but not what keeps it unchanged: the pins of samples, the locks
//! of guards and the claims of loans are its parent's. So the child puts a private copy in the
//! place of each lent region, at the same address, before any other code of the child uses it.
//! Until then the parent keeps pins and locks for the child, even those that its own code drops:
//!
//! - Before the fork, the parent makes a pipe, and a second owner of each pin and lock.
//! - The child copies, then closes its end of the pipe. Its death closes that end too.
//! - The parent waits for the end of the pipe, then drops the second owners. The forking thread
//!   waits for a moment. After that a thread of its own waits, as the child may be stopped.
//!
//! A child that cannot copy leaves its end open. The parent then keeps pins and locks as long as
//! that child lives.
//!
//! These are handlers of `os.register_at_fork`. A fork by other means does not call them.

use super::attached::Attached;
use super::{pipe, private};
use ndsharray::OwnedSample;
use ndsharray::raw::ArrayLockGuard;
use pyo3::prelude::*;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ThreadId};

/// Keeps a region unchanged as long as it is not dropped.
#[expect(dead_code, reason = "held to be dropped")]
enum Keep {
    /// The pin of a value that was read.
    Pin(OwnedSample),
    /// The lock of a shared array.
    Lock(Arc<ArrayLockGuard>),
    /// Nothing: a loan's memory, which its writer changes. The parent still waits for the copy.
    Nothing,
}

/// A list entry: memory that is lent.
enum Region {
    /// The value of a sample, which leaves the list before the value goes.
    Value(NonNull<OwnedSample>),
    /// The elements of a guard, with its lock, or those of a loan.
    Memory { address: usize, len: usize, writable: bool, lock: Option<Arc<ArrayLockGuard>> },
}

// SAFETY: the pointer stands for a reference to a value that all threads may use, as asked below.
unsafe impl Send for Region {}

const _: fn() = || {
    fn is_for_all_threads<T: Send + Sync>() {}
    is_for_all_threads::<OwnedSample>();
};

impl Region {
    /// Returns a second owner of the pin or lock.
    fn keep(&self) -> Keep {
        match self {
            // SAFETY: the value is valid while it is listed, by the word of `ValueEntry::enter`.
            Self::Value(value) => Keep::Pin(unsafe { value.as_ref() }.clone()),
            Self::Memory { lock, .. } => lock.clone().map_or(Keep::Nothing, Keep::Lock),
        }
    }

    /// Returns address, length, and whether this process may write there.
    fn range(&self) -> (usize, usize, bool) {
        match self {
            Self::Value(value) => {
                // SAFETY: as in `keep`.
                let (address, len) = range_of(unsafe { value.as_ref() });
                (address, len, false)
            }
            Self::Memory { address, len, writable, .. } => (*address, *len, *writable),
        }
    }
}

/// Returns address and length of all that a value has in its payload.
///
/// Elements come first. Behind them are the record of an imported value, and then attributes.
fn range_of(value: &OwnedSample) -> (usize, usize) {
    let (elements, attributes) = (value.as_bytes().as_ptr_range(), value.attributes().as_ptr_range());
    let (start, end) = (elements.start.expose_provenance(), elements.end.expose_provenance());
    if value.attributes().is_empty() && !value.is_imported() {
        return (start, end - start);
    }
    let (behind, end) = (attributes.start.expose_provenance(), attributes.end.expose_provenance());
    // Elements without a byte may be anywhere. Then the record shares a page with the attributes.
    let start = if value.as_bytes().is_empty() { behind - usize::from(value.is_imported()) } else { start };
    (start, end - start)
}

/// A fork that is under way.
struct Fork {
    thread: ThreadId,
    keeps: Vec<Keep>,
    pipe: Option<pipe::Pipe>,
}

/// A list of all that is lent in this process.
struct Lending {
    /// Lent memory; `None` where a place is free, or where a child has copied.
    regions: Vec<Option<Region>>,
    /// Places in `regions` that have no owner.
    free: Vec<usize>,
    forks: Vec<Fork>,
}

/// The list of this process. Each sample enters and leaves it, so it has no lock of its own.
static LENDING: Attached<Lending> = Attached::new(Lending { regions: Vec::new(), free: Vec::new(), forks: Vec::new() });

impl Lending {
    /// Lists a region; returns its place.
    #[inline]
    fn enter(&mut self, region: Region) -> usize {
        if !self.forks.is_empty() {
            self.keep_for_forks(&region);
        }
        let place = self.free.pop().unwrap_or(self.regions.len());
        match self.regions.get_mut(place) {
            Some(free) => *free = Some(region),
            None => self.regions.push(Some(region)),
        }
        place
    }

    /// Has the forks under way keep a new region. Their children will have it too.
    #[cold]
    fn keep_for_forks(&mut self, region: &Region) {
        for fork in &mut self.forks {
            fork.keeps.push(region.keep());
        }
    }

    /// Frees a place; returns the region that was there.
    #[inline]
    fn leave(&mut self, place: usize) -> Option<Region> {
        self.free.push(place);
        self.regions.get_mut(place).and_then(Option::take)
    }
}

/// Lists the elements of a guard or a loan until it is dropped.
pub(crate) struct Entry {
    place: usize,
}

impl Entry {
    /// Lists `len` bytes from `data` on, and the lock that keeps them unchanged.
    ///
    /// # Safety
    ///
    /// The bytes are in a mapping of whole pages with nothing else in them. It outlives the entry.
    /// This process does not write there if `writable` is false.
    #[inline]
    pub(crate) unsafe fn new(
        py: Python<'_>,
        data: *const u8,
        len: usize,
        writable: bool,
        lock: Option<Arc<ArrayLockGuard>>,
    ) -> Self {
        let region = Region::Memory { address: data.expose_provenance(), len, writable, lock };
        // SAFETY: runs no Python code.
        let place = unsafe { LENDING.with(py, |lending| lending.enter(region)) };
        Self { place }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        // SAFETY: runs no Python code.
        let region = Python::attach(|py| unsafe { LENDING.with(py, |lending| lending.leave(self.place)) });
        // Only now: a lock may go with it.
        drop(region);
    }
}

/// The place of a sample's value in the list, until it is dropped.
pub(crate) struct ValueEntry(AtomicUsize);

impl ValueEntry {
    /// No place.
    const NONE: usize = usize::MAX;

    pub(crate) const fn new() -> Self {
        Self(AtomicUsize::new(Self::NONE))
    }

    /// Lists `value`. Nothing is cloned before a fork asks for it.
    ///
    /// # Safety
    ///
    /// Called once at most. `value` does not move, and is dropped after this entry. Its elements
    /// and what it has behind them are in a mapping of whole pages with nothing else in them, which
    /// this process does not write to.
    #[inline]
    pub(crate) unsafe fn enter(&self, py: Python<'_>, value: &OwnedSample) {
        let region = Region::Value(NonNull::from(value));
        // SAFETY: runs no Python code.
        let place = unsafe { LENDING.with(py, |lending| lending.enter(region)) };
        // Relaxed: the interpreter lock orders it.
        self.0.store(place, Ordering::Relaxed);
    }
}

impl Drop for ValueEntry {
    #[inline]
    fn drop(&mut self) {
        let place = *self.0.get_mut();
        if place != Self::NONE {
            // SAFETY: runs no Python code. The region is a pointer, so nothing is dropped with it.
            Python::attach(|py| unsafe { LENDING.with(py, |lending| lending.leave(place)) });
        }
    }
}

/// Prepares for a fork. To be called before it.
#[pyfunction]
pub(crate) fn _before_fork(py: Python<'_>) {
    let pipe = pipe::Pipe::new();
    let thread = thread::current().id();
    let start = |lending: &mut Lending| {
        let keeps = lending.regions.iter().flatten().map(Region::keep).collect();
        lending.forks.push(Fork { thread, keeps, pipe });
    };
    // SAFETY: runs no Python code.
    unsafe { LENDING.with(py, start) };
}

/// Keeps pins and locks for the child. To be called in the parent, also after a fork that failed.
#[pyfunction]
pub(crate) fn _after_fork_in_parent(py: Python<'_>) {
    let this = thread::current().id();
    let finish = |lending: &mut Lending| {
        let index = lending.forks.iter().rposition(|fork| fork.thread == this)?;
        Some(lending.forks.swap_remove(index))
    };
    // SAFETY: runs no Python code.
    let Some(Fork { keeps, pipe, .. }) = (unsafe { LENDING.with(py, finish) }) else { return };
    if keeps.is_empty() {
        return;
    }
    match pipe {
        Some(pipe) => py.detach(|| pipe.parent().keep_until_the_end(keeps)),
        // Without descriptors nothing says when the child has copied. So they stay.
        None => std::mem::forget(keeps),
    }
}

/// Makes all inherited memory the child's own. To be called in the child after a fork.
#[pyfunction]
pub(crate) fn _after_fork_in_child(py: Python<'_>) {
    // SAFETY: runs no Python code.
    let (forks, copied) = unsafe { LENDING.with(py, |lending| (std::mem::take(&mut lending.forks), lending.copy())) };
    let this = thread::current().id();
    // The forks of other threads are not under way here.
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

impl Lending {
    /// Puts private memory in the place of all that is lent; returns whether that succeeded.
    fn copy(&mut self) -> bool {
        let mut copied = true;
        for place in &mut self.regions {
            let Some(region) = place else { continue };
            let (address, len, writable) = region.range();
            // SAFETY: by the word of those that listed the region. The mapping is what it was, as a
            // fork copies it. A region leaves the list before its mapping goes.
            if len == 0 || unsafe { private::replace(address, len, writable) } {
                // A child of this process inherits private memory, which takes no copy. The lock is
                // the parent's: dropping it here has no effect.
                *place = None;
            } else {
                copied = false;
                if writable {
                    // Better a child that ends than one that writes to its parent's array.
                    // SAFETY: as above.
                    unsafe { private::forbid_writing(address, len) };
                }
            }
        }
        copied
    }
}
