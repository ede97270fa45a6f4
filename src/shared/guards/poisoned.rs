//! What to do with a lock whose last holder died.

use super::atomic::AtomicGuard;
use super::slices::{ReadGuard, WriteGuard};
use super::{Borrowed, Lent};
use crate::element::ShElement;
use crate::element::atomic::AtomicElement;
use crate::error::{Error, Poisoned, Result};
use crate::shared::SharedArray;
use crate::shared::attachment::{Attachment, Kind};
use std::sync::Arc;

impl Poisoned {
    /// The guard that [`SharedArray::read`] would have returned.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] when the error is not from a `read` of this very handle; the lock is given back then. [`Error::InvalidBool`].
    pub fn into_read_guard<T: ShElement>(self, array: &SharedArray<T>) -> Result<ReadGuard<'_, T>> {
        ReadGuard::new(self.hold(array, Kind::Read)?, array.shape())
    }

    /// The guard that [`SharedArray::write`] would have returned.
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
    /// [`Error::Unsupported`] when the error is not from a `write` to this very handle; the lock is given back then. [`Error::InvalidBool`].
    pub fn into_write_guard<T: ShElement>(self, array: &SharedArray<T>) -> Result<WriteGuard<'_, T>> {
        WriteGuard::new(self.hold(array, Kind::Write)?, array.shape())
    }

    /// The guard that [`SharedArray::atomic`] would have returned.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] when the error is not from an `atomic` of this very handle; the lock is given back then.
    pub fn into_atomic_guard<T: AtomicElement>(self, array: &SharedArray<T>) -> Result<AtomicGuard<'_, T>> {
        Ok(AtomicGuard::new(&array.at, Some(self.hold(array, Kind::Atomic)?)))
    }

    fn hold<T: ShElement>(self, array: &SharedArray<T>, kind: Kind) -> Result<Borrowed<'_>> {
        match self.into_held::<Lent>() {
            Some(hold) => through(hold, &array.at, kind),
            None => Err(another()),
        }
    }
}

/// The same lock, held through the handle `at`, if it is of that handle and kind.
pub(super) fn through(hold: Lent, at: &Arc<Attachment>, kind: Kind) -> Result<Borrowed<'_>> {
    if Arc::ptr_eq(hold.at(), at) && hold.is(kind) { Ok(hold.through(&**at)) } else { Err(another()) }
}

pub(super) fn another() -> Error {
    Error::Unsupported { what: "a guard of another kind or handle than the poisoned lock's" }
}
