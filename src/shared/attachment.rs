//! One handle's part in an array: the mapping, and an entry of the lock.

use super::make::Retry;
use super::memory::ArrayMemory;
use crate::element::dtype::DType;
use crate::error::{Error, Result};
use crate::failpoint::fail_point;
use crate::files::seats::Seats;
use crate::files::trusted::has_name;
use crate::files::trusted::unlink_if_same;
use crate::lock::{Inside, Kernel, Lock, Patience, Purpose, Share};
use crate::sync::{AtomicU32, Mutex};
use crate::sys::{self, Identity, LockedFile, Sleepers, Sweeper};
use crate::view::shape;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::thread;

/// A handle's place in an array. Given up when the handle, and what it has lent to an error, is gone.
pub(super) struct Attachment {
    memory: ArrayMemory,
    /// `None` for somebody else's file, which has no lock.
    place: Option<Place>,
    path: PathBuf,
    identity: Identity,
    forks: u64,
    /// Comes after the mapping.
    _sweeper: Sweeper,
}

/// An entry, owned through the kernel's lock on it.
struct Place {
    file: LockedFile,
    sleepers: Sleepers,
    index: usize,
    entries: usize,
    /// Keeps threads of this handle from burying, or from removing the name, at the same time: they share the kernel's locks.
    alone: Mutex<()>,
}

impl Kernel for Place {
    fn wake_all(&self, wake: &AtomicU32, replaced: u32) {
        self.sleepers.wake_all(wake, replaced);
    }

    fn if_dead(&self, index: usize, bury: impl FnOnce()) {
        if index == self.index {
            return;
        }
        // Nothing is guarded but the time between taking and releasing; a panic in between does not happen.
        let _alone = self.alone.lock();
        if index >= self.entries {
            bury();
            return;
        }
        ArrayMemory::SEATS.reap(&self.file, index, bury);
    }
}

impl Attachment {
    /// A handle of an array with a lock, with a seat that has been taken through `file`.
    pub(super) fn join(memory: ArrayMemory, file: LockedFile, seat: usize, path: PathBuf, identity: Identity) -> Self {
        let forks = sys::watch_forks();
        let entries = memory.entries();
        if let Some(entry) = entries.get(seat) {
            entry.note_pid(std::process::id());
        }
        let entries = entries.len();
        let place = Place { file, sleepers: Sleepers::of(&identity), index: seat, entries, alone: Mutex::new(()) };
        let sweeper = Sweeper::of_file(&path);
        let at = Self { memory, place: Some(place), path, identity, forks, _sweeper: sweeper };
        if let Some(lock) = at.lock_words() {
            lock.join();
        }
        at
    }

    /// Ends the claim under which the file was made.
    pub(super) fn release_name(&self) {
        if let Some(place) = &self.place {
            // Best effort: it goes with the handle.
            let _ = sys::range_lock::unlock(&place.file, &Seats::FILE);
        }
    }

    /// Removes the name, if it is still this file's; [`Error::Contended`] when another has it to remove or to make for long.
    pub(super) fn remove_name(&self) -> Result<()> {
        let remove = || unlink_if_same(&self.path, &self.identity).map_err(|e| Error::io("remove", &self.path, e));
        // Somebody else's file has no lock for that.
        let Some(place) = &self.place else { return remove() };
        let _alone = place.alone.lock();
        let mut retry = Retry::default();
        loop {
            let taken = sys::range_lock::try_lock(&place.file, &Seats::FILE);
            if taken.map_err(|e| Error::io("lock", &self.path, e))? {
                let removed = remove();
                self.release_name();
                return removed;
            }
            if !has_name(&self.path, &self.identity) {
                return Ok(());
            }
            retry.pause()?;
        }
    }

    /// A handle of somebody else's file.
    pub(super) fn raw(memory: ArrayMemory, path: PathBuf, identity: Identity) -> Self {
        let sweeper = Sweeper::of_file(&path);
        Self { memory, place: None, path, identity, forks: sys::watch_forks(), _sweeper: sweeper }
    }

    pub(super) fn memory(&self) -> &ArrayMemory {
        &self.memory
    }

    /// The array mapped once more; none without a lock.
    pub(super) fn map_again(&self) -> Result<ArrayMemory> {
        self.check_process()?;
        let place = self.place.as_ref().ok_or(Error::Unsupported { what: "locking a file that has no lock" })?;
        ArrayMemory::map(&place.file, &self.path, self.memory.extent(), false)
    }

