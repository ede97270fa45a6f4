//! Taking the lock of an array, and giving it back.

use super::attachment::Attachment;
use ndsharray_protocol::rwlock::{Acquired, Purpose, Share, Waiter};
use std::ops::Deref;
use std::sync::Arc;
use std::thread;

/// How the lock of an array is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockMode {
    /// As by [`SharedArray::read`](crate::SharedArray::read): together with others that only look.
    Read,
    /// As by [`SharedArray::write`](crate::SharedArray::write): alone.
    Write,
    /// As by [`SharedArray::atomic`](crate::SharedArray::atomic): together with others that access
    /// single elements.
    Atomic,
}

/// How an attempt to take the lock ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "an acquired lock must be given back"]
pub(super) enum Acquisition {
    Sound,
    /// Acquired all the same.
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
    /// Takes the lock; a [`Held`] gives it back.
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

    /// Takes the lock together with others that share it in a way that goes with `share`.
    #[inline]
    pub(super) fn acquire_shared(&self, share: Share, waiter: &mut impl Waiter) -> Acquisition {
        self.own_lock().map_or(Acquisition::Refused, |lock| lock.share(share, waiter).into())
    }

    /// Takes the lock to write if that is possible at once, without keeping others out in the
    /// attempt.
    pub(super) fn try_acquire_alone(&self, waiter: &mut impl Waiter) -> Acquisition {
        self.own_lock().map_or(Acquisition::Refused, |lock| lock.try_claim(waiter).into())
    }
}

/// What dropping a [`Held`] gives back.
///
/// As wide as a pointer: a guard is moved right after it has been made, and a processor stalls when
/// it is to load wide what it has just stored narrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
enum Due {
    Read,
    Atomic,
    Write,
    /// As `Write`, by a thread that was panicking already: then its panic is no sign of a half-done
    /// change.
    WritePanicking,
    /// Nothing: another [`Held`] has taken it over.
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
    /// Gives back, when dropped, what [`acquire`](Attachment::acquire) has taken.
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
    // Always: where it is known what is due, little is left of it.
    #[inline(always)]
    fn drop(&mut self) {
        // In a forked child the lock is still the parent's.
        let Some(lock) = self.at.own_lock() else { return };
        match self.due {
            Due::Read | Due::Atomic => lock.leave(),
            Due::Write => {
                if thread::panicking() {
                    lock.poison();
                }
                lock.release();
            }
            Due::WritePanicking => lock.release(),
            Due::Nothing => {}
        }
    }
}
