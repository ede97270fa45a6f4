//! The lock in a user's hands: guards over the elements.

pub(crate) mod atomic;
mod poisoned;
pub(crate) mod slices;

pub(crate) use slices::{ReadGuard, WriteGuard};

use super::SharedArray;
use super::held::{Acquisition, Borrowed, Held, LockMode};
use super::waiter::{Blocking, NoWait};
use crate::element::typing::Typing;
use crate::error::{Error, Poisoned, Result};
use ndsharray_protocol::rwlock::Waiter;
use std::sync::Arc;
use std::time::Duration;

impl<T: Typing> SharedArray<T> {
    /// Waits until no writer holds the lock, and borrows the elements for reading.
    ///
    /// Any number of readers may hold it at once. A thread that holds a guard of this array and
    /// asks for another may deadlock, as with a standard lock. For `bool`, whose bytes could be
    /// others than 0 and 1, every element is checked.
    ///
    /// ```
    /// use ndsharray::{AnyArrayView, ArrayOptions, DType};
    ///
    /// # fn main() -> ndsharray::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// let options = ArrayOptions::new().dir(dir.path());
    /// let array = options.create_any("doc-any-guards", DType::U8, &[2, 3], |_| ())?;
    /// array.write()?.as_mut_bytes()[5] = 7;
    /// match array.read()?.view() {
    ///     AnyArrayView::U8(view) => assert_eq!(view[[1, 2]], 7),
    ///     other => panic!("{}", other.dtype()),
    /// }
    /// assert_eq!(options.open::<u8>("doc-any-guards")?.read()?[5], 7);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Poisoned`], with the lock in it, when a writer died or panicked while it held the
    /// lock; [`Error::Unsupported`] for an array without a lock; [`Error::InvalidBool`].
    #[inline]
    pub fn read(&self) -> Result<ReadGuard<'_, T>> {
        match self.at.acquire(LockMode::Read, &mut Blocking::forever(self.at.sleepers())) {
            Acquisition::Sound => ReadGuard::new(Held::new(&*self.at, LockMode::Read), self),
            other => Err(self.unsound(LockMode::Read, other)),
        }
    }

    /// [`read`](Self::read) without waiting: `None` when a writer holds the lock or waits for it.
    ///
    /// In that case it takes microseconds, to see whether that writer lives.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn try_read(&self) -> Result<Option<ReadGuard<'_, T>>> {
        self.held(LockMode::Read, &mut NoWait)?.map(|held| ReadGuard::new(held, self)).transpose()
    }

    /// [`read`](Self::read), waiting no longer than `timeout`; `None` after that.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn read_timeout(&self, timeout: Duration) -> Result<Option<ReadGuard<'_, T>>> {
        let held = self.held(LockMode::Read, &mut Blocking::at_most(timeout, self.at.sleepers()))?;
        held.map(|held| ReadGuard::new(held, self)).transpose()
    }

    /// Waits until the lock is free, and borrows the elements to change them.
    ///
    /// Readers that come later wait for this writer. When it is done, their turn comes before the
    /// next writer's.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    #[inline]
    pub fn write(&self) -> Result<WriteGuard<'_, T>> {
        match self.at.acquire(LockMode::Write, &mut Blocking::forever(self.at.sleepers())) {
            Acquisition::Sound => WriteGuard::new(Held::new(&*self.at, LockMode::Write), self),
            other => Err(self.unsound(LockMode::Write, other)),
        }
    }

    /// [`write`](Self::write) without waiting: `None` when another party holds the lock.
    ///
    /// In that case it takes microseconds, to see whether the holder lives.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn try_write(&self) -> Result<Option<WriteGuard<'_, T>>> {
        let held = self.acquired(LockMode::Write, self.at.try_acquire_alone(&mut NoWait))?;
        held.map(|held| WriteGuard::new(held, self)).transpose()
    }

    /// [`write`](Self::write), waiting no longer than `timeout`; `None` after that.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn write_timeout(&self, timeout: Duration) -> Result<Option<WriteGuard<'_, T>>> {
        let held = self.held(LockMode::Write, &mut Blocking::at_most(timeout, self.at.sleepers()))?;
        held.map(|held| WriteGuard::new(held, self)).transpose()
    }

    /// Whether a writer died or panicked while it held the lock.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for an array without a lock.
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

    fn held(&self, mode: LockMode, waiter: &mut impl Waiter) -> Result<Option<Borrowed<'_>>> {
        self.acquired(mode, self.at.acquire(mode, waiter))
    }

    fn acquired(&self, mode: LockMode, acquisition: Acquisition) -> Result<Option<Borrowed<'_>>> {
        match acquisition {
            Acquisition::Sound => Ok(Some(Held::new(&*self.at, mode))),
            Acquisition::TimedOut => Ok(None),
            other => Err(self.unsound(mode, other)),
        }
    }

    /// The error when the lock was not acquired, or the array is poisoned: then the error holds the
    /// lock.
    #[cold]
    #[inline(never)]
    fn unsound(&self, mode: LockMode, acquisition: Acquisition) -> Error {
        match acquisition {
            Acquisition::Sound | Acquisition::Poisoned => {
                Error::Poisoned(Poisoned::new(Held::new(Arc::clone(&self.at), mode)))
            }
            Acquisition::TimedOut => Error::Contended { attempts: 0 },
            Acquisition::Refused => self.at.lock().err().unwrap_or(Error::Forked),
        }
    }
}