    /// `shape`, if so many elements of `dtype`, which is the array's, are what there is.
    pub(super) fn reshaped(&self, dtype: DType, shape: &[usize]) -> Result<Vec<usize>> {
        let expected = self.memory.byte_len() / dtype.size();
        let found = shape::byte_len(shape, dtype.size())? / dtype.size();
        if found == expected { Ok(shape.to_vec()) } else { Err(Error::ShapeMismatch { expected, found }) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Those who wait for this array.
    #[inline]
    pub(super) fn sleepers(&self) -> Sleepers {
        Sleepers::of(&self.identity)
    }

    pub(super) fn has_lock(&self) -> bool {
        self.place.is_some()
    }

    /// Fails in a forked child: its parent owns the entry.
    #[inline]
    pub(super) fn check_process(&self) -> Result<()> {
        if self.forks == sys::fork_count() { Ok(()) } else { Err(Error::Forked) }
    }

    /// The lock, unless it belongs to the parent of this process, or there is none.
    #[inline]
    fn own_lock(&self) -> Option<Lock<'_, Place>> {
        if self.forks == sys::fork_count() { self.lock_words() } else { None }
    }

    /// The lock, for whoever may use it.
    pub(super) fn lock(&self) -> Result<Lock<'_, impl Kernel>> {
        self.check_process()?;
        self.lock_words().ok_or(Error::Unsupported { what: "locking a file that has no lock" })
    }

    #[inline]
    fn lock_words(&self) -> Option<Lock<'_, Place>> {
        let kernel = self.place.as_ref()?;
        Some(Lock { words: self.memory.words()?, entries: self.memory.entries(), own: kernel.index, kernel })
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        // In a forked child the entry is still the parent's. Closing its descriptor leaves the lock on it alone.
        if let Some(lock) = self.own_lock() {
            lock.part();
            fail_point!("array.parted");
        }
    }
}

/// How an array is held.
///
/// As wide as a pointer: a guard is moved right after it has been made, and a processor stalls when it is to load wide what it has just stored narrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Kind {
    Read,
    Atomic,
    /// A single atomic load.
    Peek,
    Write,
    /// As `Write`, by a thread that was panicking already: then its panic is no sign of a half-done change.
    WritePanicking,
    /// Not at all: another hold has taken it over.
    Gone,
}

/// How an attempt to take the lock ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "whoever gets in must leave"]
pub(super) enum Entered {
    Sound,
    /// Got in all the same.
    Poisoned,
    /// Patience was not enough.
    Late,
    /// In a forked child, or without a lock.
    Refused,
}

impl From<Option<Inside>> for Entered {
    #[inline]
    fn from(inside: Option<Inside>) -> Self {
        match inside {
            Some(Inside { poisoned: false }) => Self::Sound,
            Some(Inside { poisoned: true }) => Self::Poisoned,
            None => Self::Late,
        }
    }
}

impl Attachment {
    /// Takes the lock; a [`Hold`] gives it back.
    #[inline]
    pub(super) fn enter(&self, kind: Kind, patience: &mut impl Patience) -> Entered {
        let Some(lock) = self.own_lock() else { return Entered::Refused };
        match kind {
            Kind::Read => lock.share(Share::View, patience).into(),
            Kind::Atomic => lock.share(Share::Atomic, patience).into(),
            Kind::Peek => lock.share(Share::Peek, patience).into(),
            Kind::Write | Kind::WritePanicking => lock.claim(Purpose::Write, patience).into(),
            Kind::Gone => Entered::Refused,
        }
    }

    /// Takes the lock to write if that is possible at once, without keeping others out in the attempt.
    pub(super) fn try_enter_alone(&self, patience: &mut impl Patience) -> Entered {
        self.own_lock().map_or(Entered::Refused, |lock| lock.try_claim(patience).into())
    }
}

/// The lock, held until dropped. `P` points to the attachment.
pub(super) struct Hold<P: Deref<Target = Attachment>> {
    at: P,
    kind: Kind,
}

impl<P: Deref<Target = Attachment>> Hold<P> {
    /// Gives back, when dropped, what [`enter`](Attachment::enter) has taken.
    #[inline]
    pub(super) fn of(at: P, kind: Kind) -> Self {
        let kind = if kind == Kind::Write && thread::panicking() { Kind::WritePanicking } else { kind };
        Self { at, kind }
    }

    #[inline]
    pub(super) fn at(&self) -> &P {
        &self.at
    }

    pub(super) fn is(&self, kind: Kind) -> bool {
        self.kind == kind || kind == Kind::Write && self.kind == Kind::WritePanicking
    }

    /// The same lock, held through another pointer to the same attachment.
    pub(super) fn through<Q: Deref<Target = Attachment>>(mut self, at: Q) -> Hold<Q> {
        debug_assert!(std::ptr::eq(&raw const *self.at, &raw const *at));
        Hold { at, kind: std::mem::replace(&mut self.kind, Kind::Gone) }
    }
}

impl<P: Deref<Target = Attachment>> Drop for Hold<P> {
    // Always: where the kind is known, little is left of it.
    #[inline(always)]
    fn drop(&mut self) {
        // In a forked child the lock is still the parent's.
        let Some(lock) = self.at.own_lock() else { return };
        match self.kind {
            Kind::Read | Kind::Atomic | Kind::Peek => lock.leave(),
            Kind::Write => {
                if thread::panicking() {
                    lock.poison();
                }
                lock.release();
            }
            Kind::WritePanicking => lock.release(),
            Kind::Gone => {}
        }
    }
}
