//! Acquires and releases the lock of an array.

use super::attachment::Attachment;
use ndsharray_protocol::rwlock::{Acquired, Purpose, Share, Waiter};
use std::ops::Deref;
use std::sync::Arc;
use std::thread;

/// The mode in which the lock of an array is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockMode {
    /// As by [`SharedArray::read`](crate::SharedArray::read): shared with other readers.
    Read,
    /// As by [`SharedArray::write`](crate::SharedArray::write): exclusive.
    Write,
    /// As by [`SharedArray::atomic`](crate::SharedArray::atomic): shared with other holders that
    /// access single elements.
    Atomic,
}

/// How an attempt to acquire the lock ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "an acquired lock must be released"]
pub(super) enum Acquisition {
    Sound,
    /// Acquired, but the array is poisoned.
    Poisoned,
    /// The waiter gave up.
    TimedOut,
    /// In a forked child, or without a lock.
    Refused,
}

impl From<Option<Acquired>> for Acquisition {
    #[inline]
    fn from(acquired: Option<Acquired>) -> Self {
        match acquired {
            Some(Acquired { poisoned: false }) => Self::Sound,
            Some(Acquired { poisoned: true }) => Self::Poisoned,
            None => Self::TimedOut,
        }
    }
}

impl Attachment {
    /// Acquires the lock; a [`Held`] releases it.
    #[inline]
    pub(super) fn acquire(&self, mode: LockMode, waiter: &mut impl Waiter) -> Acquisition {
        match mode {
            LockMode::Read => self.acquire_shared(Share::View, waiter),
            LockMode::Atomic => self.acquire_shared(Share::Atomic, waiter),
            LockMode::Write => {
                self.own_lock().map_or(Acquisition::Refused, |lock| lock.claim(Purpose::Write, waiter).into())
            }
        }
    }

    /// Acquires the lock together with holders whose sharing is compatible with `share`.
    #[inline]
    pub(super) fn acquire_shared(&self, share: Share, waiter: &mut impl Waiter) -> Acquisition {
        self.own_lock().map_or(Acquisition::Refused, |lock| lock.share(share, waiter).into())
    }

    /// Acquires the lock to write, if it is free at once.
    ///
    /// The attempt does not keep other waiters out.
    pub(super) fn try_acquire_alone(&self, waiter: &mut impl Waiter) -> Acquisition {
        self.own_lock().map_or(Acquisition::Refused, |lock| lock.try_claim(waiter).into())
    }
}

/// What dropping a [`Held`] releases.
///
/// As wide as a pointer: a guard is moved right after it has been made, and a processor stalls when
/// it loads wide what it has just stored narrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
enum Due {
    Read,
    Atomic,
    Write,
    /// As `Write`, by a thread that was panicking already. Its panic is no sign of a half-done
    /// change.
    WritePanicking,
    /// Nothing: another [`Held`] has taken over.
    Nothing,
}

/// The lock, held until dropped. `P` points to the attachment.
pub(super) struct Held<P: Deref<Target = Attachment>> {
    at: P,
    due: Due,
}

/// On behalf of a borrowed array.
pub(super) type Borrowed<'a> = Held<&'a Attachment>;

/// In an error, which borrows nothing.
pub(super) type Shared = Held<Arc<Attachment>>;

impl<P: Deref<Target = Attachment>> Held<P> {
    /// Releases, when dropped, what [`acquire`](Attachment::acquire) has acquired.
    #[inline]
    pub(super) fn new(at: P, mode: LockMode) -> Self {
        let due = match mode {
            LockMode::Read => Due::Read,
            LockMode::Atomic => Due::Atomic,
            LockMode::Write if thread::panicking() => Due::WritePanicking,
            LockMode::Write => Due::Write,
        };
        Self { at, due }
    }

    #[inline]
    pub(super) fn at(&self) -> &P {
        &self.at
    }

    pub(super) fn is(&self, mode: LockMode) -> bool {
        matches!(
            (mode, self.due),
            (LockMode::Read, Due::Read)
                | (LockMode::Atomic, Due::Atomic)
                | (LockMode::Write, Due::Write | Due::WritePanicking)
        )
    }

    /// The same lock, held through another pointer to the same attachment.
    pub(super) fn through<Q: Deref<Target = Attachment>>(mut self, at: Q) -> Held<Q> {
        debug_assert!(std::ptr::eq(&raw const *self.at, &raw const *at));
        Held { at, due: std::mem::replace(&mut self.due, Due::Nothing) }
    }
}

impl<P: Deref<Target = Attachment>> Drop for Held<P> {
    // Always inlined, and small for that: a guard whose address is not taken need not lie in
    // memory. Where it does, it is moved right after it has been made, and a processor stalls when
    // it loads wide what it has just stored narrow.
    #[inline(always)]
    fn drop(&mut self) {
        let at: &Attachment = &self.at;
        match self.due {
            Due::Read | Due::Atomic => at.leave(),
            Due::Write => at.release(),
            Due::WritePanicking => at.release_panicking(),
            Due::Nothing => {}
        }
    }
}

/// What a [`Held`] does when it is dropped. In a forked child the lock is still the parent's.
impl Attachment {
    #[inline]
    fn leave(&self) {
        if let Some(lock) = self.own_lock() {
            lock.leave();
        }
    }

    #[inline]
    fn release(&self) {
        if let Some(lock) = self.own_lock() {
            if thread::panicking() {
                lock.poison();
            }
            lock.release();
        }
    }

    #[cold]
    fn release_panicking(&self) {
        if let Some(lock) = self.own_lock() {
            lock.release();
        }
    }
}
