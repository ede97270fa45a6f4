//! One handle's attachment to an array: the mapping, and an entry of the lock.

use super::elements::ArrayElements;
use super::memory::ArrayMemory;
use crate::element::element_type::ElementType;
use crate::error::{Error, Result};
use crate::failpoint::fail_point;
use crate::files::seats::Seats;
use crate::files::trusted::{has_name, unlink_if_same};
use crate::sys::{self, Backoff, Home, Identity, LockedFile, Sleepers, Sweeper};
use crate::view::shape;
use ndsharray_protocol::rwlock::{Kernel, RwLock};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// A handle's attachment to an array.
///
/// It ends when the last handle, guard or error that shares it is gone.
pub(super) struct Attachment {
    memory: ArrayMemory,
    elements: ArrayElements,
    /// `None` for a foreign block, which has no lock.
    seat: Option<OwnSeat>,
    path: PathBuf,
    identity: Identity,
    home: Home,
    /// Dropped after the mapping.
    _sweeper: Sweeper,
}

/// How long to wait for a process that makes the array or removes it.
///
/// Either takes microseconds, unless there is much to fill, or the process is stopped.
const NAME_TIME: Duration = Duration::from_secs(1);

/// Retries while another process holds the array's name.
pub(super) fn retry() -> Backoff {
    Backoff::new(Duration::from_millis(1)).yielding(9).within(NAME_TIME)
}

/// An entry, owned through the kernel's lock on it.
struct OwnSeat {
    file: LockedFile,
    sleepers: Sleepers,
    index: usize,
    entries: usize,
    /// Held by a thread that reaps an entry or removes the name.
    ///
    /// Threads of one handle share the kernel's locks, which do not keep them apart.
    alone: Mutex<()>,
}

impl Kernel for OwnSeat {
    fn wake_all(&self, wake: &AtomicU32, replaced: u32) {
        self.sleepers.wake_all(wake, replaced);
    }

    fn if_dead(&self, index: usize, reap: impl FnOnce()) {
        if index == self.index {
            return;
        }
        // This guards nothing but the time between locking and unlocking, and no panic happens in
        // between.
        let _alone = self.alone.lock();
        if index >= self.entries {
            reap();
            return;
        }
        ArrayMemory::SEATS.reap(&self.file, index, reap);
    }
}

impl Attachment {
    /// Attaches to an array with a lock; `seat` was taken through `file`.
    pub(super) fn join(
        memory: ArrayMemory,
        elements: ArrayElements,
        file: LockedFile,
        seat: usize,
        path: PathBuf,
        identity: Identity,
    ) -> Self {
        let entries = memory.entries();
        if let Some(entry) = entries.get(seat) {
            entry.note_pid(std::process::id());
        }
        let entries = entries.len();
        let seat = OwnSeat { file, sleepers: Sleepers::of(&identity), index: seat, entries, alone: Mutex::new(()) };
        let sweeper = Sweeper::of_file(&path);
        let at = Self { memory, elements, seat: Some(seat), path, identity, home: Home::here(), _sweeper: sweeper };
        if let Some(lock) = at.lock_words() {
            lock.join();
        }
        at
    }

    /// Ends the claim under which the file was made.
    pub(super) fn release_name(&self) {
        if let Some(seat) = &self.seat {
            // Best effort: the claim ends with the handle.
            let _ = sys::range_lock::unlock(&seat.file, &Seats::FILE);
        }
    }

    /// Removes the name, if it still names this file.
    ///
    /// [`Error::Contended`] when another process takes long to remove or to make it.
    pub(super) fn remove_name(&self) -> Result<()> {
        let remove = || unlink_if_same(&self.path, &self.identity).map_err(|e| Error::io("remove", &self.path, e));
        // A foreign block has no lock for that.
        let Some(seat) = &self.seat else { return remove() };
        let _alone = seat.alone.lock();
        let mut backoff = retry();
        loop {
            let taken = sys::range_lock::try_lock(&seat.file, &Seats::FILE);
            if taken.map_err(|e| Error::io("lock", &self.path, e))? {
                let removed = remove();
                self.release_name();
                return removed;
            }
            if !has_name(&self.path, &self.identity) {
                return Ok(());
            }
            if !backoff.pause() {
                return Err(Error::Contended { attempts: backoff.attempts() });
            }
        }
    }

    /// Attaches to a foreign block.
    pub(super) fn raw(memory: ArrayMemory, elements: ArrayElements, path: PathBuf, identity: Identity) -> Self {
        let sweeper = Sweeper::of_file(&path);
        Self { memory, elements, seat: None, path, identity, home: Home::here(), _sweeper: sweeper }
    }

    pub(super) fn memory(&self) -> &ArrayMemory {
        &self.memory
    }

    /// What the elements are, as the file says.
    pub(super) fn elements(&self) -> &ArrayElements {
        &self.elements
    }

    /// Maps the array once more; `None` without a lock.
    pub(super) fn map_again(&self) -> Result<ArrayMemory> {
        self.check_process()?;
        let seat = self.seat.as_ref().ok_or(Error::Unsupported { what: "locking a file that has no lock" })?;
        ArrayMemory::map(&seat.file, &self.path, self.memory.extent(), false)
    }

    /// Returns `shape`, if the array has as many elements of `element`, its own element type.
    pub(super) fn reshaped(&self, element: ElementType, shape: &[usize]) -> Result<Vec<usize>> {
        let expected = self.memory.byte_len() / element.size();
        let found = shape::byte_len(shape, element.size())? / element.size();
        if found == expected { Ok(shape.to_vec()) } else { Err(Error::ShapeMismatch { expected, found }) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The threads that wait for this array.
    #[inline]
    pub(super) fn sleepers(&self) -> Sleepers {
        Sleepers::of(&self.identity)
    }

    pub(super) fn has_lock(&self) -> bool {
        self.seat.is_some()
    }

    /// Fails in a forked child: its parent owns the entry.
    #[inline]
    pub(super) fn check_process(&self) -> Result<()> {
        if self.home.is_here() { Ok(()) } else { Err(Error::Forked) }
    }

    /// The lock, unless it belongs to the parent of this process, or there is none.
    #[inline]
    pub(super) fn own_lock(&self) -> Option<RwLock<'_, impl Kernel>> {
        if self.home.is_here() { self.lock_words() } else { None }
    }

    /// The lock, for a handle that may use it.
    pub(super) fn lock(&self) -> Result<RwLock<'_, impl Kernel>> {
        self.check_process()?;
        self.lock_words().ok_or(Error::Unsupported { what: "locking a file that has no lock" })
    }

    #[inline]
    fn lock_words(&self) -> Option<RwLock<'_, OwnSeat>> {
        let kernel = self.seat.as_ref()?;
        Some(RwLock { words: self.memory.words()?, entries: self.memory.entries(), own: kernel.index, kernel })
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        // In a forked child the entry is still the parent's. Closing its descriptor leaves the lock
        // on it alone.
        if let Some(lock) = self.own_lock() {
            lock.part();
            fail_point!("array.parted");
        }
    }
}
