//! The lock in the hands of a user: guards that lend the elements.

pub(crate) mod any;
pub(crate) mod atomic;
mod poisoned;
pub(crate) mod slices;

pub(crate) use slices::{ReadGuard, WriteGuard};

use super::SharedArray;
use super::attachment::{Attachment, Entered, Hold, Kind};
use super::patience::{Never, Waiting};
use crate::element::ShElement;
use crate::error::{Error, Poisoned, Result};
use crate::lock::Patience;
use std::sync::Arc;
use std::time::Duration;

/// A hold on behalf of a borrowed array.
type Borrowed<'a> = Hold<&'a Attachment>;

/// A hold in an error, which borrows nothing.
type Lent = Hold<Arc<Attachment>>;

impl<T: ShElement> SharedArray<T> {
    /// Waits until nobody changes the array, and lends the elements to be looked at. Any number of readers may have it at once.
    ///
    /// A thread that has a guard of this array and asks for another may wait for itself, for ever, as with a standard lock.
    ///
    /// For `bool`, whose bytes could be others than 0 and 1, every element is checked.
    ///
    /// # Errors
    ///
    /// [`Error::Poisoned`], with the lock in it, when a writer died or panicked while it had the array; [`Error::Unsupported`] for an array without a lock;
    /// [`Error::InvalidBool`]; [`Error::Forked`].
    #[inline]
    pub fn read(&self) -> Result<ReadGuard<'_, T>> {
        match self.at.enter(Kind::Read, &mut Waiting::for_ever(self.at.sleepers())) {
            Entered::Sound => ReadGuard::new(Hold::of(&*self.at, Kind::Read), self.shape()),
            other => Err(self.unsound(Kind::Read, other)),
        }
    }

    /// [`read`](Self::read) without waiting: `None` when a writer has the array, or is waiting for it. Takes microseconds then, to see whether it lives.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn try_read(&self) -> Result<Option<ReadGuard<'_, T>>> {
        self.hold(Kind::Read, &mut Never)?.map(|hold| ReadGuard::new(hold, self.shape())).transpose()
    }

    /// [`read`](Self::read), waiting no longer than `timeout`: `None` when that was not enough.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn read_timeout(&self, timeout: Duration) -> Result<Option<ReadGuard<'_, T>>> {
        let hold = self.hold(Kind::Read, &mut Waiting::at_most(timeout, self.at.sleepers()))?;
        hold.map(|hold| ReadGuard::new(hold, self.shape())).transpose()
    }

    /// Waits until nobody has the array, and lends the elements to be changed. Readers that come after it wait for it; when it is done it is their
    /// turn before the next writer's.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    #[inline]
    pub fn write(&self) -> Result<WriteGuard<'_, T>> {
        match self.at.enter(Kind::Write, &mut Waiting::for_ever(self.at.sleepers())) {
            Entered::Sound => WriteGuard::new(Hold::of(&*self.at, Kind::Write), self.shape()),
            other => Err(self.unsound(Kind::Write, other)),
        }
    }

    /// [`write`](Self::write) without waiting: `None` when somebody has the array. Takes microseconds then, to see whether they live.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn try_write(&self) -> Result<Option<WriteGuard<'_, T>>> {
        let hold = self.entered(Kind::Write, self.at.try_enter_alone(&mut Never))?;
        hold.map(|hold| WriteGuard::new(hold, self.shape())).transpose()
    }

    /// [`write`](Self::write), waiting no longer than `timeout`: `None` when that was not enough.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn write_timeout(&self, timeout: Duration) -> Result<Option<WriteGuard<'_, T>>> {
        let hold = self.hold(Kind::Write, &mut Waiting::at_most(timeout, self.at.sleepers()))?;
        hold.map(|hold| WriteGuard::new(hold, self.shape())).transpose()
    }

    /// Whether a writer died or panicked while it had the array.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for an array without a lock; [`Error::Forked`].
    pub fn is_poisoned(&self) -> Result<bool> {
        Ok(self.at.lock()?.is_poisoned())
    }

    /// Declares the elements sound again.
    ///
    /// # Errors
    ///
    /// As [`is_poisoned`](Self::is_poisoned).
    pub fn clear_poison(&self) -> Result<()> {
        self.at.lock()?.clear_poison();
        Ok(())
    }

    fn hold(&self, kind: Kind, patience: &mut impl Patience) -> Result<Option<Borrowed<'_>>> {
        self.entered(kind, self.at.enter(kind, patience))
    }

    fn entered(&self, kind: Kind, entered: Entered) -> Result<Option<Borrowed<'_>>> {
        match entered {
            Entered::Sound => Ok(Some(Hold::of(&*self.at, kind))),
            Entered::Late => Ok(None),
            other => Err(self.unsound(kind, other)),
        }
    }

    /// What there is to say when the lock has not been taken, or is that of a poisoned array: then the error holds it.
    #[cold]
    #[inline(never)]
    fn unsound(&self, kind: Kind, entered: Entered) -> Error {
        match entered {
            Entered::Sound | Entered::Poisoned => Error::Poisoned(Poisoned::new(Hold::of(Arc::clone(&self.at), kind))),
            Entered::Late => Error::Contended { attempts: 0 },
            Entered::Refused => self.at.lock().err().unwrap_or(Error::Forked),
        }
    }
}
