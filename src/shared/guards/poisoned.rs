//! What to do with a lock whose last writer died.

use super::atomic::AtomicGuard;
use super::slices::{AnyReadGuard, AnyWriteGuard, ReadGuard, WriteGuard};
use crate::element::atomic::AtomicElement;
use crate::element::typing::Typing;
use crate::error::{Error, Poisoned, Result};
use crate::shared::held::{Borrowed, LockMode, Shared};
use crate::shared::{AnySharedArray, SharedArray};
use std::sync::Arc;

impl Poisoned {
    /// Returns the guard that [`SharedArray::read`] would have returned.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] when the error is not from a `read` of this very handle; the lock is
    /// released then. [`Error::InvalidBool`].
    pub fn into_read_guard<T: Typing>(self, array: &SharedArray<T>) -> Result<ReadGuard<'_, T>> {
        ReadGuard::new(self.held_by(array, LockMode::Read)?, array)
    }

    /// Returns the guard that [`SharedArray::write`] would have returned.
    ///
    /// ```
    /// # use ndsharray::{ArrayOptions, Error};
    /// # fn main() -> ndsharray::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// let array = ArrayOptions::new().dir(dir.path()).create::<f32>("doc-poison", &[3])?;
    /// let mut elements = match array.write() {
    ///     Err(Error::Poisoned(lock)) => {
    ///         let mut elements = lock.into_write_guard(&array)?;
    ///         elements.fill(0.0); // whatever makes them sound
    ///         array.clear_poison()?;
    ///         elements
    ///     }
    ///     other => other?,
    /// };
    /// elements[0] = 1.0;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] when the error is not from a `write` to this very handle; the lock is
    /// released then. [`Error::InvalidBool`].
    pub fn into_write_guard<T: Typing>(self, array: &SharedArray<T>) -> Result<WriteGuard<'_, T>> {
        WriteGuard::new(self.held_by(array, LockMode::Write)?, array)
    }

    /// Returns the guard that [`SharedArray::atomic`] would have returned.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] when the error is not from an `atomic` of this very handle; the lock
    /// is released then.
    pub fn into_atomic_guard<T: AtomicElement>(self, array: &SharedArray<T>) -> Result<AtomicGuard<'_, T>> {
        Ok(AtomicGuard::new(&array.at, Some(self.held_by(array, LockMode::Atomic)?)))
    }

    /// As [`into_read_guard`](Self::into_read_guard), for a dtype known at run time.
    ///
    /// # Errors
    ///
    /// As [`into_read_guard`](Self::into_read_guard).
    pub fn into_any_read_guard(self, array: &AnySharedArray) -> Result<AnyReadGuard<'_>> {
        self.into_read_guard(array)
    }

    /// As [`into_write_guard`](Self::into_write_guard), for a dtype known at run time.
    ///
    /// # Errors
    ///
    /// As [`into_write_guard`](Self::into_write_guard).
    pub fn into_any_write_guard(self, array: &AnySharedArray) -> Result<AnyWriteGuard<'_>> {
        self.into_write_guard(array)
    }

    /// The same lock, held through `array`.
    ///
    /// Fails unless it was acquired through this handle and in this mode.
    fn held_by<T: Typing>(self, array: &SharedArray<T>, mode: LockMode) -> Result<Borrowed<'_>> {
        match self.into_held::<Shared>() {
            Some(held) if Arc::ptr_eq(held.at(), &array.at) && held.is(mode) => Ok(held.through(&*array.at)),
            _ => Err(Error::Unsupported { what: "a guard of another kind or handle than the poisoned lock's" }),
        }
    }
}
